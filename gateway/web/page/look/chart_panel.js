/** The chart of a result, with the choice of its shape and its values, and its pictures. */

import { loadingView, problemBox } from "../components/states.js";
import { fill, h } from "../core/element.js";
import { announce } from "../core/focus.js";
import { isAbort } from "../core/wait.js";
import { look as texts } from "../texts/look.js";
import { drawBars } from "./bar_chart.js";
import { isAdditive } from "./choice.js";
import { dataTable } from "./data_table.js";
import { pictureOf, save } from "./export.js";
import { visible } from "./labels.js";
import { drawLines } from "./line_chart.js";
import { namesOf } from "./naming.js";
import { notesOf } from "./notes.js";
import { makePointable } from "./pointing.js";
import { barsOf, linesOf, MOST_SERIES } from "./series.js";
import { isNotSortable, MOST_ROWS } from "./source.js";
import { noteView, TOP, TOPS } from "./state.js";
import { textMeasure } from "./text_width.js";

/** @typedef {import("./choice.js").Shape} Shape */
/** @typedef {import("./series.js").Chart} Chart */
/** @typedef {import("./types.js").Preview} Preview */

/** Points of a line, on average. */
const LEAST_POINTS = 2;

/** What is drawn, and from which rows. @typedef {{chart: Chart, notes: readonly string[], shape: Shape}} Picture */

/** Shows a chart above the table. */
export class ChartPanel {
  /** The panel; hidden if nothing can be drawn. */
  element = h("div", { class: "look-chart" });
  #figure = h("figure", { class: "look-figure" });
  #canvas = h("div", { class: "look-canvas" });
  #caption = h("figcaption");
  #data = h("details", { class: "look-data", hidden: true });
  #rest = h("label", { class: "check", hidden: true });
  #tops = h("label", { class: "look-measure", hidden: true });
  #turn = 0;
  #width = 0;
  /** @type {Picture | null} */
  #picture = null;

