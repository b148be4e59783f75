/** What a view shows while it has nothing else to show: loading, empty, an error. */

import { askForKey } from "../api/key.js";
import { asProblem } from "../api/problem.js";
import { h } from "../core/element.js";
import { texts } from "../texts.js";

/** Returns what is shown while a view is loaded. @param {string} [text] */
export function loadingView(text = texts.frame.loading) {
  return h(
    "div",
    { class: "state", role: "status" },
    h("div", { class: "spinner", "aria-hidden": "true" }),
    h("p", null, text),
  );
}

/**
 * Returns what is shown where nothing is yet.
 * @param {object} about
 * @param {string} about.title
 * @param {string} [about.text]
 * @param {import("../core/element.js").Child} [about.actions] buttons or links
 */
export function emptyView({ title, text, actions }) {
  return h(
    "div",
    { class: "state" },
    h("h2", null, title),
    text && h("p", null, text),
    actions && h("div", { class: "actions" }, actions),
  );
}

/**
 * Returns a box that says what happened and what to do.
 * @param {unknown} error
 * @param {object} [options]
 * @param {() => void} [options.retry] called by the button "Try again"; without it there is none
 * @param {string} [options.title] instead of the title of the problem
 */
export function problemBox(error, { retry, title } = {}) {
  const problem = asProblem(error);
  const barred = problem.status === 401 || problem.status === 403;
  const useKey = () =>
    void askForKey(problem.detail).then((given) => {
      if (given) retry?.();
    });
  return h(
    "div",
    { class: "notice notice-bad", role: "alert" },
    h("p", { class: "notice-title" }, title ?? problem.title),
    problem.detail && problem.detail !== problem.title && h("p", null, problem.detail),
    problem.remedy && h("p", null, problem.remedy),
    (retry || barred) &&
      h(
        "div",
        { class: "actions" },
        barred && h("button", { type: "button", onclick: useKey }, texts.key.another),
        retry && h("button", { type: "button", onclick: () => retry() }, texts.frame.retry),
      ),
  );
}

/** Returns the view of an address that is none. */
export function unknownView() {
  return h(
    "div",
    { class: "state" },
    h("h1", null, texts.frame.notFound),
    h("p", null, texts.frame.notFoundHint),
    h(
      "div",
      { class: "actions" },
      h("a", { class: "button primary", href: "#/" }, texts.frame.toStart),
    ),
  );
}

/**
 * Returns the view of a module that could not be loaded.
 * @param {unknown} error
 * @param {() => void} retry
 */
export function failedView(error, retry) {
  return h(
    "div",
    { class: "state", role: "alert" },
    h("h1", null, texts.frame.viewFailed),
    h("p", null, texts.frame.viewFailedHint),
    h(
      "details",
      null,
      h("summary", null, texts.frame.details),
      h("pre", null, error instanceof Error ? error.message : String(error)),
    ),
    h(
      "div",
      { class: "actions" },
      h(
        "button",
        { type: "button", class: "primary", onclick: () => location.reload() },
        texts.frame.reload,
      ),
      h("button", { type: "button", onclick: () => retry() }, texts.frame.retry),
    ),
  );
}
