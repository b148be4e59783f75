/** Chooses a chart by the kinds of the columns. */

import { areDates } from "./dates.js";
import { isNumeric } from "./rows.js";

/** @typedef {import("./types.js").Column} Column */
/** @typedef {import("./types.js").Row} Row */

/** @typedef {"bar" | "line"} Shape */

/**
 * What a chart of a result can show. Numbers are positions of columns.
 * @typedef {object} Choice
 * @property {readonly number[]} groups the group columns
 * @property {number | null} time the group column with dates, if there is one
 * @property {readonly number[]} measures the columns with numbers that can be drawn
 * @property {readonly Shape[]} shapes the possible charts, the best one first; none without measures
 */

/** The functions whose values of parts add up to that of the whole. */
const ADDITIVE = new Set(["sum", "count", "sum_if", "count_if"]);
const YEAR = "year";
/** Dates are drawn as a line if there are so many, at least. */
const LEAST_DATES = 3;

/**
 * Whether values of a column may be added up: sums and counts, and no means, extremes or numbers of
 * different values.
 * @param {Column | undefined} column
 */
export function isAdditive(column) {
  return column !== undefined && column.function !== null && ADDITIVE.has(column.function);
}

/**
 * Returns what can be drawn of these rows.
 * @param {readonly Column[]} columns
 * @param {readonly Row[]} rows the loaded ones
 * @param {readonly (string | null)[]} [parts] for each group column the part of a date that it has,
 *   as `weekday`, or null
 * @returns {Choice}
 */
export function chartsOf(columns, rows, parts = []) {
  const all = columns.map((_, i) => i);
  const groups = all.filter((i) => columns[i]?.function === null);
  const measures = all.filter((i) => canBeDrawn(columns[i], rows, i));
  const time = groups.find((i) => isTime(columns[i], rows, i, parts[i] ?? null)) ?? null;
  /** @type {Shape[]} */
  const shapes = [];
  if (groups.length > 0 && measures.length > 0) {
    shapes.push("bar");
    if (time !== null) {
      const dates = new Set(rows.map((row) => row[time]));
      if (dates.size >= LEAST_DATES) shapes.unshift("line");
      else shapes.push("line");
    }
  }
  return { groups, time, measures, shapes };
}

/**
 * @param {Column | undefined} column
 * @param {readonly Row[]} rows
 * @param {number} i
 */
function canBeDrawn(column, rows, i) {
  if (!column || column.function === null || !isNumeric(column)) return false;
  const values = rows.map((row) => row[i]).filter((cell) => cell !== null && cell !== undefined);
  return values.length > 0 && values.every((cell) => Number.isFinite(Number(cell)));
}

/**
 * @param {Column | undefined} column
 * @param {readonly Row[]} rows
 * @param {number} i
 * @param {string | null} part
 */
function isTime(column, rows, i, part) {
  const years = column?.truncate === YEAR || part === YEAR;
  return areDates(
    rows.map((row) => row[i]),
    { years },
  );
}
