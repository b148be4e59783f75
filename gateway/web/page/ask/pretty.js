/** JSON as people read it. */

/**
 * Returns JSON with a line for each value that fits into one.
 * @param {unknown} value
 * @param {string} [indent]
 * @returns {string}
 */
export function pretty(value, indent = "") {
  const plain = JSON.stringify(value);
  if (value === null || typeof value !== "object") return plain;
  const short = plain.length + indent.length <= 42;
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    if (short) return `[${value.map((each) => pretty(each, inner)).join(", ")}]`;
    return `[\n${value.map((each) => inner + pretty(each, inner)).join(",\n")}\n${indent}]`;
  }
  const pairs = Object.entries(value).map(
    ([key, each]) => `${JSON.stringify(key)}: ${pretty(each, inner)}`,
  );
  if (pairs.length === 0) return "{}";
  if (short && indent) return `{${pairs.join(", ")}}`;
  return `{\n${pairs.map((each) => inner + each).join(",\n")}\n${indent}}`;
}
