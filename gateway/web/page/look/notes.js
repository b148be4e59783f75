/** Says of a chart what it does not show. */

import { look } from "../texts/look.js";
import { visible } from "./labels.js";

const texts = look.chart;

/**
 * @param {object} about
 * @param {import("./series.js").Chart} about.chart
 * @param {import("./choice.js").Shape} about.shape
 * @param {import("./types.js").Preview} about.preview the rows that were drawn
 * @param {boolean} about.sorted whether they are the first ones in the order that the chart needs
 * @param {import("./choice.js").Choice} about.choice
 * @param {number} about.measure
 * @returns {string[]}
 */
export function notesOf({ chart, shape, preview, sorted, choice, measure }) {
  const { columns, rows, truncated, total } = preview;
  const name = (/** @type {number | null | undefined} */ i) =>
    visible(columns[i ?? -1]?.name ?? "");
  const names = (/** @type {readonly number[]} */ all) => all.map(name).join(texts.and);
  const others = choice.groups.filter((i) => i !== choice.time);
  const notes = [];
  if (truncated && !sorted) notes.push(texts.firstRows(rows.length, total));
  else if (truncated && shape === "line") {
    notes.push(texts.latestRows(rows.length, total, name(choice.time)));
  } else if (truncated) notes.push(texts.largestRows(chart.places.length, total, name(measure)));
  if (shape === "bar" && !(truncated && sorted) && chart.groups > chart.places.length) {
    notes.push(texts.largest(chart.places.length, chart.groups));
  }
  if (chart.added.length > 0) notes.push(texts.added(names(chart.added)));
  const own = chart.series.filter(({ rest }) => !rest).length;
  if (chart.split > own) {
    const by = names(shape === "line" ? others : others.slice(1, 2));
    const rest = own < chart.series.length;
    notes.push(rest ? texts.others(chart.split - own, by) : texts.leftOut(own, chart.split, by));
  }
  return notes;
}
