/** Names the columns of a result in words, as "month of date" and "sum of amount". */

import { aggregateWords, groupWords } from "../core/question.js";
import { visible } from "./labels.js";

/** @typedef {import("./types.js").Column} Column */

/**
 * Returns a name for each column: the one that a person gave it, else what it is in words. A column
 * that the question names by its position has the name that the result has for it.
 * @param {readonly Column[]} columns
 * @param {any} aggregation of the job; null if it is not known
 * @returns {string[]}
 */
export function namesOf(columns, aggregation) {
  /** @type {readonly any[]} */
  const groups = aggregation?.group_by ?? [];
  /** @type {readonly any[]} */
  const aggregates = aggregation?.aggregates ?? [];
  return columns.map(({ name }, i) => {
    const group = groups[i];
    const asked = group ?? aggregates[i - groups.length];
    if (asked === undefined || asked?.name) return visible(name);
    if (typeof (asked?.column ?? asked) !== "number") {
      return visible(group === undefined ? aggregateWords(asked) : groupWords(group));
    }
    const column = group === undefined ? operandIn(name, asked.function) : null;
    return visible(column === null ? name : aggregateWords({ ...asked, column }));
  });
}

/**
 * The column in a name as `sum(amount)`; null if the name is another one.
 * @param {string} name
 * @param {string} computed the function
 */
function operandIn(name, computed) {
  const start = `${computed}(`;
  return name.startsWith(start) && name.endsWith(")") ? name.slice(start.length, -1) : null;
}
