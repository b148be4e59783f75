/** JSON as people read it. */

/** Characters of a line, as many as the narrow card beside a question shows. */
const WIDTH = 40;

/**
 * Returns JSON with a line for each value that fits into one.
 * @param {unknown} value
 * @param {string} [indent]
 * @param {number} [before] characters on the line before the value, besides the indent
 * @returns {string}
 */
export function pretty(value, indent = "", before = 0) {
  const plain = JSON.stringify(value);
  if (value === null || typeof value !== "object") return plain;
  // Written with a blank after each colon and comma, most of which separate.
  const blanks = plain.match(/[:,](?=["[{\d-])/g)?.length ?? 0;
  const short = indent.length + before + plain.length + blanks <= WIDTH;
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    if (short) return `[${value.map((each) => pretty(each, inner)).join(", ")}]`;
    return `[\n${value.map((each) => inner + pretty(each, inner)).join(",\n")}\n${indent}]`;
  }
  const pairs = Object.entries(value).map(
    ([key, each]) =>
      `${JSON.stringify(key)}: ${pretty(each, inner, JSON.stringify(key).length + 2)}`,
  );
  if (pairs.length === 0) return "{}";
  if (short && indent) return `{${pairs.join(", ")}}`;
  return `{\n${pairs.map((each) => inner + each).join(",\n")}\n${indent}}`;
}
