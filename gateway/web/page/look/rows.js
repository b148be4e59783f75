/** Sorts, filters and copies rows that are loaded. */

import { compareDecimals, parseDecimal } from "./decimal.js";

/** @typedef {import("./types.js").Column} Column */
/** @typedef {import("./types.js").Order} Order */
/** @typedef {import("./types.js").Row} Row */

/** Whether a column contains numbers. @param {Column | undefined} column */
export function isNumeric(column) {
  return column?.type === "integer" || column?.type === "number";
}

/**
 * Returns the rows in an order, as the server sorts them: numbers by value, everything else by code
 * points; equal rows as they are; rows without a value last.
 * @param {readonly Row[]} rows
 * @param {readonly Column[]} columns
 * @param {Order} order
 * @returns {Row[]}
 */
export function sortRows(rows, columns, { column, descending }) {
  const numeric = isNumeric(columns[column]);
  const sign = descending ? -1 : 1;
  const keyed = rows.map((row) => {
    const cell = row[column] ?? null;
    return { row, key: numeric ? parseDecimal(cell) : cell };
  });
  keyed.sort((one, other) => {
    if (one.key === null || other.key === null) {
      return Number(one.key === null) - Number(other.key === null);
    }
    if (typeof one.key === "string" || typeof other.key === "string") {
      return sign * compareTexts(String(one.key), String(other.key));
    }
    return sign * compareDecimals(one.key, other.key);
  });
  return keyed.map(({ row }) => row);
}

/**
 * Compares by code points, as the bytes of UTF-8 are sorted.
 * @param {string} one
 * @param {string} other
 */
export function compareTexts(one, other) {
  let at = 0;
  while (at < one.length && one.charCodeAt(at) === other.charCodeAt(at)) at += 1;
  const left = rank(one.charCodeAt(at));
  const right = rank(other.charCodeAt(at));
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Code units of a pair are above all others; the end is below. @param {number} unit */
function rank(unit) {
  if (Number.isNaN(unit)) return -1;
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/**
 * Returns the rows of which a cell contains a text, in upper or lower case.
 * @param {readonly Row[]} rows
 * @param {string} text
 */
export function filterRows(rows, text) {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return rows;
  return rows.filter((row) => row.some((cell) => cell?.toLowerCase().includes(wanted)));
}

/**
 * Returns the rows as spreadsheets paste them: cells separated by TAB. A cell with TAB, a line end or
 * a quote is quoted. Texts that a spreadsheet would take for formulas get an apostrophe.
 * @param {readonly Column[]} columns
 * @param {readonly Row[]} rows
 */
export function asTsv(columns, rows) {
  const names = columns.map(({ name }) => pasted(name));
  const lines = rows.map((row) => row.map((cell) => pasted(cell ?? "")));
  return [names, ...lines].map((cells) => `${cells.join("\t")}\n`).join("");
}

/** @param {string} text */
function pasted(text) {
  const safe = /^[=+\-@\t\r]/.test(text) && !parseDecimal(text) ? `'${text}` : text;
  return /[\t\r\n"]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
