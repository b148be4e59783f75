/** The values of conditions, which are text to a person and may be numbers in the aggregation. */

/** @typedef {import("./types.js").Condition} Condition */
/** @typedef {import("./types.js").Value} Value */

const NUMBERS = Object.freeze(["number", "integer"]);
const TEXT_ONLY = Object.freeze(["contains", "starts_with"]);

/**
 * Returns as what a condition compares.
 * @param {Condition} condition
 * @returns {string}
 */
export function kindOfCondition({ type, value }) {
  const [first] = Array.isArray(value) ? value : [value];
  return type ?? (typeof first === "number" ? "number" : "text");
}

/**
 * Returns the values of a condition as text.
 * @param {Condition} condition
 */
export function textsOf({ value }) {
  if (value === undefined) return [];
  return (Array.isArray(value) ? value : [value]).map(String);
}

/**
 * Returns a condition to begin with.
 * @param {Condition["column"]} column
 * @param {string} kind of the column
 * @returns {Condition}
 */
export function newCondition(column, kind) {
  /** @type {Condition} */
  const condition = { column, op: kind === "text" ? "=" : ">=", value: "" };
  setKind(condition, kind);
  return condition;
}

/**
 * Compares as another kind from now on.
 * @param {Condition} condition
 * @param {string} kind of the condition or of its column
 */
export function setKind(condition, kind) {
  if (condition.op === "is_empty") return;
  const values = textsOf(condition);
  delete condition.type;
  const compared = NUMBERS.includes(kind) ? "number" : kind === "date" ? "date" : "text";
  if (compared !== "text") condition.type = compared;
  if (compared !== "text" && TEXT_ONLY.includes(condition.op)) condition.op = "=";
  setText(condition, values);
}

/**
 * @param {Condition} condition
 * @param {string} op
 */
export function setOperator(condition, op) {
  const kind = kindOfCondition(condition);
  const values = textsOf(condition);
  condition.op = op;
  if (op === "is_empty") {
    delete condition.value;
    delete condition.type;
    return;
  }
  if (kind !== "text") condition.type = kind;
  setText(condition, values.length > 0 ? values : [""]);
}

/**
 * Sets what a condition compares with, as its kind.
 * @param {Condition} condition
 * @param {readonly string[]} given several for `in`, else one
 */
export function setText(condition, given) {
  const kind = kindOfCondition(condition);
  delete condition.type;
  const numbers = given.map(exact);
  const isPlain = kind === "number" && numbers.every((each) => each !== null);
  const values = isPlain ? /** @type {number[]} */ (numbers) : [...given];
  if (kind !== "text" && !isPlain) condition.type = kind;
  condition.value = condition.op === "in" ? values : (values[0] ?? "");
}

/**
 * Returns a text as a number if JavaScript writes that number in the same way, else null.
 * @param {string} text
 */
function exact(text) {
  const number = Number(text);
  return text !== "" && Number.isFinite(number) && String(number) === text ? number : null;
}
