/** The controls of a question. Each has the place of its value as id, where errors are shown. */

import { h } from "../core/element.js";
import { ask as texts } from "../texts/ask.js";

/** @typedef {import("../core/element.js").Child} Child */

/**
 * A value to choose.
 * @typedef {object} Choice
 * @property {string} value
 * @property {string} label
 * @property {string} [group]
 */

/**
 * Returns the id of the control of a place.
 * @param {string} place as `aggregates[0].column`
 */
export function idOf(place) {
  return `ask-${place}`;
}

/**
 * @param {object} about
 * @param {string} about.place
 * @param {string} about.label
 * @param {string} about.value
 * @param {readonly Choice[]} about.choices
 * @param {(value: string) => void} about.change
 * @param {string} [about.kind] a class
 */
export function choice({ place, label, value, choices, change, kind = "" }) {
  /** @type {Map<string, HTMLOptGroupElement>} */
  const groups = new Map();
  /** @type {Child[]} */
  const children = [];
  for (const each of choices) {
    const option = h("option", { value: each.value }, each.label);
    if (!each.group) {
      children.push(option);
      continue;
    }
    let group = groups.get(each.group);
    if (!group) {
      group = h("optgroup", { label: each.group });
      groups.set(each.group, group);
      children.push(group);
    }
    group.append(option);
  }
  const select = h(
    "select",
    {
      id: idOf(place),
      class: kind,
      "aria-label": label,
      onchange: () => change(select.value),
    },
    children,
  );
  select.value = value;
  return select;
}

/**
 * @param {object} about
 * @param {string} about.place
 * @param {string} about.label
 * @param {string} about.value
 * @param {(value: string) => void} about.type called while a person types
 * @param {string} [about.placeholder]
 * @param {string} [about.mode] the `inputmode`
 * @param {string} [about.kind] a class
 * @param {string} [about.list] the id of a `datalist`
 */
export function textBox({ place, label, value, type, placeholder, mode, kind = "", list }) {
  const input = h("input", {
    type: "text",
    id: idOf(place),
    class: kind,
    "aria-label": label,
    ".value": value,
    placeholder,
    inputmode: mode,
    list,
    autocomplete: "off",
    spellcheck: "false",
    oninput: () => type(input.value),
  });
  return input;
}

/**
 * @param {object} about
 * @param {string} about.place
 * @param {string} about.label
 * @param {boolean} about.value
 * @param {(value: boolean) => void} about.change
 */
export function checkBox({ place, label, value, change }) {
  const input = h("input", {
    type: "checkbox",
    id: idOf(place),
    ".checked": value,
    onchange: () => change(input.checked),
  });
  return h("label", { class: "check" }, input, label);
}

/**
 * Returns a button that takes something away.
 * @param {string} label what is taken away, in words
 * @param {() => void} run
 */
export function removeButton(label, run) {
  return h(
    "button",
    { type: "button", class: "quiet ask-remove", "aria-label": label, title: label, onclick: run },
    "×",
  );
}

/**
 * Returns a button that adds something.
 * @param {string} place by which it is focused
 * @param {string} label
 * @param {() => void} run
 */
export function addButton(place, label, run) {
  return h(
    "button",
    { type: "button", class: "small quiet ask-add", id: idOf(place), onclick: run },
    `+ ${label}`,
  );
}

/**
 * Returns a control below its label.
 * @param {string} label
 * @param {HTMLElement} control with an id
 * @param {string} [hint]
 */
export function labelled(label, control, hint) {
  control.removeAttribute("aria-label");
  return h(
    "div",
    { class: "ask-labelled" },
    h("label", { for: control.id }, label),
    control,
    hint && h("p", { class: "hint" }, hint),
  );
}

/**
 * Returns what is seldom needed, folded up unless it is in `open`.
 * @param {string} place
 * @param {Set<string>} open the places that are unfolded
 * @param {string} label
 * @param {readonly Child[]} children
 */
export function more(place, open, label, children) {
  const details = h(
    "details",
    {
      class: "ask-more",
      open: open.has(place),
      ontoggle: () => {
        if (details.open) open.add(place);
        else open.delete(place);
      },
    },
    h(
      "summary",
      { id: idOf(`${place}.more`), "aria-label": `${texts.more}: ${label}` },
      texts.more,
    ),
    h("div", { class: "ask-more-body" }, children),
  );
  return details;
}
