/** Texts of strangers, such as names of files and columns, so that they do not deceive. */

/** Signs that turn or override the direction of text: a name with one looks like another name. */
const TURNS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
/** Scripts that run from right to left. */
const LEFTWARDS = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is replaced
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/gu;

/**
 * Returns a text on one line, without signs that turn the direction of text; they are shown as `�`.
 * @param {unknown} text
 */
export function plain(text) {
  return String(text).replace(CONTROL, " ").replace(TURNS, "\ufffd").trim();
}

/**
 * Returns a text to be put into a sentence: as `plain`, cut, and isolated where its script runs from
 * right to left, so that it turns nothing around it.
 * @param {unknown} text
 * @param {number} [longest] characters
 */
export function inSentence(text, longest = 60) {
  const line = plain(text);
  const characters = [...line];
  const cut = characters.length > longest ? `${characters.slice(0, longest - 1).join("")}…` : line;
  return LEFTWARDS.test(cut) ? `\u2068${cut}\u2069` : cut;
}
