/** From rows of a result to what a chart draws: groups, series and exact values. */

import { isAdditive } from "./choice.js";
import { dateOf } from "./dates.js";
import { compareDecimals, parseDecimal, sumOf } from "./decimal.js";
import { groupLabel } from "./labels.js";
import { TOP } from "./state.js";

/** @typedef {import("./choice.js").Choice} Choice */
/** @typedef {import("./types.js").Column} Column */
/** @typedef {import("./types.js").Row} Row */

/** A value with all its digits. @typedef {{text: string, number: number}} Value */

/**
 * One series of values. `rest` says that it is the sum of all groups that have no series of their
 * own.
 * @typedef {{name: string, rest: boolean}} Series
 */

/**
 * The values at one place of an axis, one for each series; null where there is none.
 * @typedef {object} Place
 * @property {string} label
 * @property {number} time milliseconds since 1970 for lines, else 0
 * @property {Value | null} total exact if there are several series; null if they do not add up
 * @property {readonly (Value | null)[]} values
 */

/**
 * @typedef {object} Chart
 * @property {readonly Series[]} series one without a name if the chart has only one
 * @property {readonly Place[]} places
 * @property {boolean} stacked whether the values of a place add up to its total
 * @property {readonly number[]} added group columns whose groups were added up
 * @property {number} groups the number of all groups, of which `places` (bars) or `series` (lines)
 *   are the largest
 * @property {number} split the number of all groups of the second column, of which `series` (bars)
 *   are the largest
 */

/**
 * @typedef {object} Wanted
 * @property {readonly Column[]} columns
 * @property {readonly Row[]} rows
 * @property {boolean} whole whether these are all rows of the result
 * @property {Choice} choice
 * @property {number} measure
 * @property {string} empty the label of a group without text
 * @property {string} rest the name of the series of all others
 * @property {boolean} [ordered] whether places keep the order of the rows
 * @property {boolean} [withRest] whether lines have one for the sum of all others
 * @property {number} [most] the most bars, or groups of bars
 */

/** The most series, and one of all others. */
export const MOST_SERIES = 6;

/**
 * Returns bars: the largest groups. If all rows are there and their values add up, a bar is the sum
 * of a group of the first column, and its parts are those of the second one; else it is one row.
 * @param {Wanted} wanted
 * @returns {Chart}
 */
export function barsOf(wanted) {
  const { columns, rows, whole, choice, measure } = wanted;
  const additive = whole && isAdditive(columns[measure]);
  const others = choice.groups.filter((i) => i !== choice.time);
  const [first, second] = others.length > 0 ? others : choice.groups;
  const split = second !== undefined && whole && (additive || choice.groups.length === 2);
  const by = additive || split ? [first ?? 0] : choice.groups;
  const rowsOf = grouped(rows, (row) => by.map((i) => row[i] ?? null));
  const series = split ? seriesOf(wanted, [second], additive, additive) : single();
  const places = rowsOf.map(({ key, rows: found }) => {
    const values = series.list.map((_, i) => valueIn(found, measure, series.of, i));
    const total = series.list.length > 1 && !additive ? null : valueIn(found, measure);
    return { label: groupLabel(key, wanted.empty), time: 0, total, values };
  });
  const drawn = places.filter((place) => place.values.some((value) => value !== null));
  if (!wanted.ordered) drawn.sort(byLargest);
  const shown = drawn.slice(0, wanted.most ?? TOP);
  const numbers = shown.flatMap((place) => place.values.map((value) => value?.number ?? 0));
  return {
    series: series.list,
    places: shown,
    stacked: additive && series.list.length > 1 && numbers.every((value) => value >= 0),
    added: additive ? choice.groups.filter((i) => i !== first && !(split && i === second)) : [],
    groups: drawn.length,
    split: series.groups,
  };
}

/**
 * Returns lines over dates, one for each of the largest groups of the other columns.
 * @param {Wanted} wanted its choice must have a time
 * @returns {Chart}
 */