  /**
   * @param {object} about
   * @param {import("./source.js").Source} about.source
   * @param {Preview} about.preview the first rows
   * @param {any} about.job
   * @param {import("./choice.js").Choice} about.choice
   * @param {import("./state.js").View} about.view what is shown at first
   * @param {boolean} about.isChosen whether a person has chosen the shape
   * @param {AbortSignal} about.signal
   */
  constructor({ source, preview, job, choice, view, isChosen, signal }) {
    this.source = source;
    this.preview = preview;
    this.job = job;
    this.signal = signal;
    this.choice = choice;
    this.parts = partsOf(job);
    this.names = namesOf(preview.columns, job.aggregation);
    /** @type {Shape | "table"} */
    this.shape = view.shape;
    this.measure = view.measure;
    this.top = view.top;
    this.withRest = false;
    this.element.hidden = this.choice.shapes.length === 0;
    if (this.element.hidden) return;
    fill(this.#figure, this.#caption, this.#canvas, this.#data);
    fill(this.element, this.#controls(), this.#figure);
    const observer = new ResizeObserver(() => this.#draw());
    observer.observe(this.#canvas);
    signal.addEventListener("abort", () => observer.disconnect());
    void this.#load({ automatic: !isChosen, first: true });
  }

  #controls() {
    const shapes = [...this.choice.shapes].sort();
    return h(
      "div",
      { class: "look-controls" },
      h(
        "fieldset",
        { class: "switch look-shapes" },
        h("legend", { class: "unseen" }, texts.chart.shape),
        [...shapes, /** @type {const} */ ("table")].map((shape) => this.#shapeButton(shape)),
      ),
      this.choice.measures.length > 1 && this.#measureField(),
      fill(this.#tops, texts.chart.most, this.#topField()),
      fill(this.#rest, this.#restBox(), texts.chart.withRest),
      h(
        "div",
        { class: "look-saves" },
        this.#saveButton("svg", texts.chart.svg),
        this.#saveButton("png", texts.chart.png),
      ),
    );
  }

  /** @param {Shape | "table"} shape */
  #shapeButton(shape) {
    const input = h("input", {
      type: "radio",
      name: `look-shape-${this.job.id}`,
      value: shape,
      ".checked": shape === this.shape,
      onchange: () => {
        this.shape = shape;
        noteView({ chart: shape });
        void this.#load();
      },
    });
    return h("label", null, input, texts.chart.shapes[shape]);
  }

  #restBox() {
    const box = h("input", {
      type: "checkbox",
      onchange: () => {
        this.withRest = box.checked;
        void this.#load();
      },
    });
    return box;
  }

  #measureField() {
    const select = h(
      "select",
      {
        onchange: () => {
          this.measure = Number(select.value);
          noteView({ value: this.measure });
          void this.#load();
        },
      },
      this.choice.measures.map((i) =>
        h("option", { value: i, selected: i === this.measure }, this.#name(i)),
      ),
    );
    return h("label", { class: "look-measure" }, texts.chart.measure, select);
  }

  #topField() {
    const select = h(
      "select",
      {
        onchange: () => {
          this.top = Number(select.value);
          noteView({ top: this.top });
          void this.#load();
        },
      },
      TOPS.map((count) => h("option", { value: count, selected: count === this.top }, count)),
    );
    return select;
  }

  /**
   * @param {"svg" | "png"} kind
   * @param {string} label
   */
  #saveButton(kind, label) {
    return h("button", { type: "button", class: "small", onclick: () => this.#save(kind) }, label);
  }

  /** @param {"svg" | "png"} kind */
  async #save(kind) {
    const picture = this.#picture;
    if (!picture) return;
    const draw = (/** @type {import("./axes.js").Canvas} */ canvas) => drawn(picture, canvas);
    try {
      const about = { draw, title: this.#title(picture), notes: picture.notes };
      save(await pictureOf(kind, about, this.element), `${stem(this.job.filename)}.${kind}`);
    } catch (error) {
      fill(this.#canvas, problemBox(error, { title: texts.chart.savedFailed }));
    }
  }

  /**
   * Loads the rows of the chart and draws it. The best shape for few dates turns out only then.
   * @param {{automatic?: boolean, first?: boolean}} [options] `automatic`: no person chose the shape
   */
  async #load({ automatic = false, first = false } = {}) {
    this.#turn += 1;
    const turn = this.#turn;
    this.element.dataset.shape = this.shape;
    this.#figure.hidden = this.shape === "table";
    this.#tops.hidden = true;
    if (this.shape === "table") return;
    this.#canvas.setAttribute("aria-busy", "true");
    if (!this.#picture) fill(this.#canvas, loadingView(texts.chart.loading));
    try {
      const picture = await this.#pictureOf(this.shape);
      if (turn !== this.#turn) return;
      if (automatic && picture.shape === "line" && !areLines(picture.chart)) {
        this.shape = "bar";
        /** @type {HTMLInputElement | null} */
        const input = this.element.querySelector("input[value=bar]");
        if (input) input.checked = true;
        await this.#load({ first });
        return;
      }
      this.#picture = picture;
      this.#width = 0;
      this.#describe(picture);
      this.#draw();
      if (!first) announce(this.#title(picture));
    } catch (error) {
      if (isAbort(error) || turn !== this.#turn) return;
      this.#picture = null;
      const retry = () => void this.#load();
      fill(this.#canvas, problemBox(error, { title: texts.chart.failed, retry }));
    } finally {
      if (turn === this.#turn) this.#canvas.removeAttribute("aria-busy");
    }
  }

  /**
   * @param {Shape} shape
   * @returns {Promise<Picture>}
   */
  async #pictureOf(shape) {
    const { measure, choice } = this;
    const first = this.preview;
    const line = shape === "line" && choice.time !== null;
    const order = { column: line ? (choice.time ?? 0) : measure, descending: true };
    let preview = first;
    let sorted = true;
    if (first.truncated) {
      const count = line ? MOST_ROWS : this.top;
      try {
        preview = await this.source.load(count, order, this.signal);
      } catch (error) {
        if (!isNotSortable(error)) throw error;
        preview = await this.source.load(MOST_ROWS, null, this.signal);
        sorted = false;
      }
    }
    const wanted = {
      columns: preview.columns,
      rows: preview.rows,
      whole: !preview.truncated,
      choice,
      measure,
      empty: texts.chart.empty,
      rest: texts.chart.rest,
      ordered: this.#isOrdered(preview),
      withRest: this.withRest,
      most: this.top,
    };
    const chart = line ? linesOf(wanted) : barsOf(wanted);
    const notes = notesOf({ chart, shape, preview, sorted, choice, measure });
    return { chart, notes, shape };
  }

  /**
   * Whether bars keep the order of the result: weekdays, months and the like, if they are few.
   * @param {Preview} preview
   */
  #isOrdered({ rows, truncated }) {
    const { groups, time } = this.choice;
    const [group] = groups;
    if (groups.length !== 1 || group === undefined || truncated) return false;
    return rows.length <= this.top && (time === group || Boolean(this.parts[group]));
  }

  /** @param {Picture} picture */
  #describe(picture) {
    const { chart, notes, shape } = picture;
    const title = this.#title(picture);
    const additive = isAdditive(this.preview.columns[this.measure]);
    const whole = !this.preview.truncated;
    const groups = whole ? chart.groups : this.preview.total;
    this.#tops.hidden = shape !== "bar" || groups <= Math.min(this.top, TOP);
    this.#rest.hidden = !(shape === "line" && whole && additive && chart.split > MOST_SERIES);
    this.#data.hidden = false;
    fill(
      this.#caption,
      h("h3", { class: "look-caption" }, title),
      notes.map((note) => h("p", { class: "hint" }, note)),
    );
    fill(
      this.#data,
      h("summary", null, texts.chart.data),
      dataTable(chart, title, this.#name(this.measure)),
    );
  }

  #draw() {
    const width = Math.floor(this.#canvas.clientWidth);
    const picture = this.#picture;
    if (!picture || width === 0 || width === this.#width) return;
    this.#width = width;
    if (picture.chart.places.length === 0) {
      fill(this.#canvas, h("p", { class: "hint" }, texts.chart.nothing));
      return;
    }
    const focused = [...this.#canvas.querySelectorAll(".chart-place")].findIndex((each) =>
      each.matches(":focus"),
    );
    const chart = drawn(picture, { width, measure: textMeasure(this.#canvas, "12px") });
    fill(this.#canvas, chart.svg);
    makePointable(this.#canvas, chart, picture.chart, this.#name(this.measure));
    if (focused >= 0) chart.marks[focused]?.element.focus();
  }

  /**
   * Names the values and the groups that the chart tells apart.
   * @param {Picture} picture
   */
  #title({ chart, shape }) {
    const { groups, time } = this.choice;
    const first = shape === "line" && time !== null ? [time] : [];
    const others = groups.filter((i) => !first.includes(i) && !chart.added.includes(i));
    const names = [...first, ...others].map((i) => this.names[i] ?? "");
    const title = texts.chart.title(this.names[this.measure] ?? "", names);
    return title.charAt(0).toUpperCase() + title.slice(1);
  }

  /** @param {number} i */
  #name(i) {
    return visible(this.preview.columns[i]?.name ?? "");
  }
}

/**
 * @param {Picture} picture
 * @param {import("./axes.js").Canvas} canvas
 */
function drawn({ chart, shape }, canvas) {
  return shape === "line" ? drawLines(chart, canvas) : drawBars(chart, canvas);
}

/**
 * Whether lines have enough points to show a course. Of a large result, often only one day is loaded.
 * @param {Chart} chart
 */
function areLines({ places, series }) {
  const points = places.flatMap(({ values }) => values.filter((value) => value !== null));
  return places.length > 1 && points.length >= LEAST_POINTS * series.length;
}

/**
 * For each group column of a job, the part of a date that it has; null if it is no such part.
 * @param {any} job
 * @returns {(string | null)[]}
 */
export function partsOf({ aggregation }) {
  /** @type {readonly any[]} */
  const groups = aggregation?.group_by ?? [];
  return groups.map((group) => group?.part ?? null);
}

/** The name of a file without its extension. @param {string} filename */
function stem(filename) {
  return filename.replace(/\.[^.]{1,8}$/, "") || "chart";
}
