/**
 * What a person has chosen to see of a result: the chart, its values, how many bars, the order of the
 * table. It is in the fragment of the URL, as `#/jobs/ID?chart=bar&value=3&top=50&sort=-3`, so that a
 * view can be shared. Columns are named by their positions from 1, as the API does.
 */

import { currentPlace, noteQuery } from "../core/router.js";

/** @typedef {import("./choice.js").Choice} Choice */
/** @typedef {import("./choice.js").Shape} Shape */
/** @typedef {import("./types.js").Order} Order */

/** How many bars can be shown. */
export const TOPS = /** @type {const} */ ([10, 20, 50]);
/** How many bars are shown unless a person chooses another number. */
export const TOP = 20;

/**
 * @typedef {object} View
 * @property {Shape | "table"} shape
 * @property {number} measure the position of the column whose values are drawn, from 0
 * @property {number} top the most bars
 * @property {Order | null} order that of the table
 */

/**
 * Returns what a query chooses. What it does not say, or what the result does not have, is as
 * without a query.
 * @param {URLSearchParams} query
 * @param {Choice} choice what can be drawn
 * @param {number} columns how many columns the result has
 * @returns {View}
 */
export function viewIn(query, choice, columns) {
  const shape = query.get("chart");
  const measure = Number(query.get("value")) - 1;
  const top = Number(query.get("top"));
  const sort = Number(query.get("sort"));
  const isSorted = Number.isInteger(sort) && sort !== 0 && Math.abs(sort) <= columns;
  const isShape = shape === "table" || choice.shapes.includes(/** @type {Shape} */ (shape));
  return {
    shape: isShape ? /** @type {Shape | "table"} */ (shape) : (choice.shapes[0] ?? "table"),
    measure: choice.measures.includes(measure) ? measure : (choice.measures[0] ?? 0),
    top: TOPS.find((each) => each === top) ?? TOP,
    order: isSorted ? { column: Math.abs(sort) - 1, descending: sort < 0 } : null,
  };
}

/**
 * Notes a part of what is chosen in the URL; Back leaves the view as before.
 * @param {{chart?: string, value?: number, top?: number, sort?: Order | null}} chosen
 */
export function noteView({ chart, value, top, sort }) {
  const { query } = currentPlace();
  if (chart !== undefined) query.set("chart", chart);
  if (value !== undefined) query.set("value", String(value + 1));
  if (top !== undefined) query.set("top", String(top));
  if (sort === null) query.delete("sort");
  else if (sort) query.set("sort", `${sort.descending ? "-" : ""}${sort.column + 1}`);
  noteQuery(query);
}
