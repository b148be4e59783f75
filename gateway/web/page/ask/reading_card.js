/** How the file is read: fields to correct it, messages, and the first records. */

import { fill, h } from "../core/element.js";
import { ask as texts } from "../texts/ask.js";
import { idOf } from "./controls.js";
import { dialectFields, restDeclared } from "./dialect.js";
import { failAt } from "./errors.js";
import { messages } from "./notes.js";
import { redraw } from "./redraw.js";
import { sampleTable } from "./table.js";

/** @typedef {import("../core/element.js").Child} Child */
/** @typedef {import("./types.js").Input} Input */
/** @typedef {import("./types.js").Inspection} Inspection */

const MORE = "fields";

/** The card. Its `input` is what a person has declared, which it changes. */
export class ReadingCard {
  /** @type {Input} */
  input = {};
  /** @type {Inspection | null} */
  #inspection = null;
  /** Whether all records are shown that are known. */
  #all = false;
  /** The fields that are unfolded. @type {Set<string>} */
  #open = new Set();
  #state = h("span", { class: "ask-busy", role: "status" });
  #fields = h("div", { class: "ask-dialect", hidden: true });
  #messages = h("div", { class: "ask-messages" });
  #table = h("div", { class: "ask-table-place" });

  /** @param {() => void} corrected called when a person has changed `input` */
  constructor(corrected) {
    this.corrected = corrected;
    this.element = h(
      "section",
      { class: "card ask-reading", "aria-labelledby": "ask-reading-title" },
      h(
        "div",
        { class: "ask-heading" },
        h("h2", { id: "ask-reading-title" }, texts.readingTitle),
        this.#state,
      ),
      this.#fields,
      this.#messages,
      this.#table,
    );
  }

  /** Shows that the file is read for the first time. */
  begin() {
    this.#inspection = null;
    this.#all = false;
    this.#fields.hidden = true;
    fill(this.#messages);
    fill(this.#table, h("div", { class: "ask-skeleton", "aria-hidden": "true" }));
  }

  /**
   * @param {boolean} busy
   * @param {boolean} again whether the file is read in another way than what is shown
   */
  working(busy, again) {
    const isFirst = this.#inspection === null;
    this.#state.textContent = busy && (isFirst || again) ? texts.reading : "";
    this.element.classList.toggle("ask-is-stale", busy && again && !isFirst);
  }

  /** @param {Inspection} inspection */
  show(inspection) {
    this.#inspection = inspection;
    this.drawFields();
    redraw(
      this.#messages,
      messages(inspection, {
        accept: (input) => this.#correct(() => Object.assign(this.input, input)),
        header: (header) => this.#correct(() => Object.assign(this.input, { header })),
        go: go,
      }),
    );
    const showAll = () => {
      this.#all = true;
      this.show(inspection);
    };
    const hasTable = !inspection.error && inspection.columns.length > 0;
    redraw(this.#table, [hasTable && sampleTable(inspection, { all: this.#all, showAll })]);
  }

  /**
   * Shows something in place of the records.
   * @param {Child} child
   */
  replace(child) {
    fill(this.#table, child);
  }

  /** Whether the file was read. */
  get isRead() {
    return this.#inspection !== null;
  }

  /**
   * Shows an error at a field. Returns whether there is one.
   * @param {string} place as `input.delimiter`
   * @param {string} message
   */
  fail(place, message) {
    this.#fields.hidden = false;
    return failAt(this.#fields, place, message);
  }

  drawFields() {
    const { input } = this;
    const { main, rest } = dialectFields({
      input,
      found: this.#inspection?.input ?? null,
      open: this.#open,
      changed: this.corrected,
      redraw: () => this.drawFields(),
    });
    const count = restDeclared(input);
    const fold = (/** @type {Event} */ event) => {
      const { open } = /** @type {HTMLDetailsElement} */ (event.currentTarget);
      if (open) this.#open.add(MORE);
      else this.#open.delete(MORE);
    };
    redraw(
      this.#fields,
      [
        h("div", { class: "ask-dialect-main" }, main),
        h(
          "details",
          { class: "ask-dialect-more", open: this.#open.has(MORE), ontoggle: fold },
          h("summary", { id: idOf(MORE) }, count ? texts.moreFieldsSet(count) : texts.moreFields),
          h("div", { class: "ask-dialect-rest" }, rest),
        ),
        Object.keys(input).length > 0 &&
          h(
            "button",
            { type: "button", class: "small quiet ask-reset", onclick: () => this.#reset() },
            texts.reset,
          ),
      ],
      { instead: idOf(MORE) },
    );
    this.#fields.hidden = this.#inspection === null;
  }

  #reset() {
    this.#correct(() => {
      for (const key of Object.keys(this.input)) delete this.input[key];
    });
  }

  /** @param {() => void} change */
  #correct(change) {
    change();
    this.drawFields();
    this.corrected();
  }
}

/** Shows a field that a message is about. @param {string} place */
function go(place) {
  const control = document.getElementById(idOf(place));
  const folded = control?.closest("details");
  if (folded) folded.open = true;
  control?.scrollIntoView({ block: "center" });
  control?.focus();
}
