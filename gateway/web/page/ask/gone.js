/** Says that the service no longer has a file. */

import { Problem } from "../api/problem.js";
import { h } from "../core/element.js";
import { ask as texts } from "../texts/ask.js";

/**
 * Whether an error says that an upload was removed.
 * @param {unknown} error
 */
export function isGone(error) {
  if (!(error instanceof Problem)) return false;
  return error.status === 404 || error.status === 410 || error.kind === "input-removed";
}

/** Returns a notice with a way to give the file again. */
export function goneNotice() {
  return h(
    "div",
    { class: "notice" },
    h("p", { class: "notice-title" }, texts.againGone),
    h("p", null, texts.againGoneHint),
    h("div", { class: "actions" }, h("a", { class: "button", href: "#/" }, texts.toStart)),
  );
}
