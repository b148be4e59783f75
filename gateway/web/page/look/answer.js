/** Reads the JSON of a preview and keeps the digits of its numbers. */

/** @typedef {import("./types.js").Preview} Preview */

/** A string, or a number outside of strings. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/**
 * Returns the preview in an answer. `JSON.parse` alone would make 1.5 of 1.50.
 * @param {string} text JSON
 * @returns {Preview}
 * @throws {SyntaxError} if it is no JSON
 */
export function readPreview(text) {
  const quoted = text.replace(TOKEN, (token) => (token.startsWith('"') ? token : `"${token}"`));
  const found = JSON.parse(quoted);
  return {
    columns: found.columns.map((/** @type {any} */ column) => ({
      name: column.name,
      type: column.type,
      function: column.function ?? null,
      truncate: column.truncate ?? null,
    })),
    rows: found.rows,
    truncated: found.truncated,
    total: Number(found.total_rows ?? found.rows.length),
  };
}
