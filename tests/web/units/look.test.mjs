import assert from "node:assert/strict";
import { test } from "node:test";

import { readPreview } from "../../../gateway/web/page/look/answer.js";
import { chartsOf } from "../../../gateway/web/page/look/choice.js";
import { areDates, dateOf } from "../../../gateway/web/page/look/dates.js";
import {
  compareDecimals,
  grouped,
  parseDecimal,
  sumOf,
} from "../../../gateway/web/page/look/decimal.js";
import { fitting, groupLabel, visible } from "../../../gateway/web/page/look/labels.js";
import { namesOf } from "../../../gateway/web/page/look/naming.js";
import { notesOf } from "../../../gateway/web/page/look/notes.js";
import { asTsv, compareTexts, filterRows, sortRows } from "../../../gateway/web/page/look/rows.js";
import { barsOf, linesOf } from "../../../gateway/web/page/look/series.js";
import { viewIn } from "../../../gateway/web/page/look/state.js";
import { dateTicks, numberTicks } from "../../../gateway/web/page/look/ticks.js";

/** @type {(name: string, truncate?: string | null, type?: string) => any} */
const group = (name, truncate = null, type = "text") => ({ name, type, function: null, truncate });
/** @type {(fn: string, type?: string) => any} */
const value = (fn, type = "number") => ({ name: `${fn}(x)`, type, function: fn, truncate: null });

/** @type {(columns: any[], rows: any[][], more?: object) => any} */
function wanted(columns, rows, more = {}) {
  const choice = chartsOf(columns, rows);
  return {
    columns,
    rows,
    whole: true,
    choice,
    measure: columns.findIndex((column) => column.function !== null),
    empty: "(empty)",
    rest: "Others",
    ...more,
  };
}

/** @type {(chart: any) => any[]} */
const texts = (chart) =>
  chart.places.map((/** @type {any} */ place) => [
    place.label,
    ...place.values.map((/** @type {any} */ each) => each?.text ?? null),
  ]);

test("an answer keeps the digits of numbers and leaves texts alone", () => {
  const preview = readPreview(
    String.raw`{"columns": [{"name": "12 \" 3.50, -4", "type": "text"}, {"name": "n", "type": "number", "function": "sum", "truncate": null}],
    "rows": [["7.0 \\", 1.50], ["[1, 2]", -0.10], ["é\u0031", null], ["\"5\"", "12345678901234567890"]], "truncated": true, "total_rows": 2400000}`,
  );
  assert.deepEqual(preview.rows, [
    ["7.0 \\", "1.50"],
    ["[1, 2]", "-0.10"],
    ["é1", null],
    ['"5"', "12345678901234567890"],
  ]);
  assert.equal(preview.columns[0]?.name, '12 " 3.50, -4');
  assert.deepEqual([preview.truncated, preview.total], [true, 2400000]);
  assert.deepEqual([preview.columns[0]?.function, preview.columns[1]?.function], [null, "sum"]);
});

test("thousands are told apart from five digits on, and what is no number is left as it is", () => {
  for (const [text, shown] of [
    ["12345", "12,345"],
    ["-1234567.8901", "-1,234,567.8901"],
    ["123456789012345678901234567890", "123,456,789,012,345,678,901,234,567,890"],
    ["2026", "2026"],
    ["0.123456", "0.123456"],
    ["2026-01-02", "2026-01-02"],
    ["", ""],
  ]) {
    assert.equal(grouped(text), shown);
  }
});

