/** Conditions on records of the file, or on rows of the result. */

import { h } from "../core/element.js";
import { ask as texts } from "../texts/ask.js";
import { findColumn, outputColumns } from "./columns.js";
import { columnChoices, columnOf, columnValue, likelyColumn } from "./context.js";
import { addButton, choice, idOf, removeButton, textBox } from "./controls.js";
import { OPERATORS, TEXT_OPERATORS } from "./functions.js";
import { partsOf } from "./question.js";
import { kindOfCondition, newCondition, setKind, setOperator, setText, textsOf } from "./values.js";

/** @typedef {import("./context.js").Context} Context */
/** @typedef {import("./types.js").Condition} Condition */
/** @typedef {import("./types.js").Filter} Filter */

/** How deep a person may nest conditions here; the service allows more. */
const DEPTH = 3;
const KINDS = Object.freeze(["text", "number", "date"]);

/**
 * Where conditions are: on the file's columns, or on those of the result.
 * @typedef {object} Side
 * @property {import("./controls.js").Choice[]} choices
 * @property {(column: Condition["column"]) => string} kind of a column
 * @property {() => Condition["column"]} first
 * @property {boolean} result
 */

/**
 * Returns the side of the file.
 * @param {Context} context
 * @returns {Side}
 */
export function fileSide(context) {
  return {
    choices: columnChoices(context),
    kind: (column) => findColumn(context.columns, column)?.type ?? "text",
    first: () => likelyColumn(context, ({ type }) => type === "text"),
    result: false,
  };
}

/**
 * Returns the side of the result.
 * @param {Context} context
 * @returns {Side}
 */
export function resultSide({ question, columns }) {
  const outputs = outputColumns(question, columns);
  return {
    choices: outputs.map(({ name }) => ({ value: JSON.stringify(name), label: name })),
    kind: (column) => outputs.find(({ name }) => name === column)?.kind ?? "text",
    first: () => (outputs.find(({ of }) => of === "value") ?? outputs[0])?.name ?? "",
    result: true,
  };
}

/**
 * Returns the rows of a filter, which `set` replaces as a whole.
 * @param {Context} context
 * @param {object} about
 * @param {Side} about.side
 * @param {Filter | null} about.filter a junction, or null
 * @param {string} about.place
 * @param {string} about.label what is added
 * @param {(filter: Filter | null) => void} about.set
 */
export function filterRows(context, { side, filter, place, label, set }) {
  if (!filter) {
    return [
      addButton(`${place}.add`, label, () =>
        context.edit(
          () => set({ and: [newCondition(side.first(), side.kind(side.first()))] }),
          `${place}.and[0].column`,
        ),
      ),
    ];
  }
  return [junction(context, side, filter, place, 1, () => set(null))];
}

/**
 * @param {Context} context
 * @param {Side} side
 * @param {Filter} filter
 * @param {string} place
 * @param {number} depth
 * @param {() => void} drop
 * @returns {HTMLElement}
 */
function junction(context, side, filter, place, depth, drop) {
  const parts = partsOf(filter) ?? [];
  const word = "and" in filter ? "and" : "or";
  const path = `${place}.${word}`;
  const many = parts.length > 1;
  return h(
    "div",
    { class: "ask-junction", role: "group", "aria-label": texts.filters.group, data: { place } },
    many &&
      choice({
        place: `${place}.word`,
        label: texts.filters.word,
        value: word,
        choices: [
          { value: "and", label: texts.filters.all },
          { value: "or", label: texts.filters.any },
        ],
        change: (value) => context.edit(() => turn(filter, value)),
        kind: "ask-word",
      }),
    parts.map((part, index) => {
      const remove = () => {
        parts.splice(index, 1);
        if (parts.length === 0) drop();
      };
      const at = `${path}[${index}]`;
      return row(context, side, part, { place: at, depth, remove, after: `${place}.add` });
    }),
    h(
      "div",
      { class: "ask-adds" },
      addButton(`${place}.add`, texts.filters.add, () =>
        context.edit(() => {
          parts.push(newCondition(side.first(), side.kind(side.first())));
        }, `${path}[${parts.length}].column`),
      ),
      depth < DEPTH &&
        addButton(`${place}.nest`, texts.filters.nest, () =>
          context.edit(
            () => {
              const inner = newCondition(side.first(), side.kind(side.first()));
              parts.push(word === "and" ? { or: [inner] } : { and: [inner] });
            },
            `${path}[${parts.length}].${word === "and" ? "or" : "and"}[0].column`,
          ),
        ),
    ),
  );
}

