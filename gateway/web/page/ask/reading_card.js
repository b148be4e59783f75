/**
 * How the file is read: one line, or unfolded the fields to correct it, messages, and the first records.
 * It unfolds by itself if there is something to check.
 */

import { fill, h } from "../core/element.js";
import { unfold } from "../core/focus.js";
import { plain } from "../core/plain.js";
import { ask as texts } from "../texts/ask.js";
import { dialect } from "../texts/dialect.js";
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
  #line = h("span", { class: "ask-reading-line" });
  #state = h("span", { class: "ask-busy", role: "status" });
  #fields = h("div", { class: "ask-dialect", hidden: true });
  #messages = h("div", { class: "ask-messages" });
  #table = h("div", { class: "ask-table-place" });

  /** @param {() => void} corrected called when a person has changed `input` */
  constructor(corrected) {
    this.corrected = corrected;
    this.element = h(
      "details",
      { class: "card ask-reading" },
      h(
        "summary",
        { class: "line-summary" },
        h("h2", null, texts.readingTitle),
        this.#line,
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
    this.element.open = false;
    this.#fields.hidden = true;
    fill(this.#line);
    fill(this.#messages);
    fill(this.#table);
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
    fill(this.#line, lineOf(inspection));
    const told = messages(inspection, {
      accept: (input) => this.#correct(() => Object.assign(this.input, input)),
      header: (header) => this.#correct(() => Object.assign(this.input, { header })),
      go: go,
    });
    redraw(this.#messages, told);
    if (this.#messages.hasChildNodes()) this.element.open = true;
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
    this.element.open = true;
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
    const sheets = this.#inspection?.sheets ?? null;
    const { main, rest } = dialectFields({
      input,
      found: this.#inspection?.input ?? null,
      sheets,
      open: this.#open,
      changed: this.corrected,
      redraw: () => this.drawFields(),
    });
    const count = restDeclared(input, sheets);
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
  if (!control) return;
  unfold(control);
  control.scrollIntoView({ block: "center" });
  control.focus();
}

/** How the file is read, in a line. @param {Inspection} inspection */
function lineOf({ input, columns, column_count, error, sheets }) {
  if (error) return null;
  const { delimiter, encoding } = dialect.values;
  const how = sheets
    ? [plain(String(input.sheet))]
    : [
        delimiter?.[String(input.delimiter)] ?? String(input.delimiter ?? ""),
        encoding?.[String(input.encoding)] ?? String(input.encoding ?? ""),
      ];
  const found = [...how, texts.columnCount(column_count)];
  const names = columns.map(({ name }) => plain(name) || texts.table.unnamed);
  return [
    `${found.filter(Boolean).join(" · ")}: `,
    names.map((name, i) => [i > 0 && ", ", h("bdi", null, name)]),
  ];
}