test("decimal numbers are added and compared with all their digits", () => {
  assert.equal(sumOf(["0.1", "0.2"]), "0.3");
  assert.equal(sumOf(["-0.05", "0.040"]), "-0.010");
  assert.equal(
    sumOf(["987654321098765432109876543210", "0.55", null, ""]),
    "987654321098765432109876543210.55",
  );
  assert.equal(sumOf([null, ""]), null);
  assert.equal(sumOf(["5", "-5"]), "0");
  // Thousandths as whole numbers are exact
  for (let i = 0; i < 300; i += 1) {
    const [a, b] = [
      Math.trunc((Math.random() - 0.5) * 1e12),
      Math.trunc((Math.random() - 0.5) * 1e12),
    ];
    const shown = (/** @type {number} */ n) => {
      const digits = String(Math.abs(n)).padStart(4, "0");
      return `${n < 0 ? "-" : ""}${digits.slice(0, -3)}.${digits.slice(-3)}`;
    };
    assert.equal(sumOf([shown(a), shown(b)]), shown(a + b));
    const [one, other] = [parseDecimal(shown(a)), parseDecimal(shown(b))];
    assert.ok(one && other);
    assert.equal(compareDecimals(one, other), Math.sign(a - b));
  }
  for (const text of ["", "1e5", "1.", ".5", "--1", "1,000", "NaN", null])
    assert.equal(parseDecimal(text), null);
});

test("dates of every unit are read, and what is none is not", () => {
  /** @type {[string, string, string][]} */
  const dates = [
    ["2020", "2020-01-01T00:00:00Z", "year"],
    ["2020-Q4", "2020-10-01T00:00:00Z", "quarter"],
    ["2020-12", "2020-12-01T00:00:00Z", "month"],
    ["2020-W01", "2019-12-30T00:00:00Z", "week"],
    ["2020-W53", "2020-12-28T00:00:00Z", "week"],
    ["2021-W01", "2021-01-04T00:00:00Z", "week"],
    ["2020-12-31", "2020-12-31T00:00:00Z", "day"],
    ["2020-12-31T23", "2020-12-31T23:00:00Z", "hour"],
    ["2020-12-31 23:59:58.5", "2020-12-31T23:59:58.500Z", "moment"],
    ["2020-12-31T23:59:58+02:00", "2020-12-31T23:59:58Z", "moment"],
    ["0099-01-02", "0099-01-02T00:00:00Z", "day"],
  ];
  for (const [text, iso, unit] of dates) {
    assert.deepEqual(dateOf(text), { time: new Date(iso).getTime(), unit }, text);
  }
  for (const text of [
    "",
    "2020-13",
    "2020-02-30",
    "2020-W54",
    "2020-Q5",
    "20201231",
    "x",
    "2020-1-2",
    null,
    "2020-12-31T24:30",
  ]) {
    assert.equal(dateOf(text), null, String(text));
  }
  assert.equal(areDates(["2020-01-02", "", null, "2020-01-03"]), true);
  assert.equal(areDates(["2020-01-02", "2020-01"]), false);
  assert.equal(areDates(["2020", "1999"]), false);
  assert.equal(areDates(["2020", "1999"], { years: true }), true);
  assert.equal(areDates(["", null]), false);
});

test("ticks of numbers are round, enclose the values, and are told apart", () => {
  assert.deepEqual(numberTicks(0, 1042, 5), {
    values: [0, 500, 1000, 1500],
    labels: ["0", "500", "1,000", "1,500"],
    contexts: ["", "", "", ""],
  });
  assert.deepEqual(numberTicks(0, 0.3, 3).labels, ["0", "0.1", "0.2", "0.3"]);
  assert.deepEqual(numberTicks(-25_000, 60_000, 5).labels, [
    "-40K",
    "-20K",
    "0",
    "20K",
    "40K",
    "60K",
  ]);
  assert.deepEqual(numberTicks(0, 1.2e6, 3).labels, ["0", "0.5M", "1.0M", "1.5M"]);
  assert.deepEqual(numberTicks(0, 9.8e29, 3).labels, ["0", "5×10²⁹", "1×10³⁰"]);
  assert.deepEqual(numberTicks(0, 3e-9, 3).labels, ["0", "1×10⁻⁹", "2×10⁻⁹", "3×10⁻⁹"]);
  assert.deepEqual(numberTicks(7, 7, 2).values, [5, 10, 15]);
  assert.deepEqual(numberTicks(0, 0, 2).values, [0, 0.5, 1]);
  for (let i = 0; i < 500; i += 1) {
    const size = 10 ** (Math.random() * 40 - 20);
    const [a, b] = [(Math.random() - 0.5) * size, (Math.random() - 0.5) * size];
    const { values, labels } = numberTicks(a, b, 5);
    const slack = Math.abs(b - a) * 1e-6;
    assert.ok(
      (values[0] ?? 0) <= Math.min(a, b) + slack && (values.at(-1) ?? 0) >= Math.max(a, b) - slack,
    );
    assert.ok(values.length >= 2 && values.length <= 9, String(values));
    assert.equal(new Set(labels).size, values.length, String(labels));
  }
});

