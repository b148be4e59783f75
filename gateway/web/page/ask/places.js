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
  const found = /^(where|having|aggregates\[([0-9]+)\]\.where)(?=$|\.)/.exec(place);
  if (!found) return place;
  const [key = "", , index] = found;
  const filter =
    index === undefined
      ? question[key === "where" ? "where" : "having"]
      : question.aggregates[Number(index)]?.where;
  const single = filter && tidyFilter(filter);
  if (filter && single && partsOf(filter) && !partsOf(single)) {
    return `${key}.${"and" in filter ? "and" : "or"}[0]${place.slice(key.length)}`;
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
