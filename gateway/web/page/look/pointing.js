/** Shows the exact values of a place of a chart where the pointer or the keyboard is. */

import { fill, h, set } from "../core/element.js";
import { look as texts } from "../texts/look.js";
import { seriesClass } from "./axes.js";
import { grouped } from "./decimal.js";

/** @typedef {import("./axes.js").Drawn} Drawn */
/** @typedef {import("./axes.js").Mark} Mark */
/** @typedef {import("./series.js").Chart} Chart */

const MARGIN = 8;
/** How far each key moves. @type {Record<string, number>} */
const KEYS = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1, PageUp: -10, PageDown: 10 };

/**
 * Makes the places of a chart reachable: one is in the order of TAB, arrow keys move between them,
 * each is read with its exact values, and a box beside it shows them.
 * @param {HTMLElement} box contains the chart; is positioned
 * @param {Drawn} drawn
 * @param {Chart} chart
 * @param {string} measure the name of the values
 */
export function makePointable(box, drawn, chart, measure) {
  const tip = h("div", { class: "chart-tip", hidden: true, "aria-hidden": "true" });
  const { marks } = drawn;
  box.append(tip);

  const show = (/** @type {Mark} */ mark) => {
    mark.reveal?.();
    fill(tip, ...tipContent(mark, chart, measure));
    tip.hidden = false;
    place(tip, box, mark);
  };
  const hide = () => {
    tip.hidden = true;
  };
  const move = (/** @type {number} */ to) => {
    const mark = marks[Math.min(Math.max(to, 0), marks.length - 1)];
    if (!mark) return;
    for (const each of marks) each.element.setAttribute("tabindex", "-1");
    mark.element.setAttribute("tabindex", "0");
    mark.element.focus();
  };

  for (const [i, mark] of marks.entries()) {
    set(mark.element, {
      tabindex: i === 0 ? "0" : "-1",
      role: "img",
      "aria-label": spoken(mark, chart, measure),
      onpointerenter: () => show(mark),
      onclick: () => show(mark),
      onfocus: () => show(mark),
      onblur: hide,
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        if (event.key === "Escape") hide();
        const steps = KEYS[event.key];
        const to = event.key === "Home" ? 0 : event.key === "End" ? marks.length - 1 : null;
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        if (steps === undefined && to === null) return;
        event.preventDefault();
        move(to ?? i + (steps ?? 0));
      },
    });
  }
  box.addEventListener("pointerleave", hide);
  drawn.svg.setAttribute("aria-label", texts.chart.hint);
}

/**
 * What a screen reader says.
 * @param {Mark} mark
 * @param {Chart} chart
 * @param {string} measure
 */
function spoken({ place: { label, values, total } }, { series }, measure) {
  const single = series.length < 2;
  const parts = values.flatMap((value, i) => {
    if (!value) return single ? [texts.chart.none] : [];
    return [texts.chart.series(single ? measure : (series[i]?.name ?? ""), value.text)];
  });
  if (!single && total) parts.push(texts.chart.series(texts.chart.total, total.text));
  return texts.chart.point(label, parts.join(", "));
}

/**
 * @param {Mark} mark
 * @param {Chart} chart
 * @param {string} measure
 */
function tipContent({ place: { label, values, total } }, { series }, measure) {
  const single = series.length < 2;
  const rows = values.flatMap((value, i) => {
    if (!value) return [];
    const sign = h("span", { class: `chart-sign ${seriesClass(series[i], i)}` });
    return [tipRow(single ? measure : (series[i]?.name ?? ""), value.text, single ? null : sign)];
  });
  if (!single && total) rows.push(tipRow(texts.chart.total, total.text, null));
  return [h("div", { class: "chart-tip-title" }, label), ...rows];
}

/**
 * @param {string} name
 * @param {string} value
 * @param {HTMLElement | null} sign
 */
function tipRow(name, value, sign) {
  return h(
    "div",
    { class: "chart-tip-row" },
    h("span", { class: "chart-tip-name" }, sign, name),
    h("span", { class: "chart-tip-value" }, grouped(value)),
  );
}

/**
 * @param {HTMLElement} tip
 * @param {HTMLElement} box
 * @param {Mark} mark
 */
function place(tip, box, { x, y }) {
  const width = box.clientWidth;
  const right = x + 2 * MARGIN + tip.offsetWidth <= width;
  const left = right ? x + MARGIN : Math.max(x - tip.offsetWidth - MARGIN, 0);
  const top = Math.min(y + MARGIN, Math.max(box.clientHeight - tip.offsetHeight, 0));
  tip.style.setProperty("left", `${Math.min(left, Math.max(width - tip.offsetWidth, 0))}px`);
  tip.style.setProperty("top", `${top}px`);
}
