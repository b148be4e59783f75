/** The question of the page: notation, aggregation, fragment, command lines, suggestions. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  FILE_COLUMN,
  fileColumns,
  nameAt,
  otherColumns,
  outputColumns,
  withFileColumn,
} from "../../../gateway/web/page/ask/columns.js";
import { curlCommand, runCommand, specOptions } from "../../../gateway/web/page/ask/command.js";
import { columnChoices, columnValue } from "../../../gateway/web/page/ask/context.js";
import {
  declare,
  declared,
  enteredValue,
  FIELDS,
} from "../../../gateway/web/page/ask/dialect_fields.js";
import { fragmentOf, questionIn } from "../../../gateway/web/page/ask/fragment.js";
import { parse, write } from "../../../gateway/web/page/ask/notation.js";
import { otherNotes, remedyOf } from "../../../gateway/web/page/ask/notes.js";
import { around, placeOf } from "../../../gateway/web/page/ask/places.js";
import { pretty } from "../../../gateway/web/page/ask/pretty.js";
import {
  aggregationOf,
  emptyQuestion,
  questionOf,
} from "../../../gateway/web/page/ask/question.js";
import { follow } from "../../../gateway/web/page/ask/renaming.js";
import { commandOf, fileWord, shellWord } from "../../../gateway/web/page/ask/shell.js";
import { suggestions } from "../../../gateway/web/page/ask/suggestions.js";
import {
  newCondition,
  setKind,
  setOperator,
  setText,
  textsOf,
} from "../../../gateway/web/page/ask/values.js";
import {
  chosen,
  differences,
  groupsOf,
  unitedFiles,
} from "../../../gateway/web/page/home/chosen.js";
import { QUESTIONS } from "./questions.mjs";

const SERVER = "http://127.0.0.1:8000";

const HOSTILE = [
  "",
  "a b",
  "it's",
  "!t",
  "'",
  "!'!",
  "(a:b)",
  "50%",
  "a+b&c=d#e?f",
  "Straße",
  "歌",
  "-1",
  "1e3",
  "__proto__",
  "<script>",
  "\n\t",
  "😀\u202e",
];

/** What a browser does with the fragment of a URL. */
function throughUrl(fragment) {
  const { hash } = new URL(`http://host/${fragment}`);
  return new URLSearchParams(hash.slice(hash.indexOf("?") + 1));
}

test("a value is the same after it was written and parsed", () => {
  const values = [null, true, false, 0, -1, 1.5, 1e21, 12345678901234, [], {}, [[]], [{ a: [1] }]];
  for (const value of [...values, ...HOSTILE, HOSTILE, Object.fromEntries(HOSTILE.entries())]) {
    assert.deepEqual(parse(write(value)), value);
  }
  const keys = JSON.parse(JSON.stringify(Object.fromEntries(HOSTILE.map((key) => [key, 1]))));
  assert.deepEqual(parse(write(keys)), keys);
});

test("the notation of a common question is short and readable", () => {
  assert.equal(
    write({ group_by: ["Song"], aggregates: [{ function: "sum", column: "Plays" }], limit: 10 }),
    "(group_by:!(Song),aggregates:!((function:sum,column:Plays)),limit:10)",
  );
});

test("a notation that is malformed is refused, and no key changes the prototype", () => {
  for (const text of [
    "",
    "(",
    "(a",
    "(a:",
    "(a:1",
    "!(1",
    "!x",
    "'a",
    "a)",
    "1 2",
    "(1:2)",
    "((",
    ",",
  ]) {
    assert.throws(() => parse(text), SyntaxError, text);
  }
  assert.throws(() => parse("!(".repeat(100) + ")".repeat(100)), SyntaxError);
  const found = parse("(__proto__:(polluted:!t))");
  assert.equal(Object.getPrototypeOf(found), Object.prototype);
  assert.equal({}.polluted, undefined);
});

