/** The options of `csvmill run` that declare how a file is written. */

/** @typedef {import("./types.js").Input} Input */

/** Names of characters, as options may have them. @type {{[option: string]: {[value: string]: string}}} */
const NAMES = {
  delimiter: { "\t": "tab", " ": "space" },
  quote: { "": "none" },
  escape: { "": "none", "\\": "backslash" },
  thousands: { "": "none", " ": "space" },
};
const FLAGS = new Set(["currency", "percent"]);
/** Options of which the value is a number if it consists of digits. */
const NUMBERS = new Set(["sheet", "skip_footer"]);

/**
 * Returns the options of an `input`, each a name and perhaps a value; null if one cannot say it.
 * @param {Input} input
 * @returns {([string] | [string, string])[] | null}
 */
export function inputOptions(input) {
  /** @type {([string] | [string, string])[]} */
  const found = [];
  for (const [key, value] of Object.entries({ ...input, .../** @type {Input} */ (input.number) })) {
    if (key === "number") continue;
    const option = `--${key.replaceAll("_", "-")}`;
    if (key === "header") {
      found.push([value ? "--header" : "--no-header"]);
    } else if (FLAGS.has(key)) {
      if (value) found.push([option]);
    } else if (Array.isArray(value)) {
      found.push(...value.map((each) => /** @type {[string, string]} */ ([option, String(each)])));
    } else if (typeof value === "string" || typeof value === "number") {
      if (NUMBERS.has(key) && typeof value === "string" && /^[0-9]+$/.test(value)) return null;
      found.push([option, NAMES[key]?.[value] ?? String(value)]);
    } else {
      return null;
    }
  }
  return found;
}
