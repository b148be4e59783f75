/**
 * Writes the values of the options of `csvmill run` (see `csvmill run --help`). Each function returns
 * null for what its option cannot say.
 */

import { FILE_COLUMN } from "./columns.js";
import { ARITHMETIC } from "./functions.js";
import { partsOf } from "./question.js";

/** @typedef {import("./types.js").Aggregate} Aggregate */
/** @typedef {import("./types.js").Column} Column */
/** @typedef {import("./types.js").Condition} Condition */
/** @typedef {import("./types.js").Filter} Filter */
/** @typedef {import("./types.js").Group} Group */
/** @typedef {import("./types.js").Order} Order */
/** @typedef {import("./types.js").Value} Value */

const NAME = /^[\p{L}_][\p{L}\p{N}_]*$/u;
const NAME_IN_ITEM = /^[\p{L}_](?:[\p{L}\p{N}_ .()]*[\p{L}\p{N}_)])?$/u;
const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?$/;
const DATE = /^[0-9TZ:.+-]+$/;

/** @param {string} text */
function quoted(text) {
  return `"${text.replaceAll('"', '""')}"`;
}

/**
 * Returns the name of a column of the result, or a name for one.
 * @param {string} name
 */
export function nameWord(name) {
  return NAME_IN_ITEM.test(name) ? name : quoted(name);
}

/** @param {Column} column */
function columnWord(column) {
  if (column === FILE_COLUMN) return column;
  return typeof column === "number" ? `@${column}` : nameWord(column);
}

/**
 * Returns an item of `--group-by`.
 * @param {Column | Group} group
 */
export function groupItem(group) {
  if (typeof group !== "object") return columnWord(group);
  const { column, name, truncate, part, case: letters, trim, normalize, ...rest } = group;
  if (Object.keys(rest).length > 0 || (part && part !== "weekday")) return null;
  const options = [truncate, part, letters, trim && "trim", normalize].filter(Boolean);
  return `${name ? `${nameWord(name)}=` : ""}${[columnWord(column), ...options].join(":")}`;
}

/**
 * Returns an option, and its item if it has one, for an aggregate.
 * @param {Aggregate} aggregate
 * @returns {[string] | [string, string] | null}
 */
export function aggregateOption(aggregate) {
  const { function: name, column, name: output, type, p, of, ...rest } = aggregate;
  if (Object.keys(rest).length > 0 || name.endsWith("_if")) return null;
  const start = output ? `${nameWord(output)}=` : "";
  if (of) return ["--ratio", `${start}${of.map(slashed).join("/")}`];
  const option = name === "count" ? "--count-of" : `--${name.replaceAll("_", "-")}`;
  if (column === undefined) return name === "count" && !output ? ["--count"] : null;
  const source = typeof column === "object" ? product(column) : columnWord(column);
  if (source === null) return null;
  const options = [p === undefined ? "" : String(p), type ?? ""].filter(Boolean);
  return [option, start + [source, ...options].join(":")];
}

/** @param {string} name */
function slashed(name) {
  return name.includes("/") ? quoted(name) : nameWord(name);
}

/** @param {import("./types.js").Arithmetic} arithmetic */
function product({ multiply, ...rest }) {
  if (!multiply || Object.keys(rest).length > 0) return null;
  return multiply.map(columnWord).join(ARITHMETIC.multiply);
}

/**
 * Returns the values of `--where` or `--having`, all of which must hold.
 * @param {Filter} filter
 * @param {(condition: Condition) => string | null} write
 */
export function conditionItems(filter, write) {
  const all = "and" in filter ? filter.and : [filter];
  return all.map((each) => {
    const text = partsOf(each) || "not" in each ? null : write(/** @type {Condition} */ (each));
    return text ?? JSON.stringify(each);
  });
}

/**
 * Returns a condition on rows of the file.
 * @param {Condition} condition
 */
export function rowCondition({ column, op, value, type }) {
  const name =
    typeof column === "number" ? `@${column}` : NAME.test(column) ? column : quoted(column);
  const operator = /^[a-z]/.test(op) ? ` ${op} ` : op;
  if (op === "is_empty") return `${name} is_empty`;
  if (value === undefined) return null;
  const values = Array.isArray(value) ? value : [value];
  const kind = type ?? (values.every((each) => typeof each === "number") ? "number" : "text");
  const found = words(values, kind, op);
  return found && `${name}${found.type}${operator}${found.words.join(",")}`;
}

/**
 * @param {Value[]} values
 * @param {string} kind
 * @param {string} op
 */
function words(values, kind, op) {
  const given = values.map(String);
  if (kind === "text") {
    const bare = given.every((text) => NAME.test(text)) && !/[<>]/.test(op);
    return { type: "", words: bare ? given : given.map(quoted) };
  }
  if (kind === "number" && given.every((text) => NUMBER.test(text))) {
    return { type: "", words: given };
  }
  const bare = kind === "date" && given.every((text) => DATE.test(text));
  return { type: `:${kind}`, words: bare ? given : given.map(quoted) };
}

/**
 * Returns a condition on rows of the result, if it compares a number.
 * @param {Condition} condition
 */
export function resultCondition({ column, op, value, type }) {
  if (type !== undefined || typeof value !== "number" || typeof column !== "string") return null;
  return NUMBER.test(String(value)) ? `${quotedName(column)}${op}${value}` : null;
}

/** @param {string} name */
function quotedName(name) {
  return NAME.test(name) ? name : quoted(name);
}

/**
 * Returns an item of `--order-by`.
 * @param {string | Order} order
 */
export function orderItem(order) {
  const { column, descending = false } = typeof order === "string" ? { column: order } : order;
  return `${descending ? "-" : ""}${nameWord(column)}`;
}
