/** Draws lines over dates, with exact values where the pointer or the keyboard is. */

import { svg } from "../core/element.js";
import { label, legend, line, root, round, scale, seriesClass } from "./axes.js";
import { dateTicks, numberTicks } from "./ticks.js";

/** @typedef {import("./axes.js").Canvas} Canvas */
/** @typedef {import("./axes.js").Drawn} Drawn */
/** @typedef {import("./axes.js").Mark} Mark */
/** @typedef {import("./series.js").Chart} Chart */
/** @typedef {import("./series.js").Place} Place */

const HEIGHT = 300;
const LOW = 220;
const NARROW = 560;
const BELOW = 40;
const DOTS = 45;
const DAY = 86_400_000;
/** Part of the greatest value that the least one must have, so that an axis need not begin at 0. */
const FAR_FROM_ZERO = 0.75;

/** @typedef {{x: (time: number) => number, y: (value: number) => number, top: number, bottom: number}} Scales */

/**
 * @param {Chart} chart
 * @param {Canvas} canvas
 * @returns {Drawn}
 */
export function drawLines(chart, canvas) {
  const { places, series } = chart;
  const signs = legend(series, canvas, (i) =>
    svg("path", { class: `chart-line ${lineClass(chart, i)}`, d: "M0 8H18" }),
  );
  const top = signs.height + 10;
  const bottom = top + (canvas.width < NARROW ? LOW : HEIGHT);
  const height = bottom + BELOW;
  const ticks = valueTicks(places, bottom - top);
  const left = Math.max(...ticks.labels.map(canvas.measure)) + 10;
  const right = canvas.width - 14;
  const y = scale([ticks.values[0] ?? 0, ticks.values.at(-1) ?? 1], [bottom, top]);
  const [first, last] = span(places);
  const x = scale([first, last], [left + 6, right]);
  const drawn = root(canvas.width, height);
  const grid = svg("g", { "aria-hidden": "true" }, signs.group);
  for (const [i, value] of ticks.values.entries()) {
    const kind = value === 0 || i === 0 ? "chart-zero" : "chart-grid";
    grid.append(line(left, y(value), canvas.width - 2, y(value), kind));
    grid.append(label(ticks.labels[i] ?? "", left - 8, y(value) + 4, "end"));
  }
  grid.append(...dateAxis(places, { x, top, bottom, left, width: canvas.width, first, last }));
  for (let i = series.length - 1; i >= 0; i -= 1) {
    grid.append(...drawSeries(chart, i, { x, y, top, bottom }));
  }
  drawn.append(grid);
  const marks = drawPlaces(chart, { x, y, top, bottom }, left, canvas.width);
  drawn.append(...marks.map(({ element }) => element));
  return { svg: drawn, height, marks };
}

/**
 * Lines differ by dashes too, and not by their colours alone.
 * @param {Chart} chart
 * @param {number} i
 */
function lineClass({ series }, i) {
  return series.length < 2 ? "series-1" : `${seriesClass(series[i], i)} dash-${i + 1}`;
}

/**
 * @param {readonly Place[]} places
 * @param {number} height
 */
function valueTicks(places, height) {
  const values = places.flatMap((place) =>
    place.values.map((value) => value?.number ?? Number.NaN),
  );
  const numbers = values.filter((value) => !Number.isNaN(value));
  let least = Math.min(...numbers);
  let greatest = Math.max(...numbers);
  if (!(least > 0 && least >= FAR_FROM_ZERO * greatest)) least = Math.min(0, least);
  if (!(greatest < 0 && greatest <= FAR_FROM_ZERO * least)) greatest = Math.max(0, greatest);
  return numberTicks(least, greatest, height / 60);
}

/**
 * @param {readonly Place[]} places
 * @returns {readonly [number, number]}
 */
function span(places) {
  const first = places[0]?.time ?? 0;
  const last = places.at(-1)?.time ?? 0;
  return first === last ? [first - DAY, last + DAY] : [first, last];
}

/**
 * @param {readonly Place[]} places
 * @param {{x: (time: number) => number, top: number, bottom: number, left: number, width: number,
 *   first: number, last: number}} where
 */
function dateAxis(places, { x, top, bottom, left, width, first, last }) {
  const whole = places.every(({ time }) => time % DAY === 0);
  const count = Math.max(2, (width - left) / 72);
  const ticks = dateTicks(first, last, count, whole ? DAY : undefined);
  /** @type {SVGElement[]} */
  const drawn = [];
  for (const [i, value] of ticks.values.entries()) {
    // A label at the edge would be cut off.
    const anchor = x(value) > width - 24 ? "end" : x(value) < left + 12 ? "start" : "middle";
    drawn.push(line(x(value), bottom, x(value), bottom + 5, "chart-zero"));
    drawn.push(line(x(value), top, x(value), bottom, "chart-grid chart-grid-faint"));
    drawn.push(label(ticks.labels[i] ?? "", x(value), bottom + 19, anchor));
    const context = ticks.contexts[i];
    if (context) drawn.push(label(context, x(value), bottom + 34, anchor, "chart-tick chart-year"));
  }
  return drawn;
}

/**
 * @param {Chart} chart
 * @param {number} i
 * @param {Scales} scales
 */
function drawSeries(chart, i, { x, y }) {
  const points = chart.places.flatMap(({ time, values }) => {
    const value = values[i];
    return value ? [/** @type {const} */ ([round(x(time)), round(y(value.number))])] : [];
  });
  const d = points.map(([px, py], at) => `${at === 0 ? "M" : "L"}${px} ${py}`).join("");
  const thin = chart.places.length > DOTS ? " chart-line-thin" : "";
  /** @type {SVGElement[]} */
  const drawn = [svg("path", { class: `chart-line ${lineClass(chart, i)}${thin}`, d })];
  if (points.length <= DOTS && chart.places.length <= DOTS) {
    const kind = `chart-dot ${seriesClass(chart.series[i], i)}`;
    drawn.push(...points.map(([cx, cy]) => svg("circle", { class: kind, cx, cy, r: 2.5 })));
  }
  return drawn;
}

/**
 * @param {Chart} chart
 * @param {Scales} scales
 * @param {number} left
 * @param {number} width
 * @returns {Mark[]}
 */
function drawPlaces({ places, series }, { x, y, top, bottom }, left, width) {
  return places.map((place, i) => {
    const at = x(place.time);
    const before = places[i - 1];
    const after = places[i + 1];
    const start = before ? (x(before.time) + at) / 2 : left;
    const end = after ? (x(after.time) + at) / 2 : width;
    const element = svg("g", { class: "chart-place" });
    element.append(
      svg("rect", {
        class: "chart-hit chart-hit-unseen",
        x: round(start),
        y: top,
        width: round(Math.max(end - start, 0.5)),
        height: bottom - top,
      }),
    );
    const tops = place.values.map((value) => (value ? y(value.number) : bottom));
    const reveal = () => {
      if (element.childElementCount > 1) return;
      element.append(line(at, top, at, bottom, "chart-cursor"));
      for (const [s, value] of place.values.entries()) {
        if (!value) continue;
        const kind = `chart-dot chart-dot-large ${seriesClass(series[s], s)}`;
        element.append(
          svg("circle", { class: kind, cx: round(at), cy: round(y(value.number)), r: 4.5 }),
        );
      }
    };
    return { element, place, x: at, y: Math.min(...tops), reveal };
  });
}
