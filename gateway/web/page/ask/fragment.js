/** A question in the fragment of the page's URL: `#/?q=(group_by:!(Song))`. */

import { parse, write } from "./notation.js";
import { aggregationOf, questionOf } from "./question.js";

/** @typedef {import("./types.js").Question} Question */

/** The key of the fragment's query. */
export const KEY = "q";
/** Characters that browsers leave as they are in a fragment, and URLSearchParams reads as such. */
const PLAIN = /%(?:2C|3A|2F|40|24|3B|3F)/g;

/**
 * Returns the fragment of a question; that of the place alone if it says nothing.
 * @param {Question} question
 * @param {string} [path] where it is asked
 */
export function fragmentOf(question, path = "/") {
  const aggregation = aggregationOf(question);
  if (Object.keys(aggregation).length === 0) return `#${path}`;
  const text = encodeURIComponent(write(aggregation))
    .replace(PLAIN, decodeURIComponent)
    .replaceAll("%20", "+");
  return `#${path}?${KEY}=${text}`;
}

/**
 * Returns the question in the query of a fragment; null if there is none.
 * @param {URLSearchParams} query
 * @returns {Question | null}
 * @throws {SyntaxError} if it cannot be read
 */
export function questionIn(query) {
  const text = query.get(KEY);
  return text === null ? null : questionOf(parse(text));
}
