/** Which jobs the list shows: their states, and a part of their name. Both are in the URL. */

import { h } from "../core/element.js";
import { jobs as texts } from "../texts/jobs.js";

/**
 * @typedef {object} Filter
 * @property {keyof typeof STATES} state
 * @property {string} name
 */

/** The states behind each choice. */
export const STATES = {
  all: /** @type {string[]} */ ([]),
  running: ["PENDING", "STARTED", "RETRY"],
  done: ["SUCCESS"],
  failed: ["FAILURE"],
  cancelled: ["REVOKED"],
};

/** Milliseconds after the last key before the list is asked for. */
const TYPING = 250;
const LONGEST = 500;

/**
 * Reads a filter from the query of a place.
 * @param {URLSearchParams} query
 * @returns {Filter}
 */
export function filterOf(query) {
  const state = query.get("state") ?? "all";
  return {
    state: state in STATES ? /** @type {keyof typeof STATES} */ (state) : "all",
    name: (query.get("name") ?? "").slice(0, LONGEST),
  };
}

/**
 * Returns the query of a place that shows a filter.
 * @param {Filter} filter
 * @returns {Record<string, string>}
 */
export function queryOf({ state, name }) {
  return { ...(state === "all" ? {} : { state }), ...(name ? { name } : {}) };
}

/**
 * Returns the fields of the filter.
 * @param {Filter} filter
 * @param {(filter: Filter) => void} changed
 */
export function filterBar(filter, changed) {
  let timer = 0;
  const now = { ...filter };
  const input = h("input", {
    type: "search",
    id: "jobs-name",
    maxlength: LONGEST,
    autocomplete: "off",
    spellcheck: "false",
    placeholder: texts.list.name,
    "aria-label": texts.list.name,
    ".value": filter.name,
    oninput: () => {
      clearTimeout(timer);
      timer = setTimeout(tell, TYPING);
    },
  });
  const tell = () => {
    clearTimeout(timer);
    if (input.value.trim() === now.name) return;
    now.name = input.value.trim();
    changed({ ...now });
  };
  const choices = Object.entries(texts.list.filters).map(([state, label]) =>
    h(
      "label",
      { class: "choice" },
      h("input", {
        type: "radio",
        name: "jobs-state",
        value: state,
        ".checked": state === filter.state,
        onchange: () => {
          now.state = /** @type {keyof typeof STATES} */ (state);
          changed({ ...now });
        },
      }),
      h("span", null, label),
    ),
  );
  return h(
    "form",
    {
      class: "jobs-filter",
      role: "search",
      onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        tell();
      },
    },
    h(
      "fieldset",
      { class: "choices" },
      h("legend", { class: "unseen" }, texts.list.states),
      choices,
    ),
    input,
  );
}