for (const aggregation of QUESTIONS) {
  const name = JSON.stringify(aggregation).slice(0, 100);

  test(`is the same as a question: ${name}`, () => {
    assert.deepEqual(aggregationOf(questionOf(aggregation)), aggregation);
  });

  test(`is the same after a fragment: ${name}`, () => {
    const fragment = fragmentOf(questionOf(aggregation));
    assert.match(fragment, /^#\/(\?q=[^ "<>`#]*)?$/);
    const found = questionIn(throughUrl(fragment)) ?? emptyQuestion();
    assert.deepEqual(aggregationOf(found), aggregation);
  });
}

test("a question keeps nothing of what is no aggregation", () => {
  for (const value of [
    null,
    3,
    "x",
    [],
    { group_by: 3, aggregates: [1], where: "x", limit: "a" },
  ]) {
    assert.deepEqual(aggregationOf(questionOf(value)), {});
  }
  const odd = {
    group_by: [{}, null, -1, 1.5, "a"],
    order_by: [3, { column: 1 }],
    aggregates: [{}],
  };
  assert.deepEqual(aggregationOf(questionOf(odd)), { group_by: ["a"] });
});

test("parts that need a question are left out without one", () => {
  const question = { ...emptyQuestion(), limit: 3, output: "parquet", input: { decimal: "," } };
  assert.deepEqual(aggregationOf(question), { input: { decimal: "," } });
});

test("a word of a shell is quoted only if it must be", () => {
  assert.deepEqual(["plays.csv", "a b", "it's", "", "$HOME", "*.csv", "-x", "é"].map(shellWord), [
    "plays.csv",
    "'a b'",
    "'it'\\''s'",
    "''",
    "'$HOME'",
    "'*.csv'",
    "-x",
    "'é'",
  ]);
  assert.deepEqual(["-x.csv", ".csv", "a.csv", "- b"].map(fileWord), [
    "./-x.csv",
    "./.csv",
    "a.csv",
    "'./- b'",
  ]);
});

test("a long command has several lines", () => {
  assert.equal(commandOf(["a", "b"]), "a b");
  const long = commandOf(["x".repeat(40), "y".repeat(40), "z"]);
  assert.equal(long, `${"x".repeat(40)} \\\n  ${"y".repeat(40)} z`);
});

test("a common question is a readable command", () => {
  const aggregation = {
    group_by: ["Song", { column: "Date", truncate: "month", name: "Month" }],
    aggregates: [{ function: "sum", column: "Number of Plays" }, { function: "count" }],
    where: {
      and: [
        { column: "Country", op: "in", value: ["DE", "AT"] },
        { column: "Plays", op: ">", value: 0 },
      ],
    },
    order_by: [{ column: "sum(Number of Plays)", descending: true }],
    limit: 10,
    input: { decimal: ",", delimiter: "\t" },
  };
  assert.equal(
    runCommand(aggregation, "my plays.csv", SERVER).replaceAll(" \\\n ", ""),
    "csvmill run 'my plays.csv' -o result.csv --group-by Song,Month=Date:month " +
      "--sum 'Number of Plays' --count --where 'Country in DE,AT' --where 'Plays>0' " +
      "--order-by '-sum(Number of Plays)' --limit 10 --decimal , --delimiter tab " +
      "--server http://127.0.0.1:8000",
  );
});

test("what no option can say is sent as JSON", () => {
  for (const aggregation of [
    { group_by: [{ column: "a", substring: [1, 2] }] },
    { group_by: [{ column: "a", part: "month" }] },
    { aggregates: [{ function: "count", name: "n" }] },
    { aggregates: [{ function: "count" }, { function: "count" }] },
    { aggregates: [{ function: "sum", column: "a", empty: "fail" }] },
    { aggregates: [{ function: "count_if", where: { column: "a", op: "is_empty" } }] },
    { aggregates: [{ function: "sum", column: { add: ["a", "b"] } }] },
    { group_by: [1], aggregates: [{ function: "max", column: "Song" }], order_by: ["Song"] },
    { group_by: ["a"], input: { skip_footer: "12" } },
    { group_by: ["a"], input: { sheet: "2" } },
  ]) {
    assert.equal(specOptions(aggregation), null, JSON.stringify(aggregation));
    assert.match(runCommand(aggregation, "a.csv", SERVER), /--spec/);
  }
});

test("curl sends a short question in the URL, and a long one in a form", () => {
  assert.equal(
    curlCommand({}, "a.csv", `${SERVER}/`, false),
    `curl -T a.csv --url-query name=a.csv ${SERVER}/api/v1/uploads`,
  );
  const short = curlCommand({ group_by: ["it's"] }, "a[1].csv", SERVER, true).replaceAll(
    " \\\n ",
    "",
  );
  assert.equal(
    short,
    "curl -g -T 'a[1].csv' -H \"Authorization: Bearer $CSVMILL_API_KEY\" --url-query 'name=a[1].csv' " +
      `--url-query 'spec={"group_by":["it'\\''s"]}' ${SERVER}/api/v1/uploads`,
  );
  const long = curlCommand({ group_by: ["a".repeat(7000)] }, "a.csv", `${SERVER}/prefix`, false);
  assert.match(long, /--form-string/);
  assert.match(long, /\/prefix\/api\/upload_file$/);
});

/** @param {[string, string, string[]?][]} given */
function views(given) {
  return given.map(([name, type, samples = []], index) => ({
    position: index + 1,
    name,
    type,
    empty: 0,
    samples,
  }));
}

test("a column whose name is not clear is named by its position", () => {
  const found = fileColumns(
    views([
      ["a", "text"],
      ["b", "text"],
      ["b", "text"],
      [" ", "text"],
      ["x".repeat(103), "text"],
    ]),
    true,
  );
  assert.deepEqual(
    found.map(({ column }) => column),
    ["a", 2, 3, 4, 5],
  );
  assert.deepEqual(
    found.slice(0, 4).map(({ label }) => label),
    ["a", "b (@2)", "b (@3)", "@4"],
  );
  const without = fileColumns(views([["column1", "text"]]), false);
  assert.equal(without[0].column, 1);
});

test("output columns have the names that the service gives them", () => {
  const question = questionOf({
    group_by: ["a", { column: 2, truncate: "month" }],
    aggregates: [
      { function: "count" },
      { function: "percentile", column: "c", p: 99.5 },
      { function: "sum", column: { multiply: ["a", 2] } },
      { function: "ratio", of: ["x", "y"] },
      { function: "max", column: "d", type: "date", name: "latest" },
    ],
  });
  const columns = fileColumns(
    views([
      ["a", "text"],
      ["b", "date"],
      ["c", "number"],
    ]),
    true,
  );
  assert.deepEqual(
    outputColumns(question, columns).map(({ name, kind }) => [name, kind]),
    [
      ["a", "text"],
      ["b", "text"],
      ["count", "integer"],
      ["p99.5(c)", "number"],
      ["sum(a*b)", "number"],
      ["ratio(x/y)", "number"],
      ["latest", "date"],
    ],
  );
});

test("suggestions follow from the kinds of columns", () => {
  const columns = fileColumns(
    views([
      ["date", "date", ["2026-01-01", "2026-03-01"]],
      ["order id", "integer"],
      ["region", "text"],
      ["note", "text"],
      ["amount", "number"],
    ]),
    true,
  );
  const rows = [1, 2, 3, 4].map((n) => ({ cells: ["", "", "North", `note ${n}`, "1"] }));
  const found = suggestions(columns, rows);
  assert.deepEqual(found.map(({ kind }) => kind).slice(0, 3), ["sum_by_time", "sum_by", "top"]);
  assert.deepEqual(found[0].question, {
    group_by: [{ column: "date", truncate: "month" }],
    aggregates: [{ function: "sum", column: "amount" }],
    order_by: [],
    limit: null,
  });
  assert.deepEqual(found[1].labels, { number: "amount", text: "region" });
  assert.deepEqual(suggestions([], []), []);
  const plain = suggestions(fileColumns(views([["id", "integer"]]), true), []);
  assert.deepEqual(plain[0].question.aggregates, [{ function: "count" }]);
});

test("an error is shown where its value is edited", () => {
  const one = questionOf({ group_by: ["a"], where: { column: "a", op: "=", value: "x" } });
  assert.equal(placeOf("aggregation.where.value", one), "where.and[0].value");
  assert.equal(placeOf("group_by[0].column", one), "group_by[0].column");
  const two = questionOf({
    group_by: ["a"],
    having: {
      or: [
        { column: "a", op: "=", value: "x" },
        { column: "a", op: "=", value: "y" },
      ],
    },
  });
  assert.equal(placeOf("having.or[1].value", two), "having.or[1].value");
  assert.deepEqual(around("where.and[0].value"), [
    "where.and[0].value",
    "where.and[0]",
    "where.and",
    "where",
  ]);
});

test("what a note says to declare is declared at once", () => {
  /** @type {[string, unknown][]} */
  const notes = [
    ["set input.decimal to ','", { decimal: "," }],
    [
      "'1,5 €' is read as text; if it is a number, set input.decimal to ',' and input.number.currency to true",
      { decimal: ",", number: { currency: true } },
    ],
    ["set input.thousands to '.' and input.decimal to ','", { thousands: ".", decimal: "," }],
    ["set input.decimal to ',' or input.thousands to ','", null],
    ["look at it", null],
  ];
  for (const [note, expected] of notes) assert.deepEqual(remedyOf(note), expected);
});

test("a note that is a warning, or about the delimiter, is not told again", () => {
  const grouped = {
    kind: "grouped_integers",
    count: 2,
    line: 2,
    column: 2,
    example: "'1.234'",
    message: "column 2: 2 cells: they may be integers",
    remedy: "set input.decimal to ','",
  };
  const other = "column 3: '1,5' is read as text";
  const notes = [
    "it is a comma or a semicolon: set input.delimiter",
    other,
    `${grouped.message} (first in line 2); ${grouped.remedy}`,
  ];
  /** @type {any} */
  const found = { notes, warnings: [grouped] };
  assert.deepEqual(otherNotes(found), [other]);
});

test("names of output columns follow what they name", () => {
  const question = questionOf({
    group_by: ["a"],
    aggregates: [
      { function: "sum", column: "c" },
      { function: "count" },
      { function: "ratio", of: ["sum(b)", "count"] },
    ],
    having: {
      and: [
        { column: "sum(b)", op: ">", value: 1 },
        { column: "a", op: "=", value: "x" },
      ],
    },
    order_by: [{ column: "sum(b)", descending: true }, "a"],
  });
  follow(question, ["a", "sum(b)", "count", "r"], ["a", "sum(c)", "count", "r"]);
  assert.deepEqual(question.order_by, [{ column: "sum(c)", descending: true }, { column: "a" }]);
  assert.deepEqual(question.aggregates[2].of, ["sum(c)", "count"]);
  assert.equal(question.having.and[0].column, "sum(c)");
  follow(question, ["a", "sum(c)", "count", "r"], ["a", "count", "r"]);
  assert.deepEqual(question.order_by, [{ column: "a" }]);
  // A name of nothing stays: the service says what is wrong
  question.order_by.push({ column: "unknown" });
  follow(question, ["a", "count"], ["a", "number"]);
  assert.deepEqual(question.order_by.at(-1), { column: "unknown" });
});

test("JSON has a line for each part, and is the same", () => {
  for (const aggregation of QUESTIONS)
    assert.deepEqual(JSON.parse(pretty(aggregation)), aggregation);
  assert.equal(pretty({ group_by: ["a"], limit: 1 }), '{\n  "group_by": ["a"],\n  "limit": 1\n}');
});

test("a number of a condition is a JSON number only if that is exactly what was entered", () => {
  const condition = newCondition("Plays", "integer");
  assert.deepEqual(condition, { column: "Plays", op: ">=", value: "", type: "number" });
  for (const [text, value] of [
    ["10", 10],
    ["-1.5", -1.5],
    ["0", 0],
  ]) {
    setText(condition, [text]);
    assert.deepEqual(condition, { column: "Plays", op: ">=", value });
  }
  for (const text of ["1.0", "12345678901234567890", "1e3", "", " 1", "many"]) {
    setText(condition, [text]);
    assert.deepEqual(condition, { column: "Plays", op: ">=", value: text, type: "number" });
  }
});

test("a condition keeps its kind while its operator changes, and its values while its kind does", () => {
  const condition = newCondition("Country", "text");
  assert.deepEqual(condition, { column: "Country", op: "=", value: "" });
  setText(condition, ["7"]);
  setOperator(condition, "in");
  assert.deepEqual(condition, { column: "Country", op: "in", value: ["7"] });
  setText(condition, ["7", "8"]);
  setKind(condition, "number");
  assert.deepEqual(condition, { column: "Country", op: "in", value: [7, 8] });
  setOperator(condition, ">");
  assert.deepEqual(condition, { column: "Country", op: ">", value: 7 });
  setKind(condition, "date");
  assert.deepEqual(condition, { column: "Country", op: ">", value: "7", type: "date" });
  setOperator(condition, "is_empty");
  assert.deepEqual(condition, { column: "Country", op: "is_empty" });
  assert.deepEqual(textsOf(condition), []);
  setOperator(condition, "=");
  setKind(condition, "text");
  assert.deepEqual(condition, { column: "Country", op: "=", value: "" });
  setOperator(condition, "contains");
  setKind(condition, "number");
  assert.equal(condition.op, "=");
});

test("what is entered about a file is declared, and taken back", () => {
  const input = {};
  declare(input, "number.currency", true);
  declare(input, "delimiter", ";");
  assert.deepEqual(input, { number: { currency: true }, delimiter: ";" });
  assert.equal(declared(input, "number.currency"), true);
  declare(input, "number.currency", undefined);
  declare(input, "delimiter", undefined);
  assert.deepEqual(input, {});
  const field = (key) => FIELDS.find((each) => each.key === key);
  assert.deepEqual(enteredValue(field("null"), " NA , -,,"), ["NA", "-"]);
  assert.equal(enteredValue(field("null"), " "), undefined);
  assert.equal(enteredValue(field("skip_lines"), "2"), 2);
  assert.equal(enteredValue(field("skip_lines"), "0"), undefined);
  assert.equal(enteredValue(field("skip_lines"), "two"), "two");
  assert.equal(enteredValue(field("skip_footer"), "Total"), "Total");
  assert.equal(enteredValue(field("comment"), "12"), "12");
  assert.equal(enteredValue(field("date"), ""), undefined);
});

test("the name of the file is a column of several files, unless a column is called so", () => {
  const columns = fileColumns(views([["region", "text"]]), true);
  const several = withFileColumn(columns);
  assert.deepEqual(
    several.map(({ column }) => column),
    ["region", "@file"],
  );
  const values = (of, present) => columnChoices({ columns: of }, present).map(({ value }) => value);
  assert.deepEqual(values(columns), ['"region"']);
  assert.deepEqual(values(several), ['"region"', '"@file"']);
  // A question keeps it when there is only one file left.
  assert.deepEqual(values(columns, FILE_COLUMN), ['"region"', '"@file"']);
  const [, label] = columnChoices({ columns }, FILE_COLUMN).map((each) => each.label);
  assert.equal(label, several[1].label);
  assert.equal(columnValue({ columns: several }, FILE_COLUMN), '"@file"');
  const called = fileColumns(views([["@file", "text"]]), true);
  assert.deepEqual(withFileColumn(called), called);
  const question = { ...emptyQuestion(), group_by: [{ column: "@file" }] };
  assert.deepEqual(
    outputColumns(question, columns).map(({ name }) => name),
    ["@file"],
  );
  const options = specOptions({ group_by: ["@file"], aggregates: [{ function: "count" }] });
  assert.deepEqual(options, [["--group-by", "@file"], ["--count"]]);
});

test("files with the same columns are a group, and stay one when one of them is corrected", () => {
  const read = (names, error = null) => ({ error, columns: names.map((name) => ({ name })) });
  for (const name of ["1", "2", "3", "4", "5"]) {
    chosen.add([{ file: { name, size: 1, lastModified: 1 }, handle: null }]);
  }
  const [one, two, three, four] = chosen.files;
  const groups = () => groupsOf(chosen.files).map((group) => group.map(({ file }) => file.name));
  assert.deepEqual(groups(), [["1"], ["2"], ["3"], ["4"], ["5"]]);
  chosen.know(one, { inspection: read(["a", "b"]) });
  chosen.know(two, { inspection: read(["a", "c"]) });
  chosen.know(three, { inspection: read(["a", "b"]) });
  chosen.know(four, { inspection: read([], "a picture") });
  assert.deepEqual(groups(), [["1", "3"], ["2"], ["4"], ["5"]]);
  assert.deepEqual(differences(two, one), { more: ["c"], lacks: ["b"] });
  assert.equal(differences(three, one), null);
  assert.equal(differences(four, one), null, "what cannot be read has no columns");
  const united = (first) => unitedFiles(chosen.files, first).map(({ file }) => file.name);
  assert.deepEqual(united(two), ["2", "1", "3"], "the file that is shown is the first one");
  assert.deepEqual(united(four), ["4"]);
  chosen.know(one, { inspection: read(["a;b"]) });
  assert.deepEqual(groups(), [["1", "3"], ["2"], ["4"], ["5"]]);
  chosen.add([{ file: { name: "1", size: 1, lastModified: 1 }, handle: null }]);
  chosen.remove([two]);
  assert.deepEqual(groups(), [["1", "3"], ["4"], ["5"]]);
});

test("columns that only other files have are named once, and found where they are asked", () => {
  const columns = fileColumns(views([["region", "text"]]), true);
  const others = views([
    ["region", "text"],
    ["clerk", "text"],
    ["clerk", "text"],
    ["", "text"],
  ]);
  const found = otherColumns(columns, others);
  assert.deepEqual(
    found.map(({ column, label }) => [column, label]),
    [["clerk", "clerk (of another file)"]],
  );
  const aggregation = {
    group_by: ["region", { column: "clerk" }],
    aggregates: [{ function: "sum", column: { multiply: ["a", "b"] } }],
  };
  assert.equal(nameAt(aggregation, "group_by[0].column"), "region");
  assert.equal(nameAt(aggregation, "group_by[1].column"), "clerk");
  assert.equal(nameAt(aggregation, "aggregates[0].column.multiply[1]"), "b");
  assert.equal(nameAt(aggregation, "where.and[0].column"), undefined);
});
