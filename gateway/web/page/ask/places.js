/** Where in the page a value of the aggregation is edited. */

import { partsOf, tidyFilter } from "./question.js";

/** @typedef {import("./types.js").Question} Question */

/**
 * Returns the path of a value in the question for its path in the aggregation, as errors name it. A
 * filter of one condition has no junction in the aggregation, but has one in the question.
 * @param {string} path as `aggregation.where.value` or `group_by[0].column`
 * @param {Question} question
 */
export function placeOf(path, question) {
  const place = path.replace(/^(?:aggregation|spec)\.?/, "");
  for (const key of /** @type {const} */ (["where", "having"])) {
    if (place !== key && !place.startsWith(`${key}.`)) continue;
    const filter = question[key];
    const single = filter && tidyFilter(filter);
    if (filter && single && partsOf(filter) && !partsOf(single)) {
      const word = "and" in filter ? "and" : "or";
      return `${key}.${word}[0]${place.slice(key.length)}`;
    }
  }
  return place;
}

/**
 * Returns the places that contain a place, the innermost first: `a[0].b`, `a[0]`, `a`.
 * @param {string} place
 */
export function around(place) {
  const found = [place];
  let rest = place;
  while (/[.[]/.test(rest)) {
    rest = rest.replace(/(?:\.[^.[\]]*|\[[^[\]]*\]?)$/, "");
    found.push(rest);
  }
  return found;
}
