/** Names of output columns that follow when what they name changes. */

import { partsOf } from "./question.js";

/** @typedef {import("./types.js").Condition} Condition */
/** @typedef {import("./types.js").Filter} Filter */
/** @typedef {import("./types.js").Question} Question */

/**
 * Changes the names in `order_by`, `having` and ratios as the output columns have changed. What sorts
 * by a column that is gone is removed.
 * @param {Question} question
 * @param {readonly string[]} before the names of the output columns
 * @param {readonly string[]} after
 */
export function follow(question, before, after) {
  const gone = before.filter((name) => !after.includes(name));
  if (gone.length === 0) return;
  /** @type {Map<string, string>} */
  const renamed = new Map();
  if (before.length === after.length) {
    for (const [index, name] of before.entries()) {
      const now = after[index];
      if (now !== undefined && gone.includes(name) && !before.includes(now)) renamed.set(name, now);
    }
  }
  /** @param {string} name */
  const nameNow = (name) => renamed.get(name) ?? name;
  question.order_by = question.order_by
    .map((order) => ({ ...order, column: nameNow(order.column) }))
    .filter(({ column }) => after.includes(column) || !gone.includes(column));
  for (const each of question.aggregates) {
    if (each.of) each.of = each.of.map(nameNow);
  }
  if (question.having) rename(question.having, nameNow);
}

/**
 * @param {Filter} filter
 * @param {(name: string) => string} nameNow
 */
function rename(filter, nameNow) {
  if ("not" in filter) {
    rename(filter.not, nameNow);
    return;
  }
  const parts = partsOf(filter);
  if (parts) {
    for (const part of parts) rename(part, nameNow);
    return;
  }
  const condition = /** @type {Condition} */ (filter);
  if (typeof condition.column === "string") condition.column = nameNow(condition.column);
}