test("ticks of dates are where months, days or hours begin", () => {
  const at = (/** @type {string} */ text) => new Date(`${text}Z`).getTime();
  const year = dateTicks(at("2025-11-20T00:00"), at("2026-11-20T00:00"), 6);
  assert.deepEqual(year.labels, ["Jan", "Apr", "Jul", "Oct"]);
  assert.deepEqual(year.contexts, ["2026", "", "", ""]);
  const weeks = dateTicks(at("2025-12-20T00:00"), at("2026-01-20T00:00"), 6);
  assert.deepEqual(weeks.labels, ["Dec 22", "Dec 29", "Jan 5", "Jan 12", "Jan 19"]);
  assert.deepEqual(weeks.contexts, ["2025", "", "2026", "", ""]);
  const day = dateTicks(at("2026-01-01T00:00"), at("2026-01-01T23:00"), 4);
  assert.deepEqual(day.labels, ["00:00", "06:00", "12:00", "18:00"]);
  assert.deepEqual(day.contexts, ["Jan 1", "", "", ""]);
  const days = dateTicks(at("2026-01-01T00:00"), at("2026-01-03T00:00"), 9, 86_400_000);
  assert.deepEqual(days.labels, ["Jan 1", "Jan 2", "Jan 3"]);
  assert.deepEqual(dateTicks(at("1905-01-01T00:00"), at("2026-01-01T00:00"), 7).labels, [
    "1920",
    "1940",
    "1960",
    "1980",
    "2000",
    "2020",
  ]);
});

test("rows are sorted by value, with those without a value last in both directions", () => {
  const columns = [group("t"), value("sum")];
  const rows = [
    ["a", "10"],
    ["b", null],
    ["c", "9"],
    ["d", "-1.5"],
    ["e", "10.0"],
    ["f", "123456789012345678901"],
    ["g", "123456789012345678902"],
  ];
  const order = (/** @type {any} */ by) =>
    sortRows(rows, columns, by)
      .map(([name]) => name)
      .join("");
  assert.equal(order({ column: 1, descending: false }), "dcaefgb");
  assert.equal(order({ column: 1, descending: true }), "gfaecdb");
  assert.equal(order({ column: 0, descending: true }), "gfedcba");
});

test("texts are compared as the bytes of UTF-8", () => {
  const made = ["", "a", "B", "é", "\uffff", "\u{1f600}", "ab", "a\u{10ffff}", "a\ue000", "Z"];
  const sorted = [...made].sort(compareTexts);
  const bytes = [...made].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  assert.deepEqual(sorted, bytes);
});

test("rows are found by a part of any cell", () => {
  const rows = [
    ["Blue", "1"],
    ["Red", "21"],
    [null, "3"],
  ];
  assert.deepEqual(filterRows(rows, " BLU "), [["Blue", "1"]]);
  assert.deepEqual(filterRows(rows, "1"), [
    ["Blue", "1"],
    ["Red", "21"],
  ]);
  assert.equal(filterRows(rows, "  "), rows);
});

