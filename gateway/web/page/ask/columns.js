/** Columns of the file and of the result. */

import { ask as texts } from "../texts/ask.js";
import { ARITHMETIC, FUNCTION_OF } from "./functions.js";

/** @typedef {import("./types.js").Aggregate} Aggregate */
/** @typedef {import("./types.js").Column} Column */
/** @typedef {import("./types.js").ColumnView} ColumnView */
/** @typedef {import("./types.js").Question} Question */

/** Longer names are shortened in an inspection. */
const LONGEST_NAME = 100;

/**
 * A column of the file as a question names it.
 * @typedef {object} FileColumn
 * @property {Column} column by its name if that is clear, else by its position
 * @property {string} label
 * @property {ColumnView["type"]} type
 * @property {ColumnView} view
 */

/**
 * Returns the columns of a file, as a question names them.
 * @param {readonly ColumnView[]} views
 * @param {boolean} hasHeader a name declares that there is one
 * @returns {FileColumn[]}
 */
export function fileColumns(views, hasHeader) {
  const times = new Map();
  for (const { name } of views) times.set(name, (times.get(name) ?? 0) + 1);
  return views.map((view) => {
    const { name, position } = view;
    const clear =
      hasHeader &&
      name.trim() !== "" &&
      name.length <= LONGEST_NAME &&
      times.get(name) === 1 &&
      !name.includes("\ufffd");
    const label = name.trim() === "" ? `@${position}` : clear ? name : `${name} (@${position})`;
    return { column: clear ? name : position, label, type: view.type, view };
  });
}

/** The column that has the name of the file (docs/aggregation.md). */
export const FILE_COLUMN = "@file";

/**
 * Returns the columns of several files: those of one, and the name of the file, unless a column is
 * called so.
 * @param {readonly FileColumn[]} columns
 * @returns {readonly FileColumn[]}
 */
export function withFileColumn(columns) {
  if (findColumn(columns, FILE_COLUMN)) return columns;
  /** @type {ColumnView} */
  const view = { position: 0, name: FILE_COLUMN, type: "text", empty: 0, samples: [] };
  return [...columns, { column: FILE_COLUMN, label: texts.fileColumn, type: "text", view }];
}

/**
 * Returns the columns that only other files have, as a question about all of them names them: those
 * with a clear name.
 * @param {readonly FileColumn[]} columns of the file that is shown
 * @param {readonly ColumnView[]} views the columns of the other files
 * @returns {FileColumn[]}
 */
export function otherColumns(columns, views) {
  const known = new Set(columns.map(({ view }) => view.name));
  /** @type {FileColumn[]} */
  const found = [];
  for (const view of views) {
    const { name, type } = view;
    const clear = name.trim() !== "" && name.length <= LONGEST_NAME && !name.includes("\ufffd");
    if (!clear || known.has(name)) continue;
    known.add(name);
    // It has no position in this file.
    const label = texts.ofOtherFile(name);
    found.push({ column: name, label, type, view: { ...view, position: 0 } });
  }
  return found;
}

/**
 * Returns the name that a question has at the place of a field, as `aggregates[0].column`.
 * @param {import("./types.js").Aggregation} aggregation
 * @param {string} field
 * @returns {unknown} undefined if there is none
 */
export function nameAt(aggregation, field) {
  /** @type {any} */
  let value = aggregation;
  for (const key of field.match(/[^.[\]]+/g) ?? []) {
    if (key === "column" && typeof value === "string") return value; // a column without options
    value = value?.[key];
  }
  return value;
}

/**
 * Returns the column of the file that a question names; undefined if there is none.
 * @param {readonly FileColumn[]} columns
 * @param {unknown} column
 */
export function findColumn(columns, column) {
  return columns.find(
    (each) => each.column === column || each.view.position === column || each.view.name === column,
  );
}

/**
 * A column of the result.
 * @typedef {object} OutputColumn
 * @property {string} name
 * @property {string} kind `integer`, `number`, `date` or `text`
 * @property {"group" | "value"} of
 */

/**
 * Returns the columns of the result of a question.
 * @param {Question} question
 * @param {readonly FileColumn[]} columns
 * @returns {OutputColumn[]}
 */
export function outputColumns(question, columns) {
  /** @param {Column} column */
  const nameOf = (column) =>
    typeof column === "string" ? column : (columns[column - 1]?.view.name ?? `column${column}`);
  return [
    ...question.group_by.map((group) => ({
      name: group.name || nameOf(group.column),
      kind: "text",
      of: /** @type {const} */ ("group"),
    })),
    ...question.aggregates.map((each) => ({
      name: each.name || defaultName(each, nameOf),
      kind: kindOf(each),
      of: /** @type {const} */ ("value"),
    })),
  ];
}

/** @param {Aggregate} aggregate */
export function kindOf(aggregate) {
  const made = FUNCTION_OF.get(aggregate.function);
  return made?.gives ?? aggregate.type ?? made?.kinds[0] ?? "text";
}

/**
 * @param {Aggregate} aggregate
 * @param {(column: Column) => string} nameOf
 */
function defaultName(aggregate, nameOf) {
  if (aggregate.of) return `${aggregate.function}(${aggregate.of.join("/")})`;
  const word = aggregate.p === undefined ? aggregate.function : `p${aggregate.p}`;
  const { column } = aggregate;
  if (column === undefined || column === null) return word;
  if (typeof column !== "object") return `${word}(${nameOf(column)})`;
  const [operator, pair] = Object.entries(column)[0] ?? ["", []];
  const sign = Reflect.get(ARITHMETIC, operator) ?? operator;
  return `${word}(${pair.map(nameOf).join(sign)})`;
}
