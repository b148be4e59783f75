/** Decimal numbers of any length, exactly: to compare and to add them. */

/** A number: `units` divided by ten to the power of `scale`. @typedef {{units: bigint, scale: number}} Decimal */

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/;

/**
 * Returns the number that a cell contains; null if it contains none.
 * @param {string | null | undefined} text as `-12.50`
 * @returns {Decimal | null}
 */
export function parseDecimal(text) {
  const found = text ? DECIMAL.exec(text) : null;
  if (!found) return null;
  const [, sign = "", whole = "", part = ""] = found;
  return { units: BigInt(sign + whole + part), scale: part.length };
}

/**
 * Returns a number below, equal to or above 0, as `Array.sort` takes it.
 * @param {Decimal} one
 * @param {Decimal} other
 */
export function compareDecimals(one, other) {
  const scale = Math.max(one.scale, other.scale);
  const left = scaled(one, scale);
  const right = scaled(other, scale);
  return left < right ? -1 : left > right ? 1 : 0;
}

/**
 * Returns the sum of the numbers in cells, with the decimals of the one that has most; null if there
 * is no number. Cells without a number are left out.
 * @param {Iterable<string | null | undefined>} texts
 * @returns {string | null}
 */
export function sumOf(texts) {
  /** @type {Decimal | null} */
  let sum = null;
  for (const text of texts) {
    const value = parseDecimal(text);
    if (value) sum = sum ? added(sum, value) : value;
  }
  return sum && asText(sum);
}

/**
 * Returns a text such as `-12.50`.
 * @param {Decimal} value
 */
export function asText({ units, scale }) {
  const sign = units < 0n ? "-" : "";
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, "0");
  if (scale === 0) return sign + digits;
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/**
 * Returns a number with commas between its thousands, as `1,234,567.50`. One of four digits has none,
 * as it may be a year; what is no number is returned as it is.
 * @param {string} text
 */
export function grouped(text) {
  const [, sign = "", whole = "", part] = DECIMAL.exec(text) ?? [];
  if (whole.length < 5) return text;
  return sign + whole.replace(/\B(?=(\d{3})+$)/g, ",") + (part === undefined ? "" : `.${part}`);
}

/**
 * @param {Decimal} one
 * @param {Decimal} other
 * @returns {Decimal}
 */
function added(one, other) {
  const scale = Math.max(one.scale, other.scale);
  return { units: scaled(one, scale) + scaled(other, scale), scale };
}

/**
 * @param {Decimal} value
 * @param {number} scale
 */
function scaled(value, scale) {
  return value.units * 10n ** BigInt(scale - value.scale);
}
