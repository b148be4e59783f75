/**
 * The values that the modules of this folder share. A cell is the text that the result has, with all
 * digits; null is a missing value.
 *
 * @typedef {string | null} Cell
 * @typedef {readonly Cell[]} Row
 *
 * @typedef {object} Column
 * @property {string} name
 * @property {"text" | "integer" | "number" | "date"} type
 * @property {string | null} function what computed it; null for a group column
 * @property {string | null} truncate the part of a date by which a group column groups
 *
 * @typedef {object} Preview
 * @property {readonly Column[]} columns
 * @property {readonly Row[]} rows
 * @property {boolean} truncated whether the result has more rows
 * @property {number} total the number of all rows of the result
 *
 * @typedef {object} Order
 * @property {number} column its position, from 0
 * @property {boolean} descending
 */

export {};
