/** By what the records are grouped. */

import { h } from "../core/element.js";
import { ask as texts } from "../texts/ask.js";
import { findColumn } from "./columns.js";
import { columnChoices, columnOf, columnValue, likelyColumn } from "./context.js";
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
import { CASES, PARTS, TRUNCATIONS } from "./functions.js";

/** @typedef {import("./context.js").Context} Context */
/** @typedef {import("./types.js").Group} Group */

/** @param {Context} context */
export function groupRows(context) {
  const { question } = context;
  return [
    ...question.group_by.map((group, index) => groupRow(context, group, index)),
    addButton("group_by.add", texts.groups.add, () => {
      const taken = question.group_by.map(({ column }) => column);
      const column = likelyColumn(context, ({ type }) => type === "text", taken);
      const found = findColumn(context.columns, column);
      context.edit(() => {
        question.group_by.push({
          column,
          ...(found?.type === "date" ? { truncate: "month" } : {}),
        });
      }, `group_by[${question.group_by.length}].column`);
    }),
  ];
}

/**
 * @param {Context} context
 * @param {Group} group
 * @param {number} index
 */
function groupRow(context, group, index) {
  const { question, columns, edit } = context;
  const place = `group_by[${index}]`;
  const column = findColumn(columns, group.column);
  const name = column?.label ?? String(group.column);
  return h(
    "div",
    { class: "ask-row", data: { place } },
    choice({
      place: `${place}.column`,
      label: texts.groups.column(index + 1),
      value: columnValue(context, group.column),
      choices: columnChoices(context, group.column),
      change: (value) =>
        edit(() => {
          group.column = columnOf(value);
          const dated = findColumn(columns, group.column)?.type === "date";
          if (!dated) setHow(group, "");
          else if (howOf(group) === "") setHow(group, "truncate:month");
        }),
    }),
    choice({
      place: `${place}.how`,
      label: texts.groups.how(name),
      value: howOf(group),
      choices: hows(column?.type),
      change: (value) => edit(() => setHow(group, value)),
    }),
    how(context, group, place),
    more(place, context.open, name, [
      labelled(
        texts.name,
        textBox({
          place: `${place}.name`,
          label: texts.name,
          value: group.name ?? "",
          placeholder: column?.view.name ?? "",
          type: (value) => context.type(() => given(group, "name", value)),
        }),
      ),
      checkBox({
        place: `${place}.trim`,
        label: texts.groups.trim,
        value: group.trim === true,
        change: (value) => edit(() => given(group, "trim", value)),
      }),
      checkBox({
        place: `${place}.normalize`,
        label: texts.groups.normalize,
        value: group.normalize === "nfc",
        change: (value) => edit(() => given(group, "normalize", value ? "nfc" : "")),
      }),
    ]),
    removeButton(texts.groups.remove(name), () =>
      edit(() => question.group_by.splice(index, 1), "group_by.add"),
    ),
  );
}

/** @param {string | undefined} type */
function hows(type) {
  const { hows: words } = texts.groups;
  const dates = [
    ...TRUNCATIONS.map((each) => ({
      value: `truncate:${each}`,
      label: words.truncate[each] ?? each,
      group: words.dates,
    })),
    ...PARTS.map((each) => ({
      value: `part:${each}`,
      label: words.part[each] ?? each,
      group: words.parts,
    })),
  ];
  const others = [
    ...CASES.map((each) => ({
      value: `case:${each}`,
      label: words.case[each] ?? each,
      group: words.texts,
    })),
    { value: "substring", label: words.substring, group: words.texts },
    { value: "match", label: words.match, group: words.texts },
  ];
  const plain = { value: "", label: words.plain };
  return type === "date" ? [plain, ...dates, ...others] : [plain, ...others, ...dates];
}

/** @param {Group} group */
function howOf(group) {
  if (group.truncate) return `truncate:${group.truncate}`;
  if (group.part) return `part:${group.part}`;
  if (group.substring) return "substring";
  if (group.match !== undefined) return "match";
  return group.case ? `case:${group.case}` : "";
}

/**
 * @param {Group} group
 * @param {string} how
 */
function setHow(group, how) {
  for (const key of /** @type {const} */ (["truncate", "part", "case", "substring", "match"])) {
    delete group[key];
  }
  const [key = "", value = ""] = how.split(":");
  if (key === "substring") group.substring = [1, 2];
  else if (key === "match") group.match = "^(.+)$";
  else if (key === "truncate" || key === "part" || key === "case") group[key] = value;
  if (key !== "" && key !== "case") delete group.normalize;
}

/**
 * Returns the fields of a way that has some.
 * @param {Context} context
 * @param {Group} group
 * @param {string} place
 */
function how(context, group, place) {
  if (group.match !== undefined) {
    return textBox({
      place: `${place}.match`,
      label: texts.groups.pattern,
      value: group.match,
      kind: "mono",
      type: (value) =>
        context.type(() => {
          group.match = value;
        }),
    });
  }
  const { substring } = group;
  if (!substring) return null;
  const labels = [texts.groups.from, texts.groups.characters];
  return h(
    "span",
    { class: "ask-pair", id: idOf(`${place}.substring`) },
    labels.map((label, index) => [
      h("label", { for: idOf(`${place}.substring[${index}]`) }, label),
      textBox({
        place: `${place}.substring[${index}]`,
        label,
        value: String(substring[index] ?? ""),
        mode: "numeric",
        kind: "ask-short",
        type: (value) =>
          context.type(() => {
            substring[index] = Number(value) || 0;
          }),
      }),
    ]),
  );
}

/**
 * Sets a value, or removes it if it says nothing.
 * @param {{[key: string]: any}} object
 * @param {string} key
 * @param {unknown} value
 */
export function given(object, key, value) {
  if (value === "" || value === false || value === undefined) delete object[key];
  else object[key] = value;
}
