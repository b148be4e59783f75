/** What all charts have: the lines and labels of their axes, and the legend. */

import { svg } from "../core/element.js";
import { fitting, visible } from "./labels.js";

/** @typedef {import("./series.js").Series} Series */
/** @typedef {import("./ticks.js").Ticks} Ticks */

/** Pixels of a line of text. */
export const LINE = 16;
const GAP = 20;
const SWATCH = 18;

/**
 * What a chart is drawn with.
 * @typedef {object} Canvas
 * @property {number} width pixels
 * @property {(text: string) => number} measure pixels of a text of a label
 */

/**
 * A chart that is drawn.
 * @typedef {object} Drawn
 * @property {SVGSVGElement} svg
 * @property {number} height pixels
 * @property {readonly Mark[]} marks what can be pointed at, in the order of the axis
 */

/**
 * @typedef {object} Mark
 * @property {SVGGElement} element
 * @property {import("./series.js").Place} place
 * @property {number} x where its description is shown
 * @property {number} y
 * @property {() => void} [reveal] draws what is seen only while it is pointed at
 */

/** The class with the colour of a series. @param {Series | undefined} series @param {number} i */
export function seriesClass(series, i) {
  return series?.rest ? "series-rest" : `series-${(i % 6) + 1}`;
}

/**
 * Returns the text of an axis.
 * @param {string} content
 * @param {number} x
 * @param {number} y
 * @param {"start" | "middle" | "end"} anchor
 * @param {string} [kind] its class
 */
export function label(content, x, y, anchor, kind = "chart-tick") {
  return svg("text", { class: kind, x: round(x), y: round(y), "text-anchor": anchor }, content);
}

/**
 * @param {number} x1
 * @param {number} y1
 * @param {number} x2
 * @param {number} y2
 * @param {string} kind its class
 */
export function line(x1, y1, x2, y2, kind) {
  return svg("line", { class: kind, x1: round(x1), y1: round(y1), x2: round(x2), y2: round(y2) });
}

/** Whole and half pixels are sharp. @param {number} value */
export function round(value) {
  return Math.round(value * 100) / 100;
}

/**
 * Returns a function from values to pixels.
 * @param {readonly [number, number]} domain
 * @param {readonly [number, number]} range
 */
export function scale([from, to], [start, end]) {
  const span = to - from || 1;
  return (/** @type {number} */ value) => start + ((value - from) / span) * (end - start);
}

/**
 * Returns the legend, and its height: 0 if there is only one series.
 * @param {readonly Series[]} series
 * @param {Canvas} canvas
 * @param {(i: number) => SVGElement} swatch draws the sign of a series, `SWATCH` wide, at 0, 0
 */
export function legend(series, { width, measure }, swatch) {
  const group = svg("g", { class: "chart-legend" });
  if (series.length < 2) return { group, height: 0 };
  let x = 0;
  let y = 0;
  for (const [i, { name }] of series.entries()) {
    const text = fitting(visible(name), Math.min(width - SWATCH - 6, 220), measure);
    const space = SWATCH + 6 + measure(text);
    if (x > 0 && x + space > width) {
      x = 0;
      y += LINE + 4;
    }
    const item = svg(
      "g",
      { transform: `translate(${round(x)} ${y})` },
      swatch(i),
      label(text, SWATCH + 6, 12, "start", "chart-label"),
    );
    group.append(item);
    x += space + GAP;
  }
  return { group, height: y + LINE + 14 };
}

/**
 * Returns the root of a chart.
 * @param {number} width
 * @param {number} height
 */
export function root(width, height) {
  return svg("svg", {
    class: "chart",
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: "group",
  });
}
