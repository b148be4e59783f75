/** Small pictures that stand beside a text, or for one that a screen reader says. */

import { svg } from "../core/element.js";

/**
 * Lines of each picture in a square of 20, drawn with the colour of the text.
 * @type {Record<string, string>}
 */
const PATHS = {
  system: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14Zm0 0v14M10 6l5.5 0M10 10h7M10 14l5.5 0",
  light:
    "M10 7a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM10 2.5v1.6M10 15.9v1.6M2.5 10h1.6M15.9 10h1.6M4.7 4.7l1.1 1.1M14.2 14.2l1.1 1.1M15.3 4.7l-1.1 1.1M5.8 14.2l-1.1 1.1",
  dark: "M16.5 11.8A6.8 6.8 0 0 1 8.2 3.5a6.8 6.8 0 1 0 8.3 8.3Z",
  key: "M12.7 3.2a4.1 4.1 0 1 0 .01 0ZM9.8 10.2 3.5 16.5M5.5 14.5l2 2M13.4 6.6v.01",
  copy: "M7.5 7.5h8v9h-8ZM12.5 7.5v-4h-8v9h3",
  check: "M4 10.5l4 4 8-9",
  warning: "M10 3.2 17.8 16.8H2.2ZM10 8.2v4M10 14.4v.01",
  close: "M5 5l10 10M15 5 5 15",
  file: "M5 2.5h6.5L15.5 6.5v11H5ZM11.5 2.5v4h4",
  upload: "M10 13V4M6 7.5 10 3.5l4 4M3.5 12.5v4h13v-4",
  download: "M10 3.5v9M6 9l4 4 4-4M3.5 12.5v4h13v-4",
  play: "M6 4v12l10-6Z",
  pause: "M7 4.5v11M13 4.5v11",
  trash: "M4 5.5h12M8 5.5v-2h4v2M5.5 5.5l.8 11.5h7.4l.8-11.5M8.5 8.5v5.5M11.5 8.5v5.5",
  search: "M8.8 3.5a5.3 5.3 0 1 0 .01 0ZM12.7 12.7l4 4",
  plus: "M10 4v12M4 10h12",
  table: "M3 4.5h14v11.5H3ZM3 8.5h14M8 8.5v7.5",
  chart: "M3.5 3.5v13h13M7 13v-3M10.5 13V6.5M14 13V9",
  more: "M5 10v.01M10 10v.01M15 10v.01",
  sort: "M7 4v12M4 13l3 3 3-3M13 16V4M10 7l3-3 3 3",
};

/**
 * Returns a picture, which screen readers pass over.
 * @param {keyof typeof PATHS} name
 */
export function icon(name) {
  return svg(
    "svg",
    { class: "icon", viewBox: "0 0 20 20", "aria-hidden": "true" },
    svg("path", { d: PATHS[name] ?? "" }),
  );
}
