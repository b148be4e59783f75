/** The tab of a job: its title and its icon show how far it is. */

import { jobs as texts } from "../texts/jobs.js";
import { texts as all } from "../texts.js";

const CIRCLE = 2 * Math.PI * 12;
/** The colours of the icon's ring, which is drawn outside the page and so knows no styles. */
const COLOURS = { run: "#0b8a83", good: "#2c8a4b", bad: "#c7362c", rest: "#9aa39d" };

/** The icon of the page before it was changed. @type {string | null} */
let original = null;

/**
 * Shows a percentage in the tab.
 * @param {string} name of the file
 * @param {number | null} percent null if it is not known
 * @param {string} stage shown instead of an unknown percentage
 */
export function showInTab(name, percent, stage) {
  const lead = percent === null ? stage : `${Math.floor(percent)} %`;
  document.title = all.frame.titleOf(texts.job.title(lead, name));
  setIcon(ring(percent ?? 0, COLOURS.run));
}

/**
 * Shows in the tab how a job has ended, or only its name.
 * @param {string} name
 * @param {string} state
 */
export function showEndInTab(name, state) {
  /** @type {Record<string, string>} */
  const states = all.states;
  document.title = all.frame.titleOf(texts.job.title(states[state] ?? state, name));
  if (state === "SUCCESS") setIcon(ring(100, COLOURS.good));
  else if (state === "FAILURE") setIcon(ring(100, COLOURS.bad));
  else resetTab();
}

/** Gives the tab the icon of the page again. */
export function resetTab() {
  const link = iconLink();
  if (link && original !== null) link.href = original;
  original = null;
}

/** @param {string} url */
function setIcon(url) {
  const link = iconLink();
  if (!link) return;
  original ??= link.href;
  link.href = url;
}

function iconLink() {
  return /** @type {HTMLLinkElement | null} */ (document.querySelector('link[rel="icon"]'));
}

/**
 * Returns a ring of which a share is drawn.
 * @param {number} percent
 * @param {string} colour
 */
function ring(percent, colour) {
  const done = (CIRCLE * percent) / 100;
  const circle = 'cx="16" cy="16" r="12" fill="none" stroke-width="7"';
  const image =
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">' +
    `<circle ${circle} stroke="${COLOURS.rest}" stroke-opacity=".45"/>` +
    `<circle ${circle} stroke="${colour}" transform="rotate(-90 16 16)" ` +
    `stroke-dasharray="${done.toFixed(2)} ${CIRCLE.toFixed(2)}"/></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(image)}`;
}
