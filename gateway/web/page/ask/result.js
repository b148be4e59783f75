/** How the result is sorted, cut and written. */

import { h } from "../core/element.js";
import { ask as texts } from "../texts/ask.js";
import { outputColumns } from "./columns.js";
import { addButton, checkBox, choice, idOf, labelled, removeButton, textBox } from "./controls.js";
import { OUTPUTS } from "./functions.js";
import { isCsv } from "./question.js";

/** @typedef {import("./context.js").Context} Context */
/** @typedef {import("./types.js").Order} Order */

/** @param {Context} context */
export function orderRows(context) {
  const { question } = context;
  const outputs = outputColumns(question, context.columns);
  return [
    ...question.order_by.map((order, index) => orderRow(context, order, index, outputs)),
    addButton("order_by.add", texts.order.add, () => {
      const taken = question.order_by.map(({ column }) => column);
      const free = outputs.filter(({ name }) => !taken.includes(name));
      const next = free.find(({ of }) => of === "value") ?? free[0] ?? outputs[0];
      context.edit(() => {
        question.order_by.push({ column: next?.name ?? "", descending: next?.of === "value" });
      }, `order_by[${question.order_by.length}].column`);
    }),
  ];
}

/**
 * @param {Context} context
 * @param {Order} order
 * @param {number} index
 * @param {readonly import("./columns.js").OutputColumn[]} outputs
 */
function orderRow(context, order, index, outputs) {
  const place = `order_by[${index}]`;
  const names = outputs.map(({ name }) => ({ value: name, label: name }));
  const known = outputs.some(({ name }) => name === order.column);
  const missing = { value: order.column, label: texts.notInResult(order.column) };
  return h(
    "div",
    { class: "ask-row", data: { place } },
    choice({
      place: `${place}.column`,
      label: texts.order.column(index + 1),
      value: order.column,
      choices: known ? names : [...names, missing],
      change: (value) =>
        context.edit(() => {
          order.column = value;
        }),
    }),
    choice({
      place: `${place}.descending`,
      label: texts.order.direction,
      value: order.descending ? "down" : "up",
      choices: [
        { value: "down", label: texts.order.down },
        { value: "up", label: texts.order.up },
      ],
      change: (value) =>
        context.edit(() => {
          order.descending = value === "down";
        }),
    }),
    removeButton(texts.order.remove(order.column), () =>
      context.edit(() => context.question.order_by.splice(index, 1), "order_by.add"),
    ),
  );
}

/** @param {Context} context */
export function outputRows(context) {
  const { question } = context;
  return [
    h(
      "div",
      { class: "ask-output" },
      labelled(
        texts.output.limit,
        textBox({
          place: "limit",
          label: texts.output.limit,
          value: question.limit === null ? "" : String(question.limit),
          placeholder: texts.output.allRows,
          mode: "numeric",
          kind: "ask-short-number",
          type: (value) =>
            context.type(() => {
              const text = value.replaceAll(/[\s,_]/g, "");
              // What is no number is sent as it is: the service says what it expects.
              if (text === "") question.limit = null;
              else
                question.limit = /^[0-9]+$/.test(text) ? Number(text) : /** @type {any} */ (value);
            }),
        }),
      ),
      labelled(
        texts.output.format,
        choice({
          place: "output",
          label: texts.output.format,
          value: question.output,
          choices: OUTPUTS.map((each) => ({
            value: each,
            label: texts.output.formats[each] ?? each,
          })),
          change: (value) =>
            context.edit(() => {
              question.output = value;
            }),
        }),
      ),
    ),
    h(
      "div",
      { class: "ask-checks", id: idOf("output_options") },
      isCsv(question.output) &&
        checkBox({
          place: "output_options.escape_formulas",
          label: texts.output.escape,
          value: question.escape_formulas,
          change: (value) =>
            context.edit(() => {
              question.escape_formulas = value;
            }),
        }),
      checkBox({
        place: "on_warning",
        label: texts.output.strict,
        value: question.strict,
        change: (value) =>
          context.edit(() => {
            question.strict = value;
          }),
      }),
    ),
  ];
}
