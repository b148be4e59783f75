/** Aggregations as the page writes them, without what is the default. Run as a program, it prints them
 * as JSON, each with its command lines for the server and the file in the arguments; or those that
 * are the third argument, as JSON. */

import { pathToFileURL } from "node:url";
import { curlCommand, runCommand, specOptions } from "../../../gateway/web/page/ask/command.js";

const NAMES = [
  "Song",
  "Number of Plays",
  "a,b",
  'say "hi"',
  "-x",
  "@1",
  "a:b=c",
  " in ",
  "x/y*z",
  "é",
];

export const QUESTIONS = [
  {},
  { input: { decimal: ",", header: false } },
  { group_by: ["Song"] },
  { aggregates: [{ function: "count" }] },
  { group_by: ["a"], where: { not: { column: "a", op: "contains", value: "x" } } },
  {
    aggregates: [{ function: "count", name: "n" }],
    where: {
      or: [
        {
          not: {
            and: [{ column: "a", op: "is_empty" }, { not: { column: "b", op: "=", value: "1" } }],
          },
        },
        { column: "c", op: "=", value: "2" },
      ],
    },
    having: { not: { column: "n", op: "in", value: ["1", "2"] } },
  },
  ...NAMES.map((name) => ({
    group_by: [name, { column: name, name: `${name}!` }],
    aggregates: [{ function: "min", column: name, type: "text" }],
    where: { column: name, op: "=", value: name },
    order_by: [{ column: name, descending: true }],
  })),
  {
    group_by: [
      1,
      { column: "Date", truncate: "week" },
      { column: "Date", part: "weekday", name: "Day" },
      { column: "City", case: "upper", trim: true, normalize: "nfc" },
      { column: "Code", substring: [1, 2], name: "Country" },
      { column: "Code", match: "^([A-Z]+)-", name: "State" },
    ],
  },
  {
    group_by: ["Song"],
    aggregates: [
      { function: "sum", column: "Plays", type: "integer", name: "All plays" },
      { function: "percentile", column: "Plays", p: 99.5 },
      { function: "max", column: "Date", type: "date" },
      { function: "sum", column: { multiply: ["Price", 3] } },
      { function: "count", column: "Listener" },
      { function: "concat_distinct", column: "City" },
      { function: "ratio", of: ["All plays", "count(Listener)"], name: "each" },
    ],
    having: { column: "All plays", op: ">=", value: 1000 },
    order_by: ["Song", { column: "All plays", descending: true }],
    limit: 5,
    output: "csv.zst",
    output_options: { escape_formulas: true },
    on_warning: "fail",
  },
  {
    group_by: ["Song"],
    aggregates: [
      { function: "sum", column: { subtract: ["a", "b"] }, empty: "fail" },
      { function: "count_if", where: { column: "a", op: "is_empty" }, name: "without" },
      {
        function: "sum_if",
        column: "a",
        where: {
          or: [
            { column: "b", op: "=", value: "x" },
            { column: "b", op: "is_empty" },
          ],
        },
      },
      { function: "concat_distinct", column: "City", separator: ", " },
    ],
    having: {
      or: [
        { column: "without", op: ">", value: 1 },
        { column: "without", op: "=", value: 0 },
      ],
    },
  },
  {
    group_by: ["a"],
    where: {
      and: [
        { column: "a", op: "contains", value: "it's" },
        { column: "a", op: "starts_with", value: "A" },
        { column: "a", op: "in", value: ["DE", "Other, EU", ""] },
        { column: "a", op: "<", value: "m" },
        { column: 2, op: "!=", value: "10" },
        { column: "Plays", op: "in", value: [1, 2.5] },
        { column: "Plays", op: "=", value: "12345678901234567890", type: "number" },
        { column: "Plays", op: "<=", value: "7", type: "integer" },
        { column: "Date", op: ">=", value: "2026-01-01", type: "date" },
        { column: "Date", op: "=", value: "2026-01-01 10:00", type: "date" },
        {
          or: [
            { column: "b", op: "is_empty" },
            {
              and: [
                { column: "c", op: ">", value: -1.5 },
                { column: "c", op: "<", value: 1e-5 },
              ],
            },
          ],
        },
      ],
    },
  },
  {
    group_by: ["a"],
    output: "csv.gz",
    input: {
      delimiter: ";",
      quote: "",
      escape: "",
      encoding: "windows-1252",
      header: true,
      line_end: "cr",
      compression: "gzip",
      decimal: ",",
      thousands: " ",
      null: ["NA", "-"],
      number: { currency: true, percent: true, parentheses: "negative" },
      date: "%d/%m/%Y",
      on_bad_row: "skip",
      on_ragged: "pad",
      skip_lines: 2,
      comment: "#",
      skip_footer: 3,
    },
  },
  {
    group_by: ["a"],
    input: { header_line: 3, skip_footer: "Total", delimiter: "\t", escape: "\\" },
  },
  { group_by: ["a"], input: { header_starts_with: "Date;", thousands: "", skip_footer: "7" } },
  { group_by: ["a"], input: { compression: "xlsx", sheet: "Plays 2026", columns: "union" } },
  { group_by: ["a"], input: { sheet: 2, columns: "same" } },
  { group_by: ["a"], input: { sheet: "2" } },
];

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [server = "", file = "", given] = process.argv.slice(2);
  const lines = (given ? JSON.parse(given) : QUESTIONS).map((aggregation) => ({
    aggregation,
    options: specOptions(aggregation),
    run: runCommand(aggregation, file, server),
    curl: curlCommand(aggregation, file, server, false),
  }));
  process.stdout.write(JSON.stringify(lines));
}