test("copied rows can be pasted into a spreadsheet, and are no formulas", () => {
  const columns = [group("na\tme"), value("sum")];
  const rows = [
    ["a\nb", "1.50"],
    ['"q"', null],
    ["=1+2", "-3"],
    ["@x", "4"],
    ["-5", "6"],
  ];
  assert.equal(
    asTsv(columns, rows),
    '"na\tme"\tsum(x)\n"a\nb"\t1.50\n"""q"""\t\n\'=1+2\t-3\n\'@x\t4\n-5\t6\n',
  );
});

test("labels show control characters as signs and are cut with an ellipsis", () => {
  assert.equal(visible("a\u0000\n\u007f\u202e"), "a\u2400\u240a\u2421\ufffd");
  assert.equal(groupLabel(["x", "", null], "(empty)"), "x · (empty) · (empty)");
  const measure = (/** @type {string} */ text) => [...text].length;
  assert.equal(fitting("abcdef", 6, measure), "abcdef");
  assert.equal(fitting("abc def", 5, measure), "abc…");
  assert.equal(fitting("\u{1f600}\u{1f600}\u{1f600}", 2, measure), "\u{1f600}…");
});

test("the chart is chosen by the kinds of the columns", () => {
  const shapes = (/** @type {any[]} */ columns, /** @type {any[][]} */ rows) =>
    chartsOf(columns, rows).shapes;
  const days = [
    ["2020-01-01", "1"],
    ["2020-01-02", "2"],
    ["2020-01-03", "3"],
  ];
  assert.deepEqual(shapes([group("Song"), value("sum")], [["a", "1"]]), ["bar"]);
  assert.deepEqual(shapes([group("Day"), value("sum")], days), ["line", "bar"]);
  assert.deepEqual(shapes([group("Day"), value("sum")], days.slice(0, 2)), ["bar", "line"]);
  assert.deepEqual(shapes([value("sum")], [["1"]]), []);
  assert.deepEqual(shapes([group("Song"), value("first", "text")], [["a", "1"]]), []);
  assert.deepEqual(shapes([group("Song"), value("max", "date")], [["a", "2020-01-01"]]), []);
  assert.deepEqual(shapes([group("Song"), value("sum")], [["a", null]]), []);
  assert.deepEqual(shapes([group("Song"), value("sum")], [["a", "9".repeat(400)]]), []);
  const years = [
    ["2019", "1"],
    ["2020", "1"],
    ["2021", "1"],
  ];
  assert.deepEqual(shapes([group("Year", "year"), value("sum")], years), ["line", "bar"]);
  assert.deepEqual(shapes([group("Id"), value("sum")], years), ["bar"]);
  assert.deepEqual(chartsOf([group("Year"), value("sum")], years, ["year"]).shapes, [
    "line",
    "bar",
  ]);
  const choice = chartsOf(
    [group("Song"), group("Day"), value("sum"), value("first", "text")],
    [["a", "2020-01-01", "1", "x"]],
  );
  assert.deepEqual([choice.groups, choice.time, choice.measures], [[0, 1], 1, [2]]);
});

test("bars are the largest groups, with their exact values", () => {
  const rows = Array.from({ length: 30 }, (_, i) => [`s${i}`, `${i}000000000000000000.5`]);
  const chart = barsOf(wanted([group("Song"), value("sum")], rows));
  assert.equal(chart.groups, 30);
  assert.deepEqual(texts(chart).slice(0, 2), [
    ["s29", "29000000000000000000.5"],
    ["s28", "28000000000000000000.5"],
  ]);
  assert.equal(chart.places.length, 20);
  const ordered = barsOf(wanted([group("Day"), value("sum")], rows.slice(0, 3), { ordered: true }));
  assert.deepEqual(
    texts(ordered).map(([name]) => name),
    ["s0", "s1", "s2"],
  );
});

