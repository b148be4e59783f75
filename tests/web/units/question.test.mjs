import assert from "node:assert/strict";
import { test } from "node:test";

import { inWords } from "../../../gateway/web/page/core/question.js";

const PLAYS = { function: "sum", column: "Plays" };

/** @type {[string, object, string][]} */
const QUESTIONS = [
  [
    "a sum by two columns",
    { group_by: ["Song", { column: "Date", truncate: "month" }], aggregates: [PLAYS] },
    "Sum of Plays by Song and month of Date",
  ],
  [
    "the first clients' question",
    {
      group_by: [
        { column: 1, name: "Song" },
        { column: 2, name: "Date" },
      ],
      aggregates: [
        {
          function: "sum",
          column: 3,
          name: "Total Number of Plays for Date",
          type: "integer",
          empty: "fail",
        },
      ],
      output: "csv",
    },
    "Total plays by song and date",
  ],
  [
    "no groups",
    { aggregates: [{ function: "count" }, { function: "avg", column: "Price" }] },
    "Number of rows and average of Price of the whole file",
  ],
  [
    "the name of the file",
    { group_by: ["@file", "Song"], aggregates: [PLAYS] },
    "Sum of Plays by name of the file and Song",
  ],
  ["no aggregates", { group_by: ["Country", 3] }, "The different values of Country and column 3"],
  [
    "a position with a name",
    { group_by: [{ column: 2, name: "Town", case: "upper" }], aggregates: [PLAYS] },
    "Sum of Plays by Town",
  ],
  [
    "a filter of what does not hold",
    {
      aggregates: [{ function: "count" }],
      where: {
        and: [
          {
            not: {
              or: [
                { column: "a", op: "contains", value: "x" },
                { column: "b", op: "is_empty" },
              ],
            },
          },
          { column: "n", op: ">", value: 0 },
        ],
      },
    },
    "Number of rows of the whole file, where not (a contains “x” or b is empty) and n > 0",
  ],
  [
    "a filter of both kinds",
    {
      group_by: ["Song"],
      aggregates: [PLAYS],
      where: {
        and: [
          { column: "Country", op: "in", value: ["DE", "AT"] },
          { column: "Plays", op: ">", value: 0 },
        ],
      },
      having: { column: "sum(Plays)", op: ">=", value: "1000", type: "number" },
    },
    "Sum of Plays by Song, where Country is “DE” or “AT” and Plays > 0, only rows with sum(Plays) ≥ 1000",
  ],
  [
    "nested conditions",
    {
      aggregates: [{ function: "count" }],
      where: {
        or: [
          { column: "A", op: "is_empty" },
          {
            and: [
              { column: "B", op: "!=", value: "x" },
              { column: "C", op: "starts_with", value: "y" },
            ],
          },
        ],
      },
    },
    "Number of rows of the whole file, where A is empty or (B is not “x” and C starts with “y”)",
  ],
  [
    "the largest",
    {
      group_by: ["Song"],
      aggregates: [PLAYS],
      order_by: [{ column: "sum(Plays)", descending: true }],
      limit: 10,
    },
    "Sum of Plays by Song, the 10 largest by sum(Plays)",
  ],
  [
    "the smallest",
    { group_by: ["Song"], aggregates: [PLAYS], order_by: ["sum(Plays)"], limit: 3 },
    "Sum of Plays by Song, the 3 smallest by sum(Plays)",
  ],
  [
    "the last dates",
    {
      group_by: ["Date"],
      aggregates: [PLAYS],
      order_by: [{ column: "Date", descending: true }],
      limit: 7,
    },
    "Sum of Plays by Date, the last 7 by Date",
  ],
  [
    "an order without a limit",
    {
      group_by: ["Song"],
      aggregates: [PLAYS],
      order_by: [{ column: "sum(Plays)", descending: true }, "Song"],
    },
    "Sum of Plays by Song, sorted by sum(Plays), descending and Song",
  ],
  [
    "a limit without an order",
    { group_by: ["Song"], limit: 1, output: "parquet" },
    "The different values of Song, the first row, as Parquet",
  ],
  [
    "dates, percentiles, arithmetic, ratios",
    {
      aggregates: [
        { function: "max", column: "Day", type: "date" },
        { function: "percentile", p: 95, column: "Price" },
        { function: "sum", column: { multiply: ["Price", "Quantity"] } },
        { function: "ratio", of: ["failed", "all"] },
        { function: "count_if", where: { column: "Status", op: "=", value: "failed" } },
      ],
    },
    "Latest Day, 95th percentile of Price, sum of (Price × Quantity), failed ÷ all and number of rows where Status is “failed” of the whole file",
  ],
  [
    "parts of cells",
    {
      group_by: [
        { column: "Day", part: "weekday" },
        { column: "Code", substring: [1, 2] },
        { column: "Code", substring: [3, 2] },
        { column: "Code", match: "^([A-Z]+)-" },
      ],
    },
    "The different values of weekday of Day, first 2 characters of Code, characters 3 to 4 of Code and Code as matched by ^([A-Z]+)-",
  ],
  [
    "what a newer service knows",
    {
      group_by: ["A"],
      aggregates: [{ function: "skewness", column: "B" }],
      where: { column: "C", op: "~", value: "x" },
    },
    "Skewness of B by A, where C ~ “x”",
  ],
];

for (const [name, aggregation, words] of QUESTIONS) {
  test(`words tell ${name}`, () => assert.equal(inWords(aggregation), words));
}

test("of many columns and values some are named, and the others counted", () => {
  const group_by = ["a", "b", "c", "d", "e", "f"];
  const where = { column: "x", op: "in", value: [1, 2, 3, 4, 5, 6, 7] };
  assert.equal(
    inWords({ group_by, where }, { most: 2 }),
    "The different values of a, b and 4 more, where x is 1, 2 or 5 more",
  );
});

test("a hostile name stays on its line, is cut and turns no other text", () => {
  assert.equal(
    inWords({ group_by: ["a\n\u0000b", "x".repeat(99)] }),
    `The different values of a b and ${"x".repeat(59)}…`,
  );
  assert.equal(inWords({ group_by: ["a\u202egpj"] }), "The different values of a\ufffdgpj");
  assert.equal(inWords({ group_by: ["שיר"] }), "The different values of \u2068שיר\u2069");
  assert.equal(inWords({ group_by: ["<b>"] }), "The different values of <b>");
});

test("without a question there are no words", () => {
  assert.equal(inWords(null), "");
  assert.equal(inWords(undefined), "");
});

test("percentiles are counted as in English", () => {
  const of = (/** @type {number} */ p) =>
    inWords({ group_by: ["A"], aggregates: [{ function: "percentile", p, column: "B" }] });
  assert.equal(of(1), "1st percentile of B by A");
  assert.equal(of(2), "2nd percentile of B by A");
  assert.equal(of(11), "11th percentile of B by A");
  assert.equal(of(99.9), "99.9th percentile of B by A");
});
