/** A question as a person edits it, and the aggregation that the service takes. */

/** @typedef {import("./types.js").Aggregate} Aggregate */
/** @typedef {import("./types.js").Aggregation} Aggregation */
/** @typedef {import("./types.js").Column} Column */
/** @typedef {import("./types.js").Filter} Filter */
/** @typedef {import("./types.js").Group} Group */
/** @typedef {import("./types.js").Input} Input */
/** @typedef {import("./types.js").Order} Order */
/** @typedef {import("./types.js").Question} Question */

export const DEFAULT_OUTPUT = "csv";

/** The default aggregation, written out: the plays of songs (docs/aggregation.md). */
export const SONG_PLAYS = Object.freeze({
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
});

/** @returns {Question} */
export function emptyQuestion() {
  return {
    group_by: [],
    aggregates: [],
    where: null,
    having: null,
    order_by: [],
    limit: null,
    output: DEFAULT_OUTPUT,
    escape_formulas: false,
    strict: false,
    input: {},
  };
}

/**
 * Whether a question asks for nothing: neither for groups nor for values.
 * @param {Question} question
 */
export function asksNothing({ group_by, aggregates }) {
  return group_by.length === 0 && aggregates.length === 0;
}

/**
 * Returns the aggregation that a question means, without what is the default. A question that asks
 * nothing has only `input`, which is the default aggregation.
 * @param {Question} question
 * @returns {Aggregation}
 */
export function aggregationOf(question) {
  const { where, having } = question;
  const asks = !asksNothing(question);
  /** @type {Aggregation} */
  const found = {};
  if (question.group_by.length > 0) found.group_by = question.group_by.map(shortGroup);
  if (question.aggregates.length > 0) found.aggregates = question.aggregates.map(tidyAggregate);
  const rows = asks && where && tidyFilter(where);
  if (rows) found.where = rows;
  const kept = asks && having && tidyFilter(having);
  if (kept) found.having = kept;
  if (asks && question.order_by.length > 0) found.order_by = question.order_by.map(shortOrder);
  if (asks && question.limit !== null) found.limit = question.limit;
  if (asks && question.output !== DEFAULT_OUTPUT) found.output = question.output;
  if (question.escape_formulas && isCsv(question.output))
    found.output_options = { escape_formulas: true };
  if (question.strict) found.on_warning = "fail";
  const input = tidy(question.input);
  if (Object.keys(input).length > 0) found.input = input;
  return found;
}

/**
 * Returns the question of an aggregation, such as one from a URL. What is not of the right type is
 * left out: the service judges the rest.
 * @param {unknown} aggregation
 * @returns {Question}
 */
export function questionOf(aggregation) {
  const given = objectOf(aggregation);
  return {
    group_by: listOf(given.group_by).flatMap((each) =>
      isColumn(each) ? [{ column: each }] : isColumn(objectOf(each).column) ? [{ ...each }] : [],
    ),
    aggregates: listOf(given.aggregates)
      .filter((each) => typeof objectOf(each).function === "string")
      .map((each) => ({ ...each, ...(each.where ? { where: rootOf(each.where) } : {}) })),
    where: rootOf(given.where),
    having: rootOf(given.having),
    order_by: listOf(given.order_by).flatMap((each) => {
      if (typeof each === "string") return [{ column: each }];
      return typeof objectOf(each).column === "string" ? [{ ...each }] : [];
    }),
    limit: Number.isSafeInteger(given.limit) ? /** @type {number} */ (given.limit) : null,
    output: typeof given.output === "string" ? given.output : DEFAULT_OUTPUT,
    escape_formulas: objectOf(given.output_options).escape_formulas === true,
    strict: given.on_warning === "fail",
    input: { ...objectOf(given.input) },
  };
}

/**
 * Returns the parts of a junction, or null for a condition or a negation.
 * @param {Filter} filter
 * @returns {Filter[] | null}
 */
export function partsOf(filter) {
  if ("and" in filter) return filter.and;
  return "or" in filter ? filter.or : null;
}

/**
 * Returns a filter whose root is a junction, as it is edited; null for what is no filter.
 * @param {unknown} value
 * @returns {Filter | null}
 */
function rootOf(value) {
  const filter = filterOf(value, 0);
  if (!filter) return null;
  return partsOf(filter) ? filter : { and: [filter] };
}

/**
 * @param {unknown} value
 * @param {number} depth
 * @returns {Filter | null}
 */
function filterOf(value, depth) {
  const given = objectOf(value);
  for (const word of /** @type {const} */ (["and", "or"])) {
    if (!Array.isArray(given[word]) || depth > 20) continue;
    const parts = given[word].flatMap((each) => filterOf(each, depth + 1) ?? []);
    return /** @type {Filter} */ ({ [word]: parts });
  }
  if (given.not !== undefined && depth <= 20) {
    const negated = filterOf(given.not, depth + 1);
    return negated && { not: negated };
  }
  if (!isColumn(given.column) || typeof given.op !== "string") return null;
  return /** @type {Filter} */ ({ ...given });
}

/**
 * Returns a filter without empty junctions; null if nothing is left. The root is not a junction of
 * one part.
 * @param {Filter} filter
 * @returns {Filter | null}
 */
export function tidyFilter(filter) {
  if ("not" in filter) {
    const negated = tidyFilter(filter.not);
    return negated && { not: negated };
  }
  const parts = partsOf(filter);
  if (!parts) return /** @type {Filter} */ (tidy(filter));
  const left = parts.flatMap((each) => tidyFilter(each) ?? []);
  if (left.length < 2) return left[0] ?? null;
  return "and" in filter ? { and: left } : { or: left };
}

/** @param {Group} group */
function shortGroup(group) {
  const found = /** @type {Group} */ (tidy(group));
  return Object.keys(found).length === 1 ? found.column : found;
}

/** @param {Aggregate} aggregate */
function tidyAggregate(aggregate) {
  const { function: name, column, where, ...rest } = aggregate;
  const rows = where && tidyFilter(where);
  return /** @type {Aggregate} */ (tidy({ function: name, column, ...rest, where: rows }));
}

/** @param {Order} order */
function shortOrder(order) {
  return order.descending ? { column: order.column, descending: true } : order.column;
}

/**
 * Returns an object without what is not given: undefined, null, and false.
 * @param {object} given
 * @returns {{[key: string]: unknown}}
 */
function tidy(given) {
  return Object.fromEntries(
    Object.entries(given).filter(
      ([key, value]) =>
        value !== undefined && value !== null && (value !== false || key === "header"),
    ),
  );
}

/**
 * @param {unknown} value
 * @returns {value is Column}
 */
export function isColumn(value) {
  return typeof value === "string" || (Number.isInteger(value) && Number(value) > 0);
}

/**
 * @param {unknown} value
 * @returns {any[]}
 */
function listOf(value) {
  return Array.isArray(value) ? value : [];
}

/**
 * @param {unknown} value
 * @returns {{[key: string]: unknown}}
 */
function objectOf(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value)
    ? /** @type {{[key: string]: unknown}} */ (value)
    : {};
}

/**
 * Whether results of a format are CSV, which spreadsheets open.
 * @param {string} output
 */
export function isCsv(output) {
  return output.startsWith("csv");
}
