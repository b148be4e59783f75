/** A chart as a picture that needs nothing else: SVG with its colours and fonts, or PNG. */

import { h, svg } from "../core/element.js";
import { LINE, round } from "./axes.js";
import { visible } from "./labels.js";
import { textMeasure } from "./text_width.js";

/** @typedef {import("./axes.js").Canvas} Canvas */
/** @typedef {import("./axes.js").Drawn} Drawn */

const WIDTH = 960;
const PADDING = 24;
const SCALE = 2;
const TITLE = 18;
const TYPE = { svg: "image/svg+xml", png: "image/png" };
/** What the styles of the page decide, which a picture needs as attributes. */
const INLINED = [
  "fill",
  "stroke",
  "stroke-width",
  "stroke-dasharray",
  "stroke-linejoin",
  "font-family",
  "font-size",
  "font-weight",
  "text-anchor",
  "paint-order",
  "opacity",
];
const LEFT_OUT = ["class", "tabindex", "role", "aria-label", "aria-hidden"];

/** Signs that file names do not have, and those that turn the direction of text. */
const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is replaced
  /[\u0000-\u001f\u007f\u200e\u200f\u202a-\u202e\u2066-\u2069/\\:*?"<>|]+/gu;

/**
 * Returns a chart as a file.
 * @param {"svg" | "png"} kind
 * @param {object} about
 * @param {(canvas: Canvas) => Drawn} about.draw
 * @param {string} about.title
 * @param {readonly string[]} about.notes
 * @param {HTMLElement} host an element of the page whose colours and font the picture has
 * @returns {Promise<Blob>}
 * @throws {Error} if the browser cannot make the picture
 */
export async function pictureOf(kind, about, host) {
  const stage = h("div", { class: "chart-stage", "aria-hidden": "true", inert: true });
  host.append(stage);
  try {
    const drawn = composed(about, stage);
    stage.append(drawn.svg);
    resolveStyles(drawn.svg);
    const text = new XMLSerializer().serializeToString(drawn.svg);
    const picture = new Blob([text], { type: TYPE.svg });
    return kind === "svg" ? picture : await asPng(picture, drawn.width, drawn.height);
  } finally {
    stage.remove();
  }
}

/**
 * Returns a chart with its title above and its notes below.
 * @param {{draw: (canvas: Canvas) => Drawn, title: string, notes: readonly string[]}} about
 * @param {HTMLElement} stage
 */
function composed({ draw, title, notes }, stage) {
  const inner = WIDTH - 2 * PADDING;
  const measure = textMeasure(stage, "12px");
  const titles = wrapped(visible(title), inner, textMeasure(stage, `${TITLE}px`));
  const lines = notes.flatMap((note) => wrapped(visible(note), inner, measure));
  const chart = draw({ width: inner, measure });
  const top = PADDING + titles.length * (TITLE + 6) + 10;
  const below = top + chart.height + 14;
  const height = Math.ceil(below + lines.length * LINE + PADDING - 4);
  const whole = svg("svg", {
    class: "chart",
    width: WIDTH,
    height,
    viewBox: `0 0 ${WIDTH} ${height}`,
  });
  whole.append(svg("title", null, visible(title)));
  whole.append(svg("rect", { class: "chart-ground", width: WIDTH, height }));
  for (const [i, text] of titles.entries()) {
    const y = PADDING + TITLE + i * (TITLE + 6) - 2;
    whole.append(svg("text", { class: "chart-title", x: PADDING, y }, text));
  }
  for (const [i, text] of lines.entries()) {
    const y = round(below + LINE * (i + 0.75));
    whole.append(svg("text", { class: "chart-note", x: PADDING, y }, text));
  }
  chart.svg.setAttribute("x", String(PADDING));
  chart.svg.setAttribute("y", String(top));
  for (const unseen of chart.svg.querySelectorAll(".chart-hit")) unseen.remove();
  whole.append(chart.svg);
  return { svg: whole, width: WIDTH, height };
}

/**
 * @param {string} text
 * @param {number} width
 * @param {(text: string) => number} measure
 */
function wrapped(text, width, measure) {
  /** @type {string[]} */
  const lines = [];
  let begun = "";
  for (const word of text.slice(0, 400).split(" ")) {
    const longer = begun ? `${begun} ${word}` : word;
    if (begun && measure(longer) > width) {
      lines.push(begun);
      begun = word;
    } else {
      begun = longer;
    }
  }
  return [...lines, begun];
}

/** @param {SVGElement} root is in the document */
function resolveStyles(root) {
  const all = [root, .../** @type {NodeListOf<SVGElement>} */ (root.querySelectorAll("*"))];
  const found = all.map((element) => {
    const style = getComputedStyle(element);
    return INLINED.map((name) => /** @type {const} */ ([name, style.getPropertyValue(name)]));
  });
  for (const [i, element] of all.entries()) {
    for (const name of LEFT_OUT) element.removeAttribute(name);
    if (element.tagName === "title") continue;
    for (const [name, value] of found[i] ?? []) {
      if (value) element.setAttribute(name, value);
    }
  }
}

/**
 * @param {Blob} picture
 * @param {number} width
 * @param {number} height
 * @returns {Promise<Blob>}
 */
async function asPng(picture, width, height) {
  const url = URL.createObjectURL(picture);
  try {
    const image = new Image(width, height);
    image.src = url;
    await image.decode();
    const canvas = h("canvas", { width: width * SCALE, height: height * SCALE });
    const context = canvas.getContext("2d");
    if (!context) throw new Error("the browser has no canvas");
    context.scale(SCALE, SCALE);
    context.drawImage(image, 0, 0, width, height);
    const png = await new Promise((/** @type {(blob: Blob | null) => void} */ resolve) =>
      canvas.toBlob(resolve, TYPE.png),
    );
    if (!png) throw new Error("the browser made no PNG");
    return png;
  } finally {
    URL.revokeObjectURL(url);
  }
}

/**
 * Lets the browser save a file.
 * @param {Blob} file
 * @param {string} name
 */
export function save(file, name) {
  const href = URL.createObjectURL(file);
  h("a", { href, download: safeName(name) }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000); // the browser may still read it
}

/** @param {string} name */
function safeName(name) {
  return name.replace(UNSAFE, "_");
}
