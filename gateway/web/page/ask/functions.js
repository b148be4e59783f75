/** The functions, conversions and operators of a spec (docs/aggregation.md), as the page offers them. */

/**
 * @typedef {object} AggregateFunction
 * @property {string} name
 * @property {readonly string[]} kinds as which it reads its column; the first is the default
 * @property {string} [gives] the kind of its result, if that is not the one that is read
 * @property {"always" | "maybe" | "never"} column whether it has a column
 * @property {"p" | "separator" | "of"} [parameter] a key that only it has
 * @property {boolean} [needsWhere] whether it counts only rows that its own condition selects
 */

const NUMBERS = Object.freeze(["number", "integer"]);
const ANY = Object.freeze(["number", "integer", "date", "text"]);

/** In the order in which they are offered. @type {readonly AggregateFunction[]} */
export const FUNCTIONS = Object.freeze([
  { name: "sum", kinds: NUMBERS, column: "always" },
  { name: "avg", kinds: NUMBERS, gives: "number", column: "always" },
  { name: "count", kinds: ["text"], gives: "integer", column: "maybe" },
  { name: "min", kinds: ANY, column: "always" },
  { name: "max", kinds: ANY, column: "always" },
  { name: "median", kinds: NUMBERS, gives: "number", column: "always" },
  { name: "percentile", kinds: NUMBERS, gives: "number", column: "always", parameter: "p" },
  { name: "count_distinct", kinds: ["text", "number"], gives: "integer", column: "always" },
  { name: "mode", kinds: ["text", "number"], column: "always" },
  { name: "concat_distinct", kinds: ["text"], column: "always", parameter: "separator" },
  { name: "first", kinds: ["text"], column: "always" },
  { name: "last", kinds: ["text"], column: "always" },
  { name: "stddev", kinds: NUMBERS, gives: "number", column: "always" },
  { name: "variance", kinds: NUMBERS, gives: "number", column: "always" },
  { name: "count_if", kinds: ["text"], gives: "integer", column: "maybe", needsWhere: true },
  { name: "sum_if", kinds: NUMBERS, column: "always", needsWhere: true },
  { name: "ratio", kinds: ["number"], gives: "number", column: "never", parameter: "of" },
]);

/** @type {ReadonlyMap<string, AggregateFunction>} */
export const FUNCTION_OF = new Map(FUNCTIONS.map((each) => [each.name, each]));

/** Where dates are cut, from short to long. */
export const TRUNCATIONS = Object.freeze(["hour", "day", "week", "month", "quarter", "year"]);
/** Parts of dates by which all years count together. */
export const PARTS = Object.freeze(["hour", "day", "weekday", "month", "year"]);
export const CASES = Object.freeze(["lower", "upper"]);
export const OPERATORS = Object.freeze([
  "=",
  "!=",
  ">",
  ">=",
  "<",
  "<=",
  "in",
  "contains",
  "starts_with",
  "is_empty",
]);
/** Operators that compare text only. */
export const TEXT_OPERATORS = Object.freeze(["contains", "starts_with"]);
export const OUTPUTS = Object.freeze(["csv", "csv.gz", "csv.zst", "jsonl", "parquet", "xlsx"]);
/** The operators of arithmetic, and their signs in names. */
export const ARITHMETIC = Object.freeze({ multiply: "*", add: "+", subtract: "-" });
export const DEFAULT_SEPARATOR = "; ";