/**
 * Returns a condition, a junction, or what is not to hold. Another one is negated by its command or its
 * URL; here it is shown, edited and removed.
 * @param {Context} context
 * @param {Side} side
 * @param {Filter} filter
 * @param {object} about
 * @param {string} about.place
 * @param {number} about.depth
 * @param {() => void} about.remove
 * @param {string} about.after what has the focus after the removal
 * @returns {HTMLElement}
 */
function row(context, side, filter, { place, depth, remove, after }) {
  if ("not" in filter) {
    return h(
      "div",
      {
        class: "ask-junction",
        role: "group",
        "aria-label": texts.filters.negated,
        data: { place },
      },
      h("span", { class: "label" }, texts.filters.negated),
      row(context, side, filter.not, { place: `${place}.not`, depth, remove, after }),
    );
  }
  return partsOf(filter)
    ? junction(context, side, filter, place, depth + 1, remove)
    : condition(context, side, /** @type {Condition} */ (filter), place, () =>
        context.edit(remove, after),
      );
}

/**
 * @param {Filter} filter
 * @param {string} word
 */
function turn(filter, word) {
  /** @type {{and?: Filter[], or?: Filter[]}} */
  const junction = /** @type {any} */ (filter);
  const parts = junction.and ?? junction.or ?? [];
  delete junction.and;
  delete junction.or;
  junction[word === "or" ? "or" : "and"] = parts;
}

/**
 * @param {Context} context
 * @param {Side} side
 * @param {Condition} condition
 * @param {string} place
 * @param {() => void} remove
 */
function condition(context, side, condition, place, remove) {
  const { edit } = context;
  const value = side.result
    ? JSON.stringify(condition.column)
    : columnValue(context, condition.column);
  const known = side.choices.some((each) => each.value === value);
  const missing = { value, label: texts.notInFile(String(condition.column)) };
  const kind = kindOfCondition(condition);
  const operators = OPERATORS.filter((op) => kind === "text" || !TEXT_OPERATORS.includes(op));
  return h(
    "div",
    { class: "ask-row", data: { place } },
    choice({
      place: `${place}.column`,
      label: texts.filters.column,
      value,
      choices: known ? side.choices : [...side.choices, missing],
      change: (chosen) =>
        edit(() => {
          condition.column = columnOf(chosen);
          setKind(condition, side.kind(condition.column));
        }),
    }),
    choice({
      place: `${place}.op`,
      label: texts.filters.operator,
      value: condition.op,
      choices: operators.map((op) => ({ value: op, label: operatorLabel(op, kind) })),
      change: (op) => edit(() => setOperator(condition, op)),
    }),
    condition.op !== "is_empty" && valueBox(context, condition, place),
    condition.op !== "is_empty" &&
      choice({
        place: `${place}.type`,
        label: texts.filters.kind,
        value: kind,
        choices: [...KINDS, ...(KINDS.includes(kind) ? [] : [kind])].map((each) => ({
          value: each,
          label: texts.filters.kinds[each] ?? each,
        })),
        change: (chosen) => edit(() => setKind(condition, chosen)),
        kind: "ask-kind",
      }),
    removeButton(texts.filters.remove, remove),
  );
}

/**
 * @param {string} op
 * @param {string} kind
 */
function operatorLabel(op, kind) {
  return (kind === "date" && texts.filters.ofDates[op]) || texts.filters.operators[op] || op;
}

/**
 * @param {Context} context
 * @param {Condition} condition
 * @param {string} place
 */
function valueBox(context, condition, place) {
  const kind = kindOfCondition(condition);
  const values = textsOf(condition);
  if (condition.op === "in") {
    const area = h("textarea", {
      id: idOf(`${place}.value`),
      "aria-label": texts.filters.values,
      placeholder: texts.filters.values,
      rows: Math.min(6, Math.max(2, values.length + 1)),
      spellcheck: "false",
      ".value": values.join("\n"),
      oninput: () => {
        const lines = area.value.split("\n");
        context.type(() => setText(condition, lines.length > 1 ? lines.filter(Boolean) : lines));
      },
    });
    return area;
  }
  return textBox({
    place: `${place}.value`,
    label: texts.filters.value,
    value: values[0] ?? "",
    placeholder: texts.filters.placeholders[kind] ?? "",
    mode: kind === "number" || kind === "integer" ? "decimal" : "text",
    kind: "ask-value",
    type: (text) => context.type(() => setText(condition, [text])),
  });
}