test("bars of sums add up over dates, and those of means do not", () => {
  const rows = [
    ["a", "2020-01-01", "1.5"],
    ["a", "2020-01-02", "2.25"],
    ["b", "2020-01-01", "9"],
  ];
  const sums = barsOf(wanted([group("Song"), group("Day"), value("sum")], rows));
  assert.deepEqual(texts(sums), [
    ["b", "9"],
    ["a", "3.75"],
  ]);
  assert.deepEqual(sums.added, [1]);
  const means = barsOf(wanted([group("Song"), group("Day"), value("avg")], rows));
  assert.deepEqual(texts(means), [
    ["b · 2020-01-01", "9"],
    ["a · 2020-01-02", "2.25"],
    ["a · 2020-01-01", "1.5"],
  ]);
  assert.deepEqual(means.added, []);
  // Not all rows are loaded
  const part = barsOf(wanted([group("Song"), group("Day"), value("sum")], rows, { whole: false }));
  assert.deepEqual(
    texts(part).map(([name]) => name),
    ["b · 2020-01-01", "a · 2020-01-02", "a · 2020-01-01"],
  );
});

test("two group columns are stacked bars with all others if values add up, else bars side by side", () => {
  const regions = ["n", "s"];
  const rows = regions.flatMap((region, r) =>
    Array.from({ length: 9 }, (_, i) => [region, `p${i}`, `${(i + 1) * (r + 1)}`]),
  );
  const sums = barsOf(wanted([group("Region"), group("Product"), value("count", "integer")], rows));
  assert.deepEqual(
    sums.series.map(({ name }) => name),
    ["p8", "p7", "p6", "p5", "p4", "Others"],
  );
  assert.equal(sums.stacked, true);
  assert.deepEqual(texts(sums), [
    ["s", "18", "16", "14", "12", "10", "20"],
    ["n", "9", "8", "7", "6", "5", "10"],
  ]);
  assert.deepEqual(
    sums.places.map(({ total }) => total?.text),
    ["90", "45"],
  );
  const means = barsOf(wanted([group("Region"), group("Product"), value("avg")], rows));
  assert.deepEqual(
    means.series.map(({ name }) => name),
    ["p8", "p7", "p6", "p5", "p4", "p3"],
  );
  assert.deepEqual([means.stacked, means.split, means.places[0]?.total], [false, 9, null]);
  const negative = rows.map(([a, b, c], i) => [a, b, i === 0 ? "-1" : c]);
  assert.equal(
    barsOf(wanted([group("Region"), group("Product"), value("sum")], negative)).stacked,
    true,
  );
  const lower = rows.map(([a, b, c], i) => [a, b, i === 8 ? "-1" : c]);
  assert.equal(
    barsOf(wanted([group("Region"), group("Product"), value("sum")], lower)).stacked,
    false,
  );
});

test("lines are series over dates, in the order of time", () => {
  const rows = [
    ["b", "2020-01-02", "2"],
    ["a", "2020-01-03", "3"],
    ["a", "2020-01-01", "1"],
    ["b", "", "7"],
  ];
  const chart = linesOf(wanted([group("Song"), group("Day"), value("sum")], rows));
  assert.deepEqual(
    chart.series.map(({ name }) => name),
    ["b", "a"],
  );
  assert.deepEqual(texts(chart), [
    ["2020-01-01", null, "1"],
    ["2020-01-02", "2", null],
    ["2020-01-03", null, "3"],
  ]);
  const days = ["2020-01-01", "2020-01-02", "2020-01-03"];
  const many = days.flatMap((day) =>
    Array.from({ length: 8 }, (_, i) => [`s${i}`, day, `${i + 1}`]),
  );
  const own = linesOf(wanted([group("Song"), group("Day"), value("sum")], many));
  assert.deepEqual(
    own.series.map(({ name }) => name),
    ["s7", "s6", "s5", "s4", "s3", "s2"],
  );
  assert.equal(own.places[0]?.total, null);
  const rest = linesOf(
    wanted([group("Song"), group("Day"), value("sum")], many, { withRest: true }),
  );
  assert.deepEqual(texts(rest)[0], ["2020-01-01", "8", "7", "6", "5", "4", "6"]);
  assert.equal(rest.places[0]?.total?.text, "36");
  const means = linesOf(
    wanted([group("Song"), group("Day"), value("avg")], many, { withRest: true }),
  );
  assert.equal(
    means.series.some((series) => series.rest),
    false,
  );
});

