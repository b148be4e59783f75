/** What is computed for each group. */

import { h } from "../core/element.js";
import { ask as texts } from "../texts/ask.js";
import { findColumn, outputColumns } from "./columns.js";
import { columnChoices, columnOf, columnValue, isNumeric, likelyColumn } from "./context.js";
import {
  addButton,
  checkBox,
  choice,
  idOf,
  labelled,
  more,
  removeButton,
  textBox,
} from "./controls.js";
import { fileSide, filterRows } from "./filters.js";
import { ARITHMETIC, DEFAULT_SEPARATOR, FUNCTION_OF, FUNCTIONS } from "./functions.js";
import { given } from "./groups.js";
import { partsOf } from "./question.js";
import { newCondition } from "./values.js";

/** @typedef {import("./context.js").Context} Context */
/** @typedef {import("./types.js").Aggregate} Aggregate */
/** @typedef {import("./types.js").Column} Column */

/** The choices that are no column of the file. */
const ROWS = "rows";
const PAIR = "pair";

/** @param {Context} context */
export function aggregateRows(context) {
  const { question, columns } = context;
  const taken = question.aggregates.map(({ column }) => column);
  return [
    ...question.aggregates.map((each, index) => aggregateRow(context, each, index)),
    h(
      "div",
      { class: "ask-adds" },
      addButton("aggregates.add", texts.aggregates.add, () =>
        context.edit(() => {
          const column = likelyColumn(context, isNumeric, taken);
          const numeric = isNumeric(findColumn(columns, column));
          question.aggregates.push(numeric ? { function: "sum", column } : { function: "count" });
        }, `aggregates[${question.aggregates.length}].function`),
      ),
      !question.aggregates.some(isCount) &&
        addButton("aggregates.count", texts.aggregates.addCount, () =>
          context.edit(() => {
            question.aggregates.push({ function: "count" });
          }, `aggregates[${question.aggregates.length}].function`),
        ),
    ),
  ];
}

/** @param {Aggregate} aggregate */
function isCount(aggregate) {
  return aggregate.function === "count" && aggregate.column === undefined;
}

/**
 * @param {Context} context
 * @param {Aggregate} aggregate
 * @param {number} index
 */
function aggregateRow(context, aggregate, index) {
  const { question, edit } = context;
  const place = `aggregates[${index}]`;
  const made = FUNCTION_OF.get(aggregate.function);
  const [own] = outputColumns(
    { ...question, group_by: [], aggregates: [aggregate] },
    context.columns,
  );
  const name = own?.name ?? aggregate.function;
  return h(
    "div",
    { class: "ask-row", data: { place } },
    choice({
      place: `${place}.function`,
      label: texts.aggregates.function(index + 1),
      value: aggregate.function,
      choices: FUNCTIONS.map((each) => ({
        value: each.name,
        label: texts.aggregates.functions[each.name] ?? each.name,
      })),
      change: (value) => edit(() => setFunction(context, aggregate, value)),
    }),
    made?.column !== "never" && columnPart(context, aggregate, place),
    made?.parameter === "p" && percentage(context, aggregate, place),
    made?.parameter === "of" && quotient(context, aggregate, place),
    more(place, context.open, name, options(context, aggregate, place, name)),
    removeButton(texts.aggregates.remove(name), () =>
      edit(() => question.aggregates.splice(index, 1), "aggregates.add"),
    ),
    (made?.needsWhere || aggregate.where) && conditions(context, aggregate, place),
  );
}

/**
 * @param {Context} context
 * @param {Aggregate} aggregate
 * @param {string} place
 */
function columnPart(context, aggregate, place) {
  const made = FUNCTION_OF.get(aggregate.function);
  const { column } = aggregate;
  const pair = typeof column === "object" ? Object.entries(column)[0] : undefined;
  const numeric = made?.kinds.includes("number") && made.name !== "mode";
  const plain = typeof column === "object" ? undefined : column;
  /** @param {string} value */
  const choose = (value) => {
    if (value === ROWS) delete aggregate.column;
    else if (value === PAIR) aggregate.column = { multiply: firstPair(context, plain) };
    else aggregate.column = columnOf(value);
    setType(context, aggregate);
  };
  return [
    h("span", { class: "ask-joint" }, texts.aggregates.of),
    choice({
      place: `${place}.column`,
      label: texts.aggregates.column(texts.aggregates.functions[aggregate.function] ?? ""),
      value: pair ? PAIR : column === undefined ? ROWS : columnValue(context, plain),
      choices: [
        ...(made?.column === "maybe" ? [{ value: ROWS, label: texts.aggregates.rows }] : []),
        ...columnChoices(context, plain),
        ...(numeric || pair ? [{ value: PAIR, label: texts.aggregates.pair }] : []),
      ],
      change: (value) => context.edit(() => choose(value)),
    }),
    pair && arithmetic(context, aggregate, place, pair),
  ];
}

