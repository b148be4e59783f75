/** Puts a question together by clicking. */

import { h } from "../core/element.js";
import { ask as texts } from "../texts/ask.js";
import { aggregateRows } from "./aggregates.js";
import { outputColumns, withFileColumn } from "./columns.js";
import { idOf } from "./controls.js";
import { failAt } from "./errors.js";
import { fileSide, filterRows, resultSide } from "./filters.js";
import { groupRows } from "./groups.js";
import { placeOf } from "./places.js";
import { asksNothing } from "./question.js";
import { redraw } from "./redraw.js";
import { follow } from "./renaming.js";
import { orderRows, outputRows } from "./result.js";
import { suggestions } from "./suggestions.js";

/** @typedef {import("./columns.js").FileColumn} FileColumn */
/** @typedef {import("./types.js").Inspection} Inspection */
/** @typedef {import("./types.js").Question} Question */

/** The form of a question. */
export class Builder {
  /** @type {Question} */
  #question;
  /** @type {readonly FileColumn[]} */
  #columns = [];
  /** @type {Inspection | null} */
  #inspection = null;
  #isOfSeveral = false;
  /** @type {readonly FileColumn[]} */
  #others = [];
  /** @type {Set<string>} */
  #open = new Set();

  /**
   * @param {Question} question
   * @param {(step: boolean) => void} changed called after each change, with whether Back undoes it
   */
  constructor(question, changed) {
    this.#question = question;
    this.changed = changed;
    this.element = h("div", { class: "ask-builder" });
  }

  /**
   * Shows a question about a file, or about several of which this is one.
   * @param {Question} question
   * @param {readonly FileColumn[]} columns
   * @param {Inspection | null} inspection
   * @param {boolean} isOfSeveral
   * @param {readonly FileColumn[]} [others] columns that only other files have
   */
  show(question, columns, inspection, isOfSeveral, others = []) {
    this.#others = others;
    this.#question = question;
    this.#columns = columns;
    this.#inspection = inspection;
    this.#isOfSeveral = isOfSeveral;
    this.draw();
  }

  /** @param {string} [instead] the place that is focused if the present one is gone */
  draw(instead = "") {
    const context = {
      question: this.#question,
      columns: this.#isOfSeveral
        ? withFileColumn([...this.#columns, ...this.#others])
        : this.#columns,
      open: this.#open,
      edit: (/** @type {() => void} */ change, next = "") => {
        this.#change(change);
        this.draw(next);
        if (next) document.getElementById(idOf(next))?.focus();
        this.changed(true);
      },
      type: (/** @type {() => void} */ change) => {
        if (this.#change(change)) this.draw(); // other controls show the names
        this.changed(false);
      },
    };
    const { question } = context;
    const { sections } = texts;
    const asks = !asksNothing(question);
    const hasGroups = question.group_by.length > 0;
    redraw(
      this.element,
      [
        this.#suggestions(),
        section("group_by", sections.groups, sections.groupsHint, groupRows(context)),
        section("aggregates", sections.aggregates, "", aggregateRows(context)),
        section(
          "where",
          sections.where,
          "",
          filterRows(context, {
            side: fileSide(context),
            filter: question.where,
            place: "where",
            label: texts.filters.add,
            set: (filter) => {
              question.where = filter;
            },
          }),
        ),
        asks &&
          hasGroups &&
          section(
            "having",
            sections.having,
            "",
            filterRows(context, {
              side: resultSide(context),
              filter: question.having,
              place: "having",
              label: texts.filters.addResult,
              set: (filter) => {
                question.having = filter;
              },
            }),
          ),
        asks && hasGroups && section("order_by", sections.order, "", orderRows(context)),
        asks && section("output", sections.output, "", outputRows(context)),
      ],
      { instead: instead && idOf(instead) },
    );
  }

  /**
   * Changes the question. Returns whether the names of its output columns have changed.
   * @param {() => void} change
   */
  #change(change) {
    const names = () => outputColumns(this.#question, this.#columns).map(({ name }) => name);
    const before = names();
    change();
    const after = names();
    follow(this.#question, before, after);
    return before.join("\n") !== after.join("\n");
  }

  #suggestions() {
    const rows = this.#inspection?.sample_rows ?? [];
    const found = suggestions(this.#columns, rows);
    if (found.length === 0) return null;
    return h(
      "div",
      { class: "ask-suggestions", role: "group", "aria-label": texts.suggestions.title },
      h("span", { class: "label", "aria-hidden": "true" }, texts.suggestions.title),
      found.map(({ kind, labels, question }) =>
        h(
          "button",
          {
            type: "button",
            class: "ask-chip",
            onclick: () => {
              Object.assign(this.#question, structuredClone(question));
              this.#question.having = null;
              this.draw();
              this.changed(true);
            },
          },
          texts.suggestions[kind](labels),
        ),
      ),
    );
  }

  /**
   * Shows an error at the control that it is about. Returns whether there is one.
   * @param {string} path of the value in the aggregation
   * @param {string} message
   */
  fail(path, message) {
    return failAt(this.element, placeOf(path, this.#question), message);
  }
}

/**
 * @param {string} place
 * @param {string} title
 * @param {string} hint
 * @param {readonly import("../core/element.js").Child[]} rows
 */
function section(place, title, hint, rows) {
  return h(
    "fieldset",
    { class: "ask-section", id: idOf(place), data: { place } },
    h("legend", null, title),
    h("div", { class: "ask-rows" }, hint && h("p", { class: "hint" }, hint), rows),
  );
}
