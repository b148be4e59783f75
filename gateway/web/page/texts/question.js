/** How a question is put into words, as "Sum of Plays by Song and month of Date". */

const ORDINAL = new Intl.PluralRules("en", { type: "ordinal" });
/** @type {Record<string, string>} */
const SUFFIXES = { one: "st", two: "nd", few: "rd" };

/** @type {(items: readonly string[], word: string) => string} */
function joined(items, word) {
  if (items.length < 2) return items.join("");
  return `${items.slice(0, -1).join(", ")} ${word} ${items[items.length - 1]}`;
}

export const question = Object.freeze({
  songPlays: "Total plays by song and date",
  column: (/** @type {number} */ position) => `column ${position}`,
  fileName: "name of the file",
  and: (/** @type {readonly string[]} */ items) => joined(items, "and"),
  or: (/** @type {readonly string[]} */ items) => joined(items, "or"),
  more: (/** @type {number} */ count) => `${count} more`,
  by: (/** @type {string} */ what, /** @type {string} */ groups) => `${what} by ${groups}`,
  ofAll: (/** @type {string} */ what) => `${what} of the whole file`,
  different: (/** @type {string} */ groups) => `The different values of ${groups}`,
  where: (/** @type {string} */ condition) => `where ${condition}`,
  having: (/** @type {string} */ condition) => `only rows with ${condition}`,
  largest: (/** @type {number} */ count, /** @type {string} */ name) =>
    `the ${count} largest by ${name}`,
  smallest: (/** @type {number} */ count, /** @type {string} */ name) =>
    `the ${count} smallest by ${name}`,
  last: (/** @type {number} */ count, /** @type {string} */ name) => `the last ${count} by ${name}`,
  first: (/** @type {number} */ count, /** @type {string} */ name) =>
    `the first ${count} by ${name}`,
  firstRows: (/** @type {number} */ count) =>
    count === 1 ? "the first row" : `the first ${count} rows`,
  sorted: (/** @type {string} */ names) => `sorted by ${names}`,
  descending: (/** @type {string} */ name) => `${name}, descending`,
  output: (/** @type {string} */ format) => `as ${format}`,
  formats: /** @type {Record<string, string>} */ ({
    "csv.gz": "CSV, compressed with gzip",
    "csv.zst": "CSV, compressed with zstd",
    jsonl: "JSON lines",
    parquet: "Parquet",
    xlsx: "Excel",
  }),
  /** What a function computes of a column. @type {Record<string, (column: string) => string>} */
  functions: {
    sum: (column) => `sum of ${column}`,
    avg: (column) => `average of ${column}`,
    median: (column) => `median of ${column}`,
    min: (column) => `smallest ${column}`,
    max: (column) => `largest ${column}`,
    count: (column) => `number of filled cells of ${column}`,
    count_distinct: (column) => `number of different ${column}`,
    first: (column) => `first ${column}`,
    last: (column) => `last ${column}`,
    variance: (column) => `variance of ${column}`,
    stddev: (column) => `standard deviation of ${column}`,
    mode: (column) => `most frequent ${column}`,
    concat_distinct: (column) => `list of the different ${column}`,
    count_if: (column) => `number of filled cells of ${column}`,
    sum_if: (column) => `sum of ${column}`,
  },
  /** For dates. @type {Record<string, (column: string) => string>} */
  ofDates: {
    min: (column) => `earliest ${column}`,
    max: (column) => `latest ${column}`,
  },
  rows: "number of rows",
  percentile: (/** @type {number} */ p, /** @type {string} */ column) =>
    `${p}${SUFFIXES[ORDINAL.select(p)] ?? "th"} percentile of ${column}`,
  ratio: (/** @type {string} */ one, /** @type {string} */ other) => `${one} ÷ ${other}`,
  unknownFunction: (/** @type {string} */ name, /** @type {string} */ column) =>
    column ? `${name} of ${column}` : name,
  /** @type {Record<string, string>} */
  arithmetic: { multiply: "×", add: "+", subtract: "−" },
  /** What is taken of a date. @type {Record<string, (column: string) => string>} */
  truncate: {
    hour: (column) => `hour of ${column}`,
    day: (column) => `day of ${column}`,
    week: (column) => `week of ${column}`,
    month: (column) => `month of ${column}`,
    quarter: (column) => `quarter of ${column}`,
    year: (column) => `year of ${column}`,
  },
  /** @type {Record<string, (column: string) => string>} */
  parts: {
    year: (column) => `year of ${column}`,
    month: (column) => `month of the year of ${column}`,
    day: (column) => `day of the month of ${column}`,
    hour: (column) => `hour of the day of ${column}`,
    weekday: (column) => `weekday of ${column}`,
  },
  start: (/** @type {number} */ count, /** @type {string} */ column) =>
    count === 1 ? `first character of ${column}` : `first ${count} characters of ${column}`,
  characters: (
    /** @type {number} */ from,
    /** @type {number} */ to,
    /** @type {string} */ column,
  ) =>
    from === to ? `character ${from} of ${column}` : `characters ${from} to ${to} of ${column}`,
  match: (/** @type {string} */ column, /** @type {string} */ pattern) =>
    `${column} as matched by ${pattern}`,
  /** @type {Record<string, (column: string, value: string) => string>} */
  conditions: {
    "=": (column, value) => `${column} is ${value}`,
    "!=": (column, value) => `${column} is not ${value}`,
    "<": (column, value) => `${column} < ${value}`,
    "<=": (column, value) => `${column} ≤ ${value}`,
    ">": (column, value) => `${column} > ${value}`,
    ">=": (column, value) => `${column} ≥ ${value}`,
    in: (column, value) => `${column} is ${value}`,
    contains: (column, value) => `${column} contains ${value}`,
    starts_with: (column, value) => `${column} starts with ${value}`,
    is_empty: (column) => `${column} is empty`,
  },
  text: (/** @type {string} */ value) => `“${value}”`,
  group: (/** @type {string} */ condition) => `(${condition})`,
  not: (/** @type {string} */ condition) => `not (${condition})`,
});