/**
 * @param {Context} context
 * @param {Column | undefined} first
 * @returns {Column[]}
 */
function firstPair(context, first) {
  const left = first ?? likelyColumn(context, isNumeric);
  return [left, likelyColumn(context, isNumeric, [left])];
}

/**
 * @param {Context} context
 * @param {Aggregate} aggregate
 * @param {string} place
 * @param {[string, Column[]]} pair
 */
function arithmetic(context, aggregate, place, [operator, columns]) {
  const at = `${place}.column.${operator}`;
  /** @param {number} index */
  const side = (index) =>
    choice({
      place: `${at}[${index}]`,
      label: index === 0 ? texts.aggregates.left : texts.aggregates.right,
      value: columnValue(context, columns[index]),
      choices: columnChoices(context, columns[index]),
      change: (value) =>
        context.edit(() => {
          columns[index] = columnOf(value);
        }),
    });
  return [
    side(0),
    choice({
      place: at,
      label: texts.aggregates.operator,
      value: operator,
      choices: Object.keys(ARITHMETIC).map((each) => ({
        value: each,
        label: texts.aggregates.operators[each] ?? each,
      })),
      change: (value) =>
        context.edit(() => {
          aggregate.column = { [value]: columns };
        }),
      kind: "ask-sign",
    }),
    side(1),
  ];
}

/**
 * @param {Context} context
 * @param {Aggregate} aggregate
 * @param {string} place
 */
function percentage(context, aggregate, place) {
  return h(
    "span",
    { class: "ask-pair" },
    h("label", { for: idOf(`${place}.p`) }, texts.aggregates.p),
    textBox({
      place: `${place}.p`,
      label: texts.aggregates.p,
      value: String(aggregate.p ?? ""),
      mode: "decimal",
      kind: "ask-short",
      type: (value) =>
        context.type(() => {
          const number = Number(value);
          // What is no number is sent as it is: the service says what it expects.
          aggregate.p =
            value.trim() && Number.isFinite(number) ? number : /** @type {any} */ (value);
        }),
    }),
  );
}

/**
 * @param {Context} context
 * @param {Aggregate} aggregate
 * @param {string} place
 */
function quotient(context, aggregate, place) {
  const outputs = outputColumns(context.question, context.columns);
  const of = aggregate.of ?? ["", ""];
  const own = context.question.aggregates.indexOf(aggregate) + context.question.group_by.length;
  const names = outputs.filter((each, index) => index !== own && each.of === "value");
  /** @param {number} index */
  const side = (index) => {
    const present = of[index] ?? "";
    const known = names.some(({ name }) => name === present);
    return choice({
      place: `${place}.of[${index}]`,
      label: index === 0 ? texts.aggregates.dividend : texts.aggregates.divisor,
      value: present,
      choices: [
        ...names.map(({ name }) => ({ value: name, label: name })),
        ...(known ? [] : [{ value: present, label: present || texts.aggregates.choose }]),
      ],
      change: (value) =>
        context.edit(() => {
          of[index] = value;
          aggregate.of = of;
        }),
    });
  };
  return [side(0), h("span", { class: "ask-joint" }, "÷"), side(1)];
}

/**
 * @param {Context} context
 * @param {Aggregate} aggregate
 * @param {string} place
 * @param {string} name
 */
