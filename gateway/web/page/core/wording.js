/** Messages of the service in the words of the page. */

import { dialect } from "../texts/dialect.js";

/** A setting of how a file is read, with a value if one is named: `input.decimal to ','`. */
const SETTING = /\binput\.((?:number\.)?[a-z_]+)(?:( to )('[^'\\]*'|true|skip)(?! or))?/g;

/**
 * Returns a message with the labels of settings in place of their keys.
 * @param {string} text as `add 'NA' to input.null`
 */
export function labelled(text) {
  return text.replace(SETTING, (whole, key, to, written) => {
    const label = dialect.labels[key];
    if (!label) return whole;
    if (!to) return `“${label}”`;
    const value = dialect.values[key]?.[written.replace(/^'|'$/g, "")];
    return `“${label}”${to}${value ? `“${value}”` : written}`;
  });
}

/**
 * Returns a message as a sentence.
 * @param {string} text
 */
export function sentence(text) {
  const [first = ""] = text;
  const start = first.toUpperCase() + text.slice(first.length);
  return text && (/[.!?…]$/.test(start) ? start : `${start}.`);
}

/**
 * Returns a message as a sentence, with the labels of settings in place of their keys.
 * @param {string} text
 */
export function inLabels(text) {
  return sentence(labelled(text));
}
