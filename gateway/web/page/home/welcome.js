/** What a person sees first: where to drop files, and what happens then. */

import { h, svg } from "../core/element.js";
import { home as texts } from "../texts/home.js";
import { sampleFile } from "./sample_file.js";

/**
 * @param {object} on
 * @param {() => void} on.choose
 * @param {(file: File) => void} on.sample called with a file to try the page with
 */
export function welcome({ choose, sample }) {
  return h(
    "div",
    { class: "home-welcome" },
    h("p", { class: "home-lead" }, texts.lead),
    h("div", { class: "home-waiting" }),
    h(
      "div",
      { class: "home-drop" },
      icon(),
      h("p", { class: "home-drop-title" }, texts.drop),
      h("p", { class: "soft" }, texts.or),
      h(
        "button",
        { type: "button", class: "primary home-choose", onclick: () => choose() },
        texts.choose,
      ),
      h("p", { class: "hint" }, texts.formats),
    ),
    h(
      "p",
      { class: "home-sample" },
      h(
        "button",
        { type: "button", class: "quiet", onclick: () => sample(sampleFile(texts.sampleName)) },
        texts.sample,
      ),
    ),
    h(
      "ol",
      { class: "home-steps" },
      texts.steps.map(([name, text]) =>
        h("li", null, h("h2", null, name ?? ""), h("p", null, text)),
      ),
    ),
  );
}

/** Returns a notice that the URL has a question. */
export function waitingNotice() {
  return h(
    "div",
    { class: "notice" },
    h("p", { class: "notice-title" }, texts.waiting),
    h("p", null, texts.waitingHint),
  );
}

function icon() {
  return svg(
    "svg",
    { viewBox: "0 0 48 48", class: "home-drop-icon", "aria-hidden": "true" },
    svg("path", { d: "M24 31V10m0 0-8 8m8-8 8 8M8 30v8h32v-8" }),
  );
}