function options(context, aggregate, place, name) {
  const made = FUNCTION_OF.get(aggregate.function);
  const hasColumn = aggregate.column !== undefined;
  return [
    labelled(
      texts.name,
      textBox({
        place: `${place}.name`,
        label: texts.name,
        value: aggregate.name ?? "",
        placeholder: name,
        type: (value) => context.type(() => given(aggregate, "name", value)),
      }),
    ),
    hasColumn &&
      (made?.kinds.length ?? 0) > 1 &&
      labelled(
        texts.aggregates.type,
        choice({
          place: `${place}.type`,
          label: texts.aggregates.type,
          value: aggregate.type ?? made?.kinds[0] ?? "",
          choices: (made?.kinds ?? []).map((each) => ({
            value: each,
            label: texts.kinds[each] ?? each,
          })),
          change: (value) =>
            context.edit(() => given(aggregate, "type", value === made?.kinds[0] ? "" : value)),
        }),
      ),
    made?.parameter === "separator" &&
      labelled(
        texts.aggregates.separator,
        textBox({
          place: `${place}.separator`,
          label: texts.aggregates.separator,
          value: aggregate.separator ?? DEFAULT_SEPARATOR,
          type: (value) =>
            context.type(() => {
              if (value === DEFAULT_SEPARATOR) delete aggregate.separator;
              else aggregate.separator = value;
            }),
        }),
      ),
    hasColumn &&
      checkBox({
        place: `${place}.empty`,
        label: texts.aggregates.empty,
        value: aggregate.empty === "fail",
        change: (value) => context.edit(() => given(aggregate, "empty", value ? "fail" : "")),
      }),
    made?.column !== "never" &&
      !made?.needsWhere &&
      checkBox({
        place: `${place}.some`,
        label: texts.aggregates.some,
        value: aggregate.where !== undefined,
        change: (value) =>
          context.edit(() => {
            if (value) aggregate.where = firstWhere(context);
            else delete aggregate.where;
          }),
      }),
  ];
}

/**
 * @param {Context} context
 * @param {Aggregate} aggregate
 * @param {string} place
 */
function conditions(context, aggregate, place) {
  const filter = aggregate.where ?? null;
  return h(
    "div",
    { class: "ask-own", data: { place: `${place}.where` } },
    h("span", { class: "label" }, texts.aggregates.where),
    filterRows(context, {
      side: fileSide(context),
      filter: filter && (partsOf(filter) ? filter : { and: [filter] }),
      place: `${place}.where`,
      label: texts.filters.add,
      set: (value) => {
        if (value) aggregate.where = value;
        else delete aggregate.where;
      },
    }),
  );
}

/** @param {Context} context */
function firstWhere(context) {
  const side = fileSide(context);
  return { and: [newCondition(side.first(), side.kind(side.first()))] };
}

/**
 * @param {Context} context
 * @param {Aggregate} aggregate
 * @param {string} name
 */
function setFunction(context, aggregate, name) {
  const made = FUNCTION_OF.get(name);
  if (!made) return;
  const { columns, question } = context;
  aggregate.function = name;
  for (const key of /** @type {const} */ (["p", "separator", "of", "type"])) delete aggregate[key];
  if (made.parameter === "p") aggregate.p = 95;
  if (made.column === "never") {
    const others = outputColumns(question, columns).filter(({ of }) => of === "value");
    const own = question.aggregates.indexOf(aggregate);
    const names = others.filter((_, index) => index !== own).map((each) => each.name);
    aggregate.of = [names[0] ?? "", names[1] ?? names[0] ?? ""];
    delete aggregate.column;
    delete aggregate.where;
    delete aggregate.empty;
    return;
  }
  const reads = made.kinds;
  const suits = reads[0] === "text" ? () => true : isNumeric;
  const present =
    typeof aggregate.column === "object" ? undefined : findColumn(columns, aggregate.column);
  if (typeof aggregate.column === "object" && !reads.includes("integer")) delete aggregate.column;
  if (made.column === "always" && aggregate.column === undefined) {
    aggregate.column = likelyColumn(context, suits);
  } else if (present && !suits(present) && !reads.includes("text")) {
    aggregate.column = likelyColumn(context, suits);
  }
  if (made.column === "maybe" && name === "count") delete aggregate.column;
  if (aggregate.column === undefined) delete aggregate.empty;
  if (made.needsWhere && !aggregate.where) aggregate.where = firstWhere(context);
  setType(context, aggregate);
}

/**
 * Reads dates as dates and texts as texts, if the function can.
 * @param {Context} context
 * @param {Aggregate} aggregate
 */
function setType({ columns }, aggregate) {
  delete aggregate.type;
  const made = FUNCTION_OF.get(aggregate.function);
  const type = findColumn(columns, aggregate.column)?.type;
  if (made?.kinds[0] !== "number" || aggregate.column === undefined) return;
  if ((type === "date" || type === "text") && made.kinds.includes(type)) aggregate.type = type;
}
