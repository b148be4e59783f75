/** Dates in cells, of any length from a year to fractions of a second. They have no time zone. */

/**
 * The part of a date that a cell tells.
 * @typedef {"year" | "quarter" | "month" | "week" | "day" | "hour" | "moment"} Unit
 */

const DAY = 86_400_000;
const WEEK = /^(\d{4})-W(\d{2})$/;
const QUARTER = /^(\d{4})-Q([1-4])$/;
const DATE = new RegExp(
  "^(\\d{4})(?:-(\\d{2})(?:-(\\d{2})(?:[T ](\\d{2})(?::(\\d{2})(?::(\\d{2})(\\.\\d+)?)?)?" +
    "(Z|[+-]\\d{2}:?\\d{2})?)?)?)?$",
);

/**
 * Returns the time at which the date of a cell begins, and its unit; null if it is no date. A time
 * zone is not applied, as in aggregations.
 * @param {string | null | undefined} text as `2020-W53`, `2020-12-31` or `2020-12-31T23:59:59`
 * @returns {{time: number, unit: Unit} | null} milliseconds since 1970
 */
export function dateOf(text) {
  if (!text) return null;
  const week = WEEK.exec(text);
  if (week) return weekOf(Number(week[1]), Number(week[2]));
  const quarter = QUARTER.exec(text);
  if (quarter) return found(Number(quarter[1]), 3 * Number(quarter[2]) - 2, 1, 0, "quarter");
  const date = DATE.exec(text);
  if (!date) return null;
  const [, year, month, day, hour, minute, second, fraction] = date;
  const hours = Number(hour ?? 0);
  const minutes = Number(minute ?? 0);
  const seconds = Number(second ?? 0) + Number(fraction ?? 0);
  if (hours > 23 || minutes > 59 || seconds >= 61) return null;
  /** @type {Unit} */
  const unit = minute ? "moment" : hour ? "hour" : day ? "day" : month ? "month" : "year";
  const inDay = ((hours * 60 + minutes) * 60 + seconds) * 1000;
  return found(Number(year), Number(month ?? 1), Number(day ?? 1), inDay, unit);
}

/**
 * Whether all cells that are not empty are dates of one unit. A year alone may be any number, so it
 * counts only if `years` says that they are years.
 * @param {Iterable<string | null | undefined>} cells
 * @param {{years?: boolean}} [options]
 */
export function areDates(cells, { years = false } = {}) {
  /** @type {Unit | null} */
  let unit = null;
  for (const cell of cells) {
    if (!cell) continue;
    const date = dateOf(cell);
    if (!date || (date.unit === "year" && !years) || (unit && unit !== date.unit)) return false;
    unit = date.unit;
  }
  return unit !== null;
}

/**
 * @param {number} year
 * @param {number} month from 1
 * @param {number} day
 * @param {number} inDay milliseconds
 * @param {Unit} unit
 */
function found(year, month, day, inDay, unit) {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  return { time: date.getTime() + inDay, unit };
}

/**
 * The Monday with which a week of ISO 8601 begins.
 * @param {number} year
 * @param {number} week
 */
function weekOf(year, week) {
  if (week < 1 || week > 53) return null;
  const fourth = new Date(0);
  fourth.setUTCFullYear(year, 0, 4); // is always in week 1
  const monday = fourth.getTime() - ((fourth.getUTCDay() + 6) % 7) * DAY;
  return { time: monday + (week - 1) * 7 * DAY, unit: /** @type {Unit} */ ("week") };
}
