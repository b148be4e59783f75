import assert from "node:assert/strict";
import { test } from "node:test";

import { inSentence, plain } from "../../../gateway/web/page/core/plain.js";
import {
  actionsOf,
  dialectFacts,
  grouped,
  hiddenAttempts,
  keptUploads,
  remedyFor,
  secondsOf,
  skippingBadRows,
  stageOf,
} from "../../../gateway/web/page/jobs/facts.js";
import { Speed } from "../../../gateway/web/page/jobs/speed.js";
import { textsBeforeJob, warningTexts } from "../../../gateway/web/page/jobs/warning_texts.js";
import { warnings } from "../../../gateway/web/page/texts/warnings.js";

const read = (/** @type {number} */ bytes_done) => ({
  bytes_done,
  bytes_total: 100,
  rows_done: null,
  rows_estimated: false,
  percent: bytes_done,
  eta: null,
});

test("the stage of a job follows from its state and from what it has read", () => {
  assert.equal(stageOf({ state: "PENDING", progress: null }), "waiting");
  assert.equal(stageOf({ state: "RETRY", progress: null }), "retry");
  assert.equal(stageOf({ state: "STARTED", progress: null }), "starting");
  assert.equal(stageOf({ state: "STARTED", progress: read(0) }), "starting");
  assert.equal(stageOf({ state: "STARTED", progress: read(99) }), "reading");
  assert.equal(stageOf({ state: "STARTED", progress: read(100) }), "writing");
});

test("what can be done with a job depends on its state and on whether its bytes are kept", () => {
  const of = (/** @type {string} */ state, /** @type {string | null} */ expired_at = null) =>
    actionsOf({ state, expired_at, aggregation: {}, problem_count: null, inputs: [] });
  for (const state of ["PENDING", "STARTED", "RETRY"]) assert.deepEqual(of(state), ["cancel"]);
  assert.deepEqual(of("SUCCESS"), ["share", "again", "delete"]);
  assert.deepEqual(of("FAILURE"), ["retry", "again", "delete"]);
  const bad = {
    state: "FAILURE",
    expired_at: null,
    aggregation: {},
    problem_count: 3,
    inputs: [],
  };
  assert.deepEqual(actionsOf(bad), ["again", "delete"], "bad rows stay bad");
  assert.deepEqual(of("REVOKED"), ["again"]);
  assert.deepEqual(of("SUCCESS", "2026-01-01T00:00:00Z"), ["again"]);
  const result_deleted_at = "2026-01-01T00:00:00Z";
  assert.deepEqual(
    actionsOf({
      state: "SUCCESS",
      expired_at: null,
      result_deleted_at,
      aggregation: {},
      problem_count: null,
      inputs: [],
    }),
    ["again", "delete"],
  );
  assert.deepEqual(of("FAILURE", "2026-01-01T00:00:00Z"), ["again"]);
  assert.deepEqual(
    actionsOf({
      state: "REVOKED",
      expired_at: null,
      aggregation: null,
      problem_count: null,
      inputs: [],
    }),
    [],
  );
});

test("another question is about files that the service has", () => {
  const inputs = [
    { upload_id: "one", name: "a.csv", size: 1 },
    { upload_id: "two", name: "b.csv", size: 2 },
  ];
  const of = (/** @type {string} */ state, /** @type {string | null} */ expired_at = null) => ({
    state,
    expired_at,
    aggregation: {},
    problem_count: null,
    inputs,
  });
  assert.deepEqual(keptUploads(of("SUCCESS")), ["one", "two"]);
  assert.deepEqual(actionsOf(of("SUCCESS")), ["share", "ask", "delete"]);
  assert.deepEqual(actionsOf(of("FAILURE")), ["retry", "ask", "delete"]);
  for (const job of [of("REVOKED"), of("STARTED"), of("SUCCESS", "2026-01-01T00:00:00Z")]) {
    assert.deepEqual(keptUploads(job), []);
    assert.ok(!actionsOf(job).includes("ask"));
  }
});

test("a job takes from its creation to its end, or until now", () => {
  const created_at = "2026-01-01T00:00:00.000Z";
  assert.equal(secondsOf({ created_at, finished_at: "2026-01-01T00:01:30.500Z" }), 90.5);
  assert.equal(secondsOf({ created_at, finished_at: null }, Date.parse(created_at) + 4000), 4);
  assert.equal(secondsOf({ created_at, finished_at: null }, 0), 0, "a clock that is behind");
});

test("a question that leaves bad rows out keeps all else", () => {
  const asked = { group_by: ["A"], input: { delimiter: ";", on_bad_row: "fail" } };
  assert.deepEqual(skippingBadRows(asked), {
    group_by: ["A"],
    input: { delimiter: ";", on_bad_row: "skip" },
  });
  assert.deepEqual(skippingBadRows({}), { input: { on_bad_row: "skip" } });
  assert.equal(asked.input.on_bad_row, "fail");
});

test("a remedy is known for the usual reasons and for no other", () => {
  assert.match(remedyFor("the engine needs more memory than its limit of 1 GiB"), /memory/);
  assert.match(remedyFor("the engine's process was killed by SIGKILL (signal 9)"), /Try again/);
  assert.equal(remedyFor("something new"), "");
  assert.equal(remedyFor(null), "");
});

