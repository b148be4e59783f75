/** Draws bars: one for each group, from left to right, with its label and its exact value. */

import { svg } from "../core/element.js";
import { LINE, label, legend, line, root, round, scale, seriesClass } from "./axes.js";
import { grouped } from "./decimal.js";
import { fitting, visible } from "./labels.js";
import { numberTicks } from "./ticks.js";

/** @typedef {import("./axes.js").Canvas} Canvas */
/** @typedef {import("./axes.js").Drawn} Drawn */
/** @typedef {import("./axes.js").Mark} Mark */
/** @typedef {import("./series.js").Chart} Chart */
/** @typedef {import("./series.js").Place} Place */

/** Below this width, labels are above the bars. */
const NARROW = 560;
const BAR = 20;
const SLIM = 14;
const BETWEEN = 10;
const AXIS = 26;
const ROUNDED = 2;

/** A part of a bar. @typedef {{series: number, from: number, to: number, row: number}} Part */

/**
 * Where everything is, in pixels.
 * @typedef {object} Layout
 * @property {boolean} above whether labels are above the bars
 * @property {boolean} values whether the exact values are beside the bars
 * @property {number} labels the width of labels
 * @property {number} left
 * @property {number} right
 * @property {number} top
 * @property {number} thick of one bar
 * @property {number} bars how many bars a place has
 * @property {number} place the height of a place, with the space to the next one
 */

/**
 * @param {Chart} chart
 * @param {Canvas} canvas
 * @returns {Drawn}
 */
export function drawBars(chart, canvas) {
  const { places, series } = chart;
  const signs = legend(series, canvas, (i) =>
    svg("rect", {
      class: `chart-bar ${seriesClass(series[i], i)}`,
      x: 2,
      y: 2,
      width: 12,
      height: 12,
      rx: ROUNDED,
    }),
  );
  const layout = layoutOf(chart, canvas, signs.height);
  const parts = places.map((place) => partsOf(place, chart));
  const ends = parts.flat().flatMap(({ from, to }) => [from, to]);
  const least = Math.min(0, ...ends);
  const greatest = Math.max(0, ...ends);
  const span = layout.right - layout.left;
  const ticks = numberTicks(least, greatest, Math.max(2, span / 110));
  const domain = /** @type {const} */ ([ticks.values[0] ?? 0, ticks.values.at(-1) ?? 1]);
  const x = scale(domain, [layout.left, layout.right]);
  const bottom = layout.top + places.length * layout.place;
  const height = bottom + AXIS;
  const drawn = root(canvas.width, height);
  const grid = svg("g", { "aria-hidden": "true" }, signs.group);
  for (const [i, value] of ticks.values.entries()) {
    const kind = value === 0 ? "chart-zero" : "chart-grid";
    grid.append(line(x(value), layout.top - 4, x(value), bottom, kind));
    const text = ticks.labels[i] ?? "";
    const half = canvas.measure(text) / 2;
    // A label at the edge would be cut off.
    const at = Math.min(Math.max(x(value), half), canvas.width - half);
    grid.append(label(text, at, bottom + LINE, "middle"));
  }
  drawn.append(grid);
  const marks = places.map((place, i) => {
    const y = layout.top + i * layout.place;
    const element = drawPlace(place, parts[i] ?? [], { y, x, chart, canvas, layout });
    drawn.append(element);
    const end = Math.max(x(0), ...(parts[i] ?? []).map(({ to }) => x(to)));
    return { element, place, x: end, y: y + layout.place - BETWEEN };
  });
  return { svg: drawn, height, marks };
}

/**
 * @param {Chart} chart
 * @param {Canvas} canvas
 * @param {number} legendHeight
 * @returns {Layout}
 */
function layoutOf(chart, { width, measure }, legendHeight) {
  const above = width < NARROW;
  const bars = chart.stacked ? 1 : chart.series.length;
  const texts = chart.places.flatMap((place) => valueTexts(place, chart));
  const widest = Math.max(0, ...texts.map(measure));
  const values = widest <= width * (above ? 0.6 : 0.36);
  const labels = above
    ? width - (values ? widest + 16 : 0)
    : Math.min(
        width * 0.34,
        280,
        Math.max(...chart.places.map((place) => measure(place.label))) + 2,
      );
  const thick = bars > 1 ? SLIM : BAR;
  return {
    above,
    values,
    labels,
    // Half of the first and the last label of the axis is beyond the bars.
    left: above ? 10 : labels + 14,
    right: width - (values && !above ? widest + 18 : 16),
    top: legendHeight + 6,
    thick,
    bars,
    place: (above ? LINE + 4 : 0) + bars * thick + BETWEEN + (bars > 1 ? 6 : 0),
  };
}

/**
 * The values beside the bars of a place: one, or one for each series.
 * @param {Place} place
 * @param {Chart} chart
 */
function valueTexts(place, chart) {
  const values = chart.stacked ? [place.total] : place.values;
  return values.map((value) => grouped(value?.text ?? ""));
}

/**
 * @param {Place} place
 * @param {Chart} chart
 * @returns {Part[]}
 */
function partsOf(place, chart) {
  let end = 0;
  return place.values.flatMap((value, series) => {
    if (!value) return [];
    if (value.number === 0) return [];
    if (!chart.stacked) return [{ series, from: 0, to: value.number, row: series }];
    const from = end;
    end += value.number;
    return [{ series, from, to: end, row: 0 }];
  });
}

/**
 * @param {Place} place
 * @param {readonly Part[]} parts
 * @param {{y: number, x: (value: number) => number, chart: Chart, canvas: Canvas, layout: Layout}} where
 */
function drawPlace(place, parts, { y, x, chart, canvas, layout }) {
  const { above, thick } = layout;
  const first = y + (above ? LINE + 4 : 0);
  const text = fitting(visible(place.label), layout.labels, canvas.measure);
  const element = svg("g", { class: "chart-place" });
  element.append(
    svg("rect", {
      class: "chart-hit",
      x: 0,
      y: round(y - BETWEEN / 2),
      width: canvas.width,
      height: layout.place,
      rx: 4,
    }),
    above
      ? label(text, 0, y + 13, "start", "chart-label")
      : label(text, layout.labels, first + (layout.bars * thick) / 2 + 4, "end", "chart-label"),
  );
  for (const { series, from, to, row } of parts) {
    const [start, end] = [Math.min(x(from), x(to)), Math.max(x(from), x(to))];
    const stacked = chart.stacked && to < (place.total?.number ?? to);
    element.append(
      svg("rect", {
        class: `chart-bar ${seriesClass(chart.series[series], series)}`,
        x: round(start),
        y: round(first + row * thick + (layout.bars > 1 ? 1 : 0)),
        width: round(Math.max(end - start - (stacked ? 1 : 0), 1)),
        height: thick - (layout.bars > 1 ? 2 : 0),
        rx: chart.stacked ? 0 : ROUNDED,
      }),
    );
  }
  if (layout.values) {
    for (const [i, value] of valueTexts(place, chart).entries()) {
      const at = above && layout.bars === 1 ? y + 13 : first + i * thick + thick / 2 + 4;
      element.append(label(value, canvas.width - 2, at, "end", "chart-value"));
    }
  }
  return element;
}
