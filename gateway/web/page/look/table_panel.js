/** The rows of a result as a table: sorted by a click, filtered, copied. */

import { copyButton } from "../components/copy_button.js";
import { problemBox } from "../components/states.js";
import { fill, h, svg } from "../core/element.js";
import { announce } from "../core/focus.js";
import { isAbort } from "../core/wait.js";
import { look as texts } from "../texts/look.js";
import { asTsv, filterRows, isNumeric } from "./rows.js";
import { isNotSortable, MOST_ROWS } from "./source.js";
import { noteView } from "./state.js";

/** @typedef {import("./types.js").Column} Column */
/** @typedef {import("./types.js").Order} Order */
/** @typedef {import("./types.js").Preview} Preview */
/** @typedef {import("./types.js").Row} Row */

/** Rows that are shown at first, and by each "Show more". */
const STEP = 100;
const LONGEST = 300;
/** So few rows need no search. */
const FEW = 10;
/** Characters of a cell that is kept in one line. */
const SHORT = 24;
const FIND_DELAY = 150;

/** Shows the table. */
export class TablePanel {
  element = h("div", { class: "look-table" });
  #head = h("tr");
  #body = h("tbody");
  #status = h("p", { class: "hint look-status" });
  #trouble = h("div", { class: "look-trouble" });
  #more = h("div", { class: "actions" });
  #scroll = h("div", { class: "table-scroll look-scroll", role: "region", tabindex: "0" });
  /** @type {Order | null} */
  #order = null;
  #find = "";
  #shown = STEP;
  #turn = 0;
  /** Set by a look for more rows that brought none. */
  #exhausted = false;

