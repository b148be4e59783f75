/** How the file is written: what was found out, and fields to correct it. */

import { h } from "../core/element.js";
import { dialect } from "../texts/dialect.js";
import { checkBox, choice, idOf, textBox } from "./controls.js";
import { declare, declared, enteredValue, fieldsOf } from "./dialect_fields.js";

/** @typedef {import("./dialect_fields.js").Field} Field */
/** @typedef {import("./types.js").Input} Input */

const AUTO = "\u0000auto";
const OTHER = "\u0000other";

/**
 * @typedef {object} DialectContext
 * @property {Input} input what a person has declared, which is changed
 * @property {Input | null} found what the service has found out
 * @property {readonly string[] | null} sheets the names of those of a workbook
 * @property {Set<string>} open places that are unfolded
 * @property {() => void} changed called after each change
 * @property {() => void} redraw called when other fields are to be shown
 */

/**
 * Returns the fields; `{main, rest}` are those that are always shown, and the others.
 * @param {DialectContext} context
 */
export function dialectFields(context) {
  const made = fieldsOf(context.sheets).map((field) => ({
    field,
    element: fieldOf(context, field),
  }));
  return {
    main: made.filter(({ field }) => field.main).map(({ element }) => element),
    rest: made.filter(({ field }) => !field.main).map(({ element }) => element),
  };
}

/**
 * Returns how many fields that are not always shown are declared.
 * @param {Input} input
 * @param {readonly string[] | null} sheets the names of those of a workbook
 */
export function restDeclared(input, sheets) {
  return fieldsOf(sheets).filter(({ key, main }) => !main && declared(input, key) !== undefined)
    .length;
}

/**
 * @param {DialectContext} context
 * @param {Field} field
 */
function fieldOf(context, field) {
  const place = `input.${field.key}`;
  const label = dialect.labels[field.key] ?? field.key;
  const isDeclared = declared(context.input, field.key) !== undefined;
  const mark = isDeclared && h("span", { class: "ask-changed" }, dialect.changed);
  if (field.kind === "check") {
    const box = checkBox({
      place,
      label,
      value: isDeclared && declared(context.input, field.key) === (field.on ?? true),
      change: (value) => {
        declare(context.input, field.key, value ? (field.on ?? true) : undefined);
        context.changed();
      },
    });
    return h("div", { class: "ask-dialect-field ask-dialect-check", data: { place } }, box);
  }
  const control = field.kind === "choice" ? choiceOf(context, field) : textOf(context, field);
  return h(
    "div",
    { class: "ask-dialect-field", data: { place } },
    h("label", { for: idOf(place) }, label, mark),
    control,
  );
}

/**
 * @param {DialectContext} context
 * @param {Field} field
 */
function choiceOf({ input, found, changed, open, redraw }, field) {
  const { key, values = [] } = field;
  const place = `input.${key}`;
  const words = dialect.values[key] ?? {};
  const value = declared(input, key);
  const known = values.includes(String(value));
  const isOther = key === "delimiter" && (open.has(OTHER) || (value !== undefined && !known));
  const foundValue = found && declared(found, key);
  const undecided = field.found && found && foundValue === null;
  const automatic = field.found
    ? undecided
      ? dialect.undecided
      : dialect.found(
          foundValue === undefined || foundValue === null ? "" : word(words, String(foundValue)),
        )
    : word(words, values[0] ?? "");
  const rest = [
    ...(field.found ? values : values.slice(1)),
    ...(value === undefined || known || isOther ? [] : [String(value)]),
  ];
  const select = choice({
    place: isOther ? `${place}.kind` : place,
    label: dialect.labels[key] ?? key,
    value: isOther ? OTHER : value === undefined ? AUTO : String(value),
    choices: [
      { value: AUTO, label: automatic },
      ...rest.map((each) => ({ value: each, label: word(words, each) })),
      ...(key === "delimiter" ? [{ value: OTHER, label: dialect.other }] : []),
    ],
    change: (chosen) => {
      open.delete(OTHER);
      if (chosen === OTHER) {
        open.add(OTHER);
        redraw();
        document.getElementById(idOf(place))?.focus();
        return;
      }
      const given = chosen === AUTO ? undefined : key === "header" ? chosen === "true" : chosen;
      declare(input, key, given);
      changed();
    },
  });
  if (undecided) select.setAttribute("aria-invalid", "true");
  if (!isOther) return select;
  const box = textBox({
    place,
    label: dialect.character,
    value: typeof value === "string" ? value : "",
    placeholder: dialect.character,
    kind: "ask-short",
    type: (text) => {
      declare(input, key, text === "" ? undefined : text);
      changed();
    },
  });
  return h("span", { class: "ask-pair" }, select, box);
}

/**
 * @param {{[value: string]: string}} words
 * @param {string} value
 */
function word(words, value) {
  return words[value] ?? value;
}

/**
 * @param {DialectContext} context
 * @param {Field} field
 */
function textOf({ input, changed }, field) {
  const value = declared(input, field.key);
  const shown = Array.isArray(value) ? value.join(", ") : value === undefined ? "" : String(value);
  return textBox({
    place: `input.${field.key}`,
    label: dialect.labels[field.key] ?? field.key,
    value: shown,
    placeholder: dialect.placeholders[field.key] ?? "",
    mode: field.kind === "lines" ? "numeric" : "text",
    type: (text) => {
      declare(input, field.key, enteredValue(field, text));
      changed();
    },
  });
}
