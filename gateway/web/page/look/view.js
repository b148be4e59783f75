/** `<csv-look>`: the result of a job as a chart and a table. */

import { loadingView, problemBox } from "../components/states.js";
import { fill, h } from "../core/element.js";
import { define, Part } from "../core/part.js";
import { currentPlace } from "../core/router.js";
import { needStyle } from "../core/style.js";
import { isAbort } from "../core/wait.js";
import { look as texts } from "../texts/look.js";
import { ChartPanel, partsOf } from "./chart_panel.js";
import { chartsOf } from "./choice.js";
import { MOST_ROWS, Source } from "./source.js";
import { viewIn } from "./state.js";
import { TablePanel } from "./table_panel.js";

await needStyle("look");

/** Rows that are loaded at first of a result that has more than the page shows. */
const FIRST_ROWS = 100;

/** Shows the result of `job`; nothing if that has none. */
class LookPart extends Part {
  /** @type {any} */
  #job = null;
  #shown = "";

  /** The JSON of the job, as the API answers it. */
  get job() {
    return this.#job;
  }

  set job(job) {
    this.#job = job;
    if (this.isConnected) this.#update();
  }

  /** @override */
  start() {
    this.#shown = "";
    this.#update();
  }

  /** Draws another result, and leaves that of the same job as it is. */
  #update() {
    const job = this.#job;
    this.hidden = !job?.result;
    const removed = Boolean(job?.expired_at || job?.result_deleted_at);
    const what = job?.result ? `${job.id} ${job.attempt} ${removed}` : "";
    if (what === this.#shown) return;
    this.#shown = what;
    if (!what) fill(this);
    else if (removed) fill(this, expired());
    else void this.#load(job);
  }

  /** @param {any} job */
  async #load(job) {
    const what = this.#shown;
    const { signal } = this;
    const source = new Source(job.id);
    fill(this, heading(), loadingView(texts.loading));
    try {
      const rows = job.result.rows_out > MOST_ROWS ? FIRST_ROWS : MOST_ROWS;
      const preview = await source.load(rows, null, signal);
      if (what !== this.#shown) return;
      if (preview.rows.length === 0 && !preview.truncated) {
        fill(this, heading(preview), empty());
        return;
      }
      const choice = chartsOf(preview.columns, preview.rows, partsOf(job));
      const { query } = currentPlace();
      const view = viewIn(query, choice, preview.columns.length);
      const isChosen = query.has("chart");
      const chart = new ChartPanel({ source, preview, job, choice, view, isChosen, signal });
      const row = figures(preview);
      const table = row ?? new TablePanel({ source, preview, order: view.order, signal }).element;
      fill(this, h("section", { class: "look" }, heading(preview), chart.element, table));
    } catch (error) {
      if (isAbort(error) || what !== this.#shown) return;
      const retry = () => void this.#load(job);
      fill(this, heading(), problemBox(error, { title: texts.failed, retry }));
    }
  }
}

/** @param {import("./types.js").Preview} [preview] */
function heading(preview) {
  return h(
    "div",
    { class: "look-heading" },
    h("h2", null, texts.title),
    preview && h("p", { class: "hint" }, texts.size(preview.total, preview.columns.length)),
  );
}

/**
 * Returns the values of a result that is one row of the whole file, in large letters.
 * @param {import("./types.js").Preview} preview
 */
function figures({ columns, rows, total }) {
  const [row] = rows;
  if (total !== 1 || !row || columns.some((column) => column.function === null)) return null;
  return h(
    "dl",
    { class: "look-figures" },
    columns.map(({ name }, i) =>
      h("div", null, h("dt", null, name), h("dd", null, row[i] ?? texts.table.null)),
    ),
  );
}

function empty() {
  return notice(texts.empty, texts.emptyHint);
}

function expired() {
  return [heading(), notice(texts.expired, texts.expiredHint)];
}

/**
 * @param {string} title
 * @param {string} text
 */
function notice(title, text) {
  return h(
    "div",
    { class: "notice" },
    h("p", { class: "notice-title" }, title),
    h("p", null, text),
  );
}

define("csv-look", LookPart);