  /**
   * @param {object} about
   * @param {import("./source.js").Source} about.source
   * @param {Preview} about.preview the first rows
   * @param {Order | null} about.order the order that is shown at first
   * @param {AbortSignal} about.signal
   */
  constructor({ source, preview, order, signal }) {
    this.source = source;
    this.preview = preview;
    this.signal = signal;
    this.#scroll.setAttribute("aria-label", texts.table.label);
    fill(
      this.#scroll,
      h(
        "table",
        null,
        h("caption", { class: "unseen" }, texts.table.label),
        h("thead", null, this.#head),
        this.#body,
      ),
    );
    fill(this.element, this.#tools(), this.#trouble, this.#scroll, this.#more);
    this.#show();
    if (order) void this.#load(order, { quiet: true });
  }

  #tools() {
    let timer = 0;
    const find = h("input", {
      type: "search",
      placeholder: texts.table.filter,
      "aria-label": texts.table.filter,
      autocomplete: "off",
      spellcheck: "false",
      oninput: () => {
        clearTimeout(timer);
        timer = setTimeout(() => {
          this.#find = find.value;
          this.#shown = STEP;
          this.#show();
          announce(this.#status.textContent ?? "");
        }, FIND_DELAY);
      },
    });
    const copy = copyButton(() => asTsv(this.preview.columns, this.#found()), {
      label: texts.table.copy,
    });
    const few = this.preview.total <= FEW;
    return h("div", { class: "look-tools" }, !few && find, this.#status, copy);
  }

  /** The loaded rows with the text that is looked for. */
  #found() {
    return filterRows(this.preview.rows, this.#find);
  }

  #show() {
    const rows = this.#found();
    const { columns } = this.preview;
    fill(
      this.#head,
      columns.map((column, i) => this.#heading(column, i)),
    );
    fill(
      this.#body,
      rows.slice(0, this.#shown).map((row) => rowOf(row, columns)),
      rows.length === 0 &&
        h("tr", null, h("td", { colspan: columns.length, class: "soft" }, texts.table.noMatch)),
    );
    this.#status.textContent = this.#summary(rows.length);
    fill(this.#more, this.#moreButton(rows.length));
  }

  /** @param {number} found */
  #summary(found) {
    const { rows, total, columns } = this.preview;
    if (this.#find.trim()) return texts.table.matching(found, rows.length);
    const shown = Math.min(found, this.#shown);
    if (shown === total) return texts.table.shown(shown, total);
    if (!this.#order) return texts.table.first(shown, total);
    const name = columns[this.#order.column]?.name ?? "";
    return texts.table.sorted(shown, total, name, this.#order.descending);
  }

  /** @param {number} found */
  #moreButton(found) {
    const { truncated, rows, total } = this.preview;
    if (found > this.#shown) {
      return this.#button(texts.table.more(Math.min(STEP, found - this.#shown)), () => {
        this.#shown += STEP;
        this.#show();
      });
    }
    if (!truncated || this.#find.trim()) return null;
    if (rows.length >= MOST_ROWS) return h("p", { class: "hint" }, texts.table.most(MOST_ROWS));
    if (this.#exhausted) return h("p", { class: "hint" }, texts.table.longRows);
    const more = Math.min(STEP, total - rows.length);
    return this.#button(texts.table.more(more), () => this.#load(this.#order, { more: true }));
  }

  /**
   * @param {string} label
   * @param {() => unknown} act
   */
  #button(label, act) {
    const onclick = () => {
      const before = this.#body.childElementCount;
      void Promise.resolve(act()).then(() => {
        // The button has gone: the keyboard moves to the first new row.
        const row = this.#body.children[before];
        if (row instanceof HTMLElement) {
          row.tabIndex = -1;
          row.focus({ preventScroll: true });
        }
        announce(this.#status.textContent ?? "");
      });
    };
    return h("button", { type: "button", onclick }, label);
  }

  /**
   * @param {Column} column
   * @param {number} i
   */
  #heading(column, i) {
    const order = this.#order?.column === i ? this.#order : null;
    const sort = order ? (order.descending ? "descending" : "ascending") : "none";
    return h(
      "th",
      { scope: "col", class: isNumeric(column) && "number", "aria-sort": sort },
      h(
        "button",
        {
          type: "button",
          class: "look-sort",
          onclick: () => {
            const order = this.#next(column, i);
            noteView({ sort: order });
            void this.#load(order);
          },
        },
        h("span", { class: "look-name" }, column.name),
        arrow(),
      ),
    );
  }

  /**
   * The order after a click: numbers first downwards, others first upwards; the third click ends it.
   * @param {Column} column
   * @param {number} i
   * @returns {Order | null}
   */
  #next(column, i) {
    const first = isNumeric(column);
    if (this.#order?.column !== i) return { column: i, descending: first };
    if (this.#order.descending === first) return { column: i, descending: !first };
    return null;
  }

  /**
   * @param {Order | null} order
   * @param {object} [options]
   * @param {boolean} [options.more] whether it is about more rows, and not about another order
   * @param {boolean} [options.quiet] whether the focus stays where it is
   */
  async #load(order, { more = false, quiet = false } = {}) {
    this.#turn += 1;
    const turn = this.#turn;
    const focused = order?.column ?? this.#order?.column;
    const before = this.preview.rows.length;
    this.#status.textContent = more ? texts.loading : texts.table.sorting;
    this.#scroll.setAttribute("aria-busy", "true");
    fill(this.#trouble);
    try {
      const count = more || order ? MOST_ROWS : Math.max(STEP, before);
      const preview = await this.source.load(count, order, this.signal);
      if (turn !== this.#turn) return;
      this.#exhausted =
        preview.truncated && preview.rows.length < count && preview.rows.length <= before;
      this.preview = preview;
      this.#order = order;
      this.#shown = more ? this.#shown + STEP : STEP;
    } catch (error) {
      if (isAbort(error) || turn !== this.#turn) return;
      const title = isNotSortable(error) ? texts.table.sortFailed : texts.failed;
      const retry = isNotSortable(error)
        ? {}
        : { retry: () => void this.#load(order, { more, quiet }) };
      fill(this.#trouble, problemBox(error, { title, ...retry }));
    } finally {
      if (turn === this.#turn) this.#scroll.removeAttribute("aria-busy");
    }
    this.#show();
    if (more || quiet) return;
    this.#scroll.scrollTop = 0;
    if (focused !== undefined) this.#head.children[focused]?.querySelector("button")?.focus();
    announce(this.#status.textContent ?? "");
  }
}

/**
 * @param {Row} row
 * @param {readonly Column[]} columns
 */
function rowOf(row, columns) {
  return h(
    "tr",
    null,
    row.map((cell, i) => h("td", { class: kindOf(cell, columns[i]) }, shown(cell))),
  );
}

/**
 * @param {string | null} cell
 * @param {Column | undefined} column
 */
function kindOf(cell, column) {
  if (isNumeric(column)) return "number";
  return cell && cell.length > SHORT ? "look-text" : "look-text look-short";
}

/** @param {string | null} cell */
function shown(cell) {
  if (cell === null) return h("span", { class: "look-null" }, texts.table.null);
  if (cell.length <= LONGEST) return cell;
  const rest = h("span", { class: "soft" }, ` ${texts.table.moreText(cell.length - LONGEST)}`);
  return [cell.slice(0, LONGEST), rest];
}

function arrow() {
  return svg(
    "svg",
    { class: "look-arrow", viewBox: "0 0 10 14", width: 10, height: 14, "aria-hidden": "true" },
    svg("path", { class: "look-arrow-up", d: "M5 1 9 6H1Z" }),
    svg("path", { class: "look-arrow-down", d: "M5 13 1 8H9Z" }),
  );
}
