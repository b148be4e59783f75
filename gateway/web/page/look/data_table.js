/** The exact values of a chart as a table. */

import { h } from "../core/element.js";
import { look } from "../texts/look.js";

/**
 * @param {import("./series.js").Chart} chart
 * @param {string} title
 * @param {string} measure the name of the values
 */
export function dataTable({ places, series }, title, measure) {
  const names = series.length < 2 ? [measure] : series.map(({ name }) => name);
  const head = h(
    "tr",
    null,
    h("td"),
    names.map((name) => h("th", { scope: "col", class: "number" }, name)),
  );
  const rows = places.map(({ label, values }) =>
    h(
      "tr",
      null,
      h("th", { scope: "row" }, label),
      values.map((value) => h("td", { class: "number" }, value?.text ?? "")),
    ),
  );
  return h(
    "div",
    {
      class: "table-scroll look-scroll",
      tabindex: "0",
      role: "region",
      "aria-label": look.chart.data,
    },
    h(
      "table",
      null,
      h("caption", { class: "unseen" }, title),
      h("thead", null, head),
      h("tbody", null, rows),
    ),
  );
}
