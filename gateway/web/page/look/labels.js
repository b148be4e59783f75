/** Texts of cells as charts show them. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is replaced
const CONTROL = /[\u0000-\u001f\u007f]/g;
/** What turns the direction of the text after it. */
const TURNS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const SEPARATOR = " · ";

/**
 * Returns a text without control characters, which SVG must not contain, and without those that
 * turn the direction of text: signs show where they are.
 * @param {string} text
 */
export function visible(text) {
  return text
    .replace(TURNS, "\ufffd")
    .replace(CONTROL, (sign) =>
      sign === "\u007f" ? "\u2421" : String.fromCharCode(0x2400 + sign.charCodeAt(0)),
    );
}

/**
 * Returns the label of a group.
 * @param {readonly (string | null | undefined)[]} cells
 * @param {string} empty for a cell without text
 */
export function groupLabel(cells, empty) {
  return cells.map((cell) => visible(cell || empty)).join(SEPARATOR);
}

/**
 * Returns a text that is at most `width` wide, with an ellipsis for the rest.
 * @param {string} text
 * @param {number} width
 * @param {(text: string) => number} measure
 */
export function fitting(text, width, measure) {
  if (measure(text) <= width) return text;
  const characters = [...text.slice(0, 400)];
  let fits = 0;
  let least = characters.length;
  while (fits + 1 < least) {
    const half = (fits + least) >> 1;
    if (measure(`${characters.slice(0, half).join("").trimEnd()}…`) <= width) fits = half;
    else least = half;
  }
  return `${characters.slice(0, fits).join("").trimEnd()}…`;
}