test("a chart says which rows it is drawn from, and what it leaves out", () => {
  const columns = [group("Song"), group("Day"), value("sum")];
  const days = ["2020-01-01", "2020-01-02", "2020-01-03"];
  const rows = days.flatMap((day) =>
    Array.from({ length: 8 }, (_, i) => [`s${i}`, day, `${i + 1}`]),
  );
  const note = (/** @type {any} */ shape, /** @type {any} */ more) => {
    const { truncated = false, sorted = true, withRest = false } = more;
    const about = wanted(columns, rows, { whole: !truncated, withRest });
    const chart = shape === "line" ? linesOf(about) : barsOf(about);
    const preview = { columns, rows, truncated, total: truncated ? 2_400_000 : rows.length };
    return notesOf({ chart, shape, preview, sorted, choice: about.choice, measure: 2 });
  };
  assert.deepEqual(note("bar", {}), ["Added up over Day."]);
  assert.deepEqual(note("bar", { truncated: true }), [
    "The 20 rows with the largest sum(x), of 2,400,000 rows.",
  ]);
  assert.deepEqual(note("bar", { truncated: true, sorted: false }), [
    "Only from the first 24 of 2,400,000 rows, as the result is too large to be sorted here.",
    "The 20 largest of 24.",
  ]);
  assert.deepEqual(note("line", {}), [
    "The 6 largest of 8 groups of Song; the others are not drawn.",
  ]);
  assert.deepEqual(note("line", { withRest: true }), [
    "“All others” is the sum of the other 3 groups of Song.",
  ]);
  assert.deepEqual(note("line", { truncated: true })[0], "The latest 24 of 2,400,000 rows by Day.");
});

test("columns are named in words unless the question names them", () => {
  const named = (/** @type {string[]} */ ...names) =>
    names.map((name) => ({
      name,
      type: /** @type {const} */ ("number"),
      function: null,
      truncate: null,
    }));
  const columns = named("month(date)", "Song", "sum(amount)", "Best", "sum(plays)", "first group");
  const aggregation = {
    group_by: [
      { column: "date", truncate: "month" },
      { column: 1, name: "Song" },
    ],
    aggregates: [
      { function: "sum", column: "amount" },
      { function: "max", column: "amount", name: "Best" },
      { function: "sum", column: 3 },
      { function: "sum", column: 4 },
    ],
  };
  const words = ["month of date", "Song", "sum of amount", "Best", "sum of plays", "first group"];
  assert.deepEqual(namesOf(columns, aggregation), words);
  const names = columns.map(({ name }) => name);
  assert.deepEqual(namesOf(columns, null), names);
});

test("a view is chosen by the URL as far as the result has it", () => {
  /** @type {import("../../../gateway/web/page/look/choice.js").Choice} */
  const choice = { groups: [0], time: 0, measures: [1, 3], shapes: ["line", "bar"] };
  const of = (/** @type {string} */ query) => viewIn(new URLSearchParams(query), choice, 4);
  assert.deepEqual(of(""), { shape: "line", measure: 1, top: 20, order: null });
  assert.deepEqual(of("chart=bar&value=4&top=50&sort=-2"), {
    shape: "bar",
    measure: 3,
    top: 50,
    order: { column: 1, descending: true },
  });
  assert.deepEqual(of("chart=pie&value=3&top=7&sort=5"), of(""));
  assert.deepEqual(of("chart=table&sort=0"), { ...of(""), shape: "table" });
  assert.deepEqual(of("sort=1.5"), of(""));
});