export function linesOf(wanted) {
  const { columns, rows, whole, choice, measure } = wanted;
  const time = choice.time ?? 0;
  const others = choice.groups.filter((i) => i !== time);
  const additive = whole && isAdditive(columns[measure]);
  const withRest = additive && wanted.withRest === true;
  const series = others.length > 0 ? seriesOf(wanted, others, additive, withRest) : single();
  const complete = additive && (withRest || series.list.length === series.groups);
  const places = [];
  for (const { key, rows: found } of grouped(rows, (row) => [row[time] ?? null])) {
    const date = dateOf(key[0]);
    if (!date) continue; // the group of rows without a date has no place on the axis
    const values = series.list.map((_, i) => valueIn(found, measure, series.of, i));
    const total = series.list.length > 1 && !complete ? null : valueIn(found, measure);
    places.push({ label: groupLabel(key, wanted.empty), time: date.time, total, values });
  }
  places.sort((one, other) => one.time - other.time);
  return {
    series: series.list,
    places: places.filter((place) => place.values.some((value) => value !== null)),
    stacked: false,
    added: [],
    groups: series.groups,
    split: series.groups,
  };
}

/** One series of all rows. */
function single() {
  return { list: [{ name: "", rest: false }], of: () => 0, groups: 1 };
}

/**
 * Returns the series of the largest groups, and of all others if their values add up.
 * @param {Wanted} wanted
 * @param {readonly number[]} by columns
 * @param {boolean} additive
 * @param {boolean} withRest
 */
function seriesOf({ rows, measure, empty, rest }, by, additive, withRest) {
  const all = grouped(rows, (row) => by.map((i) => row[i] ?? null)).map((group) => ({
    id: idOf(group.key),
    name: groupLabel(group.key, empty),
    size: additive ? valueIn(group.rows, measure) : largestOf(group.rows, measure),
  }));
  all.sort((one, other) => compareValues(other.size, one.size));
  const many = all.length > MOST_SERIES;
  const own = all.slice(0, many && withRest ? MOST_SERIES - 1 : MOST_SERIES);
  const positions = new Map(own.map(({ id }, i) => [id, i]));
  /** @type {Series[]} */
  const list = own.map(({ name }) => ({ name, rest: false }));
  if (many && withRest) list.push({ name: rest, rest: true });
  return {
    list,
    groups: all.length,
    /** The series of a row; of none if it is none of the largest. @param {Row} row */
    of: (row) => positions.get(idOf(by.map((i) => row[i] ?? null))) ?? (withRest ? own.length : -1),
  };
}

/**
 * @param {readonly Row[]} rows
 * @param {(row: Row) => (string | null)[]} keyOf
 */
function grouped(rows, keyOf) {
  /** @type {Map<string, {key: (string | null)[], rows: Row[]}>} */
  const groups = new Map();
  for (const row of rows) {
    const key = keyOf(row);
    const id = idOf(key);
    const found = groups.get(id);
    if (found) found.rows.push(row);
    else groups.set(id, { key, rows: [row] });
  }
  return [...groups.values()];
}

/** @param {readonly (string | null)[]} key */
function idOf(key) {
  return JSON.stringify(key);
}

/**
 * Returns the value of rows, which is their sum if there are several; null if they have none.
 * @param {readonly Row[]} rows
 * @param {number} measure
 * @param {(row: Row) => number} [of]
 * @param {number} [series] only rows of this series
 * @returns {Value | null}
 */
function valueIn(rows, measure, of, series) {
  const found = of ? rows.filter((row) => of(row) === series) : rows;
  const cells = found.map((row) => row[measure] ?? null).filter((cell) => cell !== null);
  const text = cells.length === 1 ? (cells[0] ?? null) : sumOf(cells);
  return text === null ? null : { text, number: Number(text) };
}

/**
 * @param {readonly Row[]} rows
 * @param {number} measure
 */
function largestOf(rows, measure) {
  return rows
    .map((row) => valueIn([row], measure))
    .reduce((one, other) => (compareValues(one, other) >= 0 ? one : other), null);
}

/**
 * @param {Value | null} one
 * @param {Value | null} other
 */
function compareValues(one, other) {
  const left = parseDecimal(one?.text);
  const right = parseDecimal(other?.text);
  if (!left || !right) return Number(left !== null) - Number(right !== null);
  return compareDecimals(left, right);
}

/**
 * @param {Place} one
 * @param {Place} other
 */
function byLargest(one, other) {
  return compareValues(sizeOf(other), sizeOf(one));
}

/** @param {Place} place */
function sizeOf({ total, values }) {
  if (total) return total;
  return values.reduce((one, other) => (compareValues(one, other) >= 0 ? one : other), null);
}
