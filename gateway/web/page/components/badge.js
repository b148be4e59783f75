/** The badge of a job's state: a colour, a sign and a word. */

import { h } from "../core/element.js";
import { texts } from "../texts.js";

/** @type {Record<string, string>} */
const KINDS = {
  PENDING: "waiting",
  STARTED: "active",
  RETRY: "warn",
  SUCCESS: "good",
  FAILURE: "bad",
  REVOKED: "quiet",
};

/**
 * Returns the badge of a state, as `STARTED`. A state of a newer server is shown as it is.
 * @param {string} state
 */
export function stateBadge(state) {
  /** @type {Record<string, string>} */
  const names = texts.states;
  return badge(names[state] ?? state, KINDS[state] ?? "quiet");
}

/**
 * Returns a badge.
 * @param {string} text
 * @param {string} kind `waiting`, `active`, `warn`, `good`, `bad` or `quiet`
 */
export function badge(text, kind) {
  return h("span", { class: `badge badge-${kind}` }, text);
}