test("a dialect is told in words", () => {
  const dialect = {
    delimiter: "\t",
    quote: "",
    escape: "\\",
    header: false,
    line_end: "lf",
    line_ends: ["lf", "crlf"],
    encoding: "windows-1252",
    compression: "gzip",
    decimal: ",",
    thousands: ".",
    null: ["NA", "-"],
    number: { currency: true, percent: false, parentheses: "negative" },
    date: "%d/%m/%Y",
  };
  assert.deepEqual(Object.fromEntries(dialectFacts(dialect)), {
    Encoding: "WINDOWS-1252",
    "Cells divided by": "Tab",
    Quotes: "None",
    "First row": "Data",
    "Line ends": "LF (Unix), CR LF (Windows)",
    "Decimal separator": "Comma",
    "Escape character": "\\",
    "Thousands separator": ".",
    Compression: "gzip",
    Dates: "%d/%m/%Y",
    "Missing values": "NA, -",
    "Around numbers": "currencies, parentheses for negative numbers",
  });
});

test("attempts that are left out are named by their numbers", () => {
  const of = (/** @type {number[]} */ ...numbers) =>
    hiddenAttempts({ attempts: numbers.map((number) => /** @type {any} */ ({ number })) });
  assert.equal(of(), null);
  assert.equal(of(1, 2, 3), null);
  assert.deepEqual(of(1, 2, 9, 10), { from: 3, to: 8 });
});

test("speed is that of lately, and begins anew when less is read than before", () => {
  const speed = new Speed();
  assert.equal(speed.rate, null);
  speed.take(1000, 0);
  assert.equal(speed.rate, null, "one point has no speed");
  for (let second = 1; second <= 5; second += 1) speed.take(1000 + 100 * second, 1000 * second);
  assert.ok(Math.abs(/** @type {number} */ (speed.rate) - 100) < 1e-6);
  for (let second = 6; second <= 40; second += 1)
    speed.take(1500 + 300 * (second - 5), 1000 * second);
  assert.ok(Math.abs(/** @type {number} */ (speed.rate) - 300) < 1);
  speed.take(10, 41_000);
  assert.equal(speed.rate, null, "another attempt");
});

test("texts of strangers have one line and turn no direction", () => {
  assert.equal(plain("a\r\n\tb\u0000"), "a b");
  assert.equal(plain("exe.\u202egpj"), "exe.\ufffdgpj");
  assert.equal(inSentence("x".repeat(61)), `${"x".repeat(59)}…`);
  assert.equal(inSentence("👍".repeat(61)), `${"👍".repeat(59)}…`);
  assert.equal(inSentence("x".repeat(60)), "x".repeat(60));
});

test("every warning has a title and says what to do", () => {
  for (const [kind, { title, remedy }] of Object.entries(warnings.kinds)) {
    assert.ok(title && remedy.endsWith("."), kind);
  }
});

test("rows with the same problem are told together, if no other row is between", () => {
  const of = (/** @type {number} */ line, /** @type {string} */ found) => ({
    line,
    column: 3,
    name: "Plays",
    found,
    expected: "a number",
  });
  const groups = grouped([of(2, "x"), of(5, "y"), of(6, "y"), of(9, "y"), of(10, "x")]);
  assert.deepEqual(
    groups.map(({ problem, last, count }) => [problem.line, last, count, problem.found]),
    [
      [2, 2, 1, "x"],
      [5, 9, 3, "y"],
      [10, 10, 1, "x"],
    ],
  );
  assert.deepEqual(grouped([]), []);
  const one = { ...of(2, "x"), file: "a.csv" };
  assert.equal(grouped([one, { ...one, file: "b.csv" }]).length, 2);
});

test("a warning says in which file and line it is", () => {
  const found = {
    kind: "total_row",
    count: 2,
    line: 1200,
    column: 1,
    example: "'Total'",
    message: "column 1: 2 records",
    remedy: "leave such records out with where",
  };
  const placeOf = (/** @type {object} */ more) => warningTexts({ ...found, ...more }).place;
  assert.equal(placeOf({}), "first in line 1,200");
  assert.equal(placeOf({ count: 1 }), "line 1,200");
  assert.equal(placeOf({ line: null }), "");
  assert.equal(placeOf({ file: "may.csv" }), "first in may.csv, line 1,200");
  assert.equal(placeOf({ file: "may.csv", count: 1 }), "in may.csv, line 1,200");
  assert.equal(placeOf({ file: "may.csv", line: null }), "first in may.csv");
});

test("a warning before a job does not say to run it again", () => {
  const found = { kind: "", count: 1, line: 2, column: 2, example: "", message: "m", remedy: "r" };
  const remedies = Object.keys(warnings.kinds).map((kind) => textsBeforeJob({ ...found, kind }));
  assert.deepEqual(
    remedies.filter(({ remedy }) => /run again/i.test(remedy)),
    [],
  );
  const note = textsBeforeJob({ ...found, kind: "note_row" });
  assert.match(note.remedy, /^Skip the lines below the table, or /);
});
