/** What the parts of a question work with. */

/** @typedef {import("./columns.js").FileColumn} FileColumn */
/** @typedef {import("./types.js").Column} Column */
/** @typedef {import("./types.js").Question} Question */

import { ask as texts } from "../texts/ask.js";
import { FILE_COLUMN, findColumn } from "./columns.js";

/**
 * @typedef {object} Context
 * @property {Question} question which the parts change
 * @property {readonly FileColumn[]} columns
 * @property {Set<string>} open places that are unfolded
 * @property {(change: () => void, instead?: string) => void} edit changes the question and draws it
 *   again; `instead` is the place to focus if the control is gone
 * @property {(change: () => void) => void} type changes the question while a person types
 */

/**
 * Returns the columns of the file to choose from.
 * @param {Context} context
 * @param {Column} [present] the column that is chosen, which the file may not have
 * @returns {import("./controls.js").Choice[]}
 */
export function columnChoices({ columns }, present) {
  const found = columns.map((each) => ({
    value: JSON.stringify(each.column),
    label: each.label,
  }));
  if (present !== undefined && !findColumn(columns, present)) {
    const name = typeof present === "number" ? `@${present}` : present;
    const label = present === FILE_COLUMN ? texts.fileColumn : texts.notInFile(name);
    found.push({ value: JSON.stringify(present), label });
  }
  return found;
}

/**
 * Returns the value of the choice of a column.
 * @param {Context} context
 * @param {Column | undefined} column
 */
export function columnValue({ columns }, column) {
  if (column === undefined) return "";
  const found = findColumn(columns, column);
  return JSON.stringify(found ? found.column : column);
}

/**
 * Returns the column of a choice.
 * @param {string} value
 * @returns {Column}
 */
export function columnOf(value) {
  return JSON.parse(value);
}

/**
 * Returns the column that is likeliest meant where a kind is expected.
 * @param {Context} context
 * @param {(column: FileColumn) => boolean} suits
 * @param {readonly unknown[]} [taken] columns that are used
 * @returns {Column}
 */
export function likelyColumn({ columns }, suits, taken = []) {
  const free = columns.filter((each) => !taken.includes(each.column));
  return (free.find(suits) ?? free[0] ?? columns[0])?.column ?? 1;
}

/** @param {FileColumn | undefined} column */
export function isNumeric(column) {
  return column?.type === "integer" || column?.type === "number";
}
