/** The texts of a workbook's cells, as its job reads them (docs/csv.md). */

/**
 * What the numbers of cells stand for.
 * @typedef {object} Notation
 * @property {readonly string[]} texts that cells share
 * @property {readonly ("" | "date" | "duration")[]} dated by style: what its numbers are
 * @property {boolean} from1904 whether days are counted from 1904
 * @property {string} decimal
 */

const ROW = /<(?:\w+:)?row\b([^<>]*)>/g;
const CELL = /<(?:\w+:)?c\b([^<>]*)>/g;
const VALUE = /<(?:\w+:)?v\b[^<>]*>([^<]*)</;
const TEXT = /<(?:\w+:)?t\b[^<>]*>([^<]*)/g;
const ITEM = /<(?:\w+:)?si\b([^<>]*)>/g;
const ENTITY = /&(?:#x([0-9a-fA-F]+)|#([0-9]+)|(amp|lt|gt|quot|apos));/g;
const NAMED = Object.freeze({ amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" });
/** The start and end of a pronunciation, which is no part of a text. */
const PHONETIC = /<(?:\w+:)?rPh\b/;
const PHONETIC_END = /<\/(?:\w+:)?rPh>/;
/** Formats of dates and times that every workbook has. */
const DATED = Object.freeze([
  ...[14, 15, 16, 17, 18, 19, 20, 21, 22, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36],
  ...[45, 46, 47, 50, 51, 52, 53, 54, 55, 56, 57, 58],
]);
const DAY = 86_400_000;
const MOST_COLUMNS = 16_384;

/** Characters that stand for others. @param {string} text */
export function unescaped(text) {
  return text.replace(ENTITY, (whole, hex, digits, name) => {
    if (name) return NAMED[/** @type {keyof typeof NAMED} */ (name)];
    const code = hex ? Number.parseInt(hex, 16) : Number(digits);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

/**
 * Returns the value of an attribute; "" if there is none.
 * @param {string} attributes
 * @param {string} name
 */
export function attribute(attributes, name) {
  const found = new RegExp(`(?:^|\\s)${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`).exec(attributes);
  return unescaped(found?.[1] ?? found?.[2] ?? "");
}

/** @param {string} markup */
function textOf(markup) {
  const [first = "", ...others] = markup.split(PHONETIC);
  const said = [first, ...others.map((each) => each.split(PHONETIC_END, 2)[1] ?? "")].join("");
  return unescaped([...said.matchAll(TEXT)].map(([, text = ""]) => text).join(""));
}

/**
 * Returns the elements of a kind, each with what is between its start and that of the next one. Takes
 * time linear in the markup, whatever it is.
 * @param {string} markup
 * @param {RegExp} start
 */
function elements(markup, start) {
  const found = [...markup.matchAll(start)];
  return found.map((each, i) => ({
    attributes: each[1] ?? "",
    inner: markup.slice(each.index + each[0].length, found[i + 1]?.index),
  }));
}

/**
 * Returns the texts that cells share.
 * @param {string} markup of `xl/sharedStrings.xml`
 */
export function sharedTexts(markup) {
  return elements(markup, ITEM).map(({ inner }) => textOf(inner));
}

/**
 * Returns for each style what its numbers are: dates and times, durations, or numbers.
 * @param {string} markup of `xl/styles.xml`
 * @returns {("" | "date" | "duration")[]}
 */
export function datedStyles(markup) {
  const formats = new Map(
    [...markup.matchAll(/<(?:\w+:)?numFmt\b([^<>]*)>/g)].map(([, each = ""]) => [
      Number(attribute(each, "numFmtId")),
      attribute(each, "formatCode"),
    ]),
  );
  const styles = markup.split(/<\/?(?:\w+:)?cellXfs\b/, 2)[1] ?? "";
  return [...styles.matchAll(/<(?:\w+:)?xf\b([^<>]*)>/g)].map(([, each = ""]) => {
    const id = Number(attribute(each, "numFmtId"));
    const format = formats.get(id);
    if (format === undefined) return id === 46 ? "duration" : DATED.includes(id) ? "date" : "";
    if (/\[(?:h+|m+|s+)\]/i.test(format)) return "duration";
    // Without texts in quotes, escaped characters, colours and currencies.
    const plain = format.replace(/"[^"]*"|\\.|\[[^\]]*\]|_./g, "");
    return /[dmhys]/i.test(plain) ? "date" : "";
  });
}

/**
 * Returns the rows of a sheet that have a value, each with the texts of its cells.
 * @param {string} markup of the sheet, or of its start
 * @param {boolean} whole whether that is all of it; if not, its last row may be cut off
 * @param {Notation} notation
 * @returns {string[][]}
 */
export function rowsOf(markup, whole, notation) {
  /** @type {string[][]} */
  const found = [];
  let width = 0;
  const rows = elements(markup, ROW);
  for (const row of whole ? rows : rows.slice(0, -1)) {
    /** @type {string[]} */
    const cells = [];
    let place = 0;
    for (const { attributes, inner } of elements(row.inner, CELL)) {
      place = columnOf(attribute(attributes, "r")) ?? place;
      if (place >= MOST_COLUMNS) break;
      cells[place] = cellText(attributes, inner, notation);
      place += 1;
    }
    const texts = Array.from(cells, (text) => text ?? "");
    while (texts.at(-1) === "") texts.pop();
    if (texts.length === 0) continue;
    width = Math.max(width, texts.length);
    found.push([...texts, ...Array(width - texts.length).fill("")]);
  }
  return found;
}

/** The place of a column from 0, of a cell such as `AB12`. @param {string} reference */
function columnOf(reference) {
  const letters = /^[A-Z]{1,3}/.exec(reference)?.[0];
  if (!letters) return null;
  return [...letters].reduce((sum, each) => sum * 26 + each.charCodeAt(0) - 64, 0) - 1;
}

/**
 * @param {string} attributes
 * @param {string} inner
 * @param {Notation} notation
 */
function cellText(attributes, inner, { texts, dated, from1904, decimal }) {
  const kind = attribute(attributes, "t") || "n";
  if (kind === "inlineStr") return textOf(inner);
  const value = unescaped(VALUE.exec(inner)?.[1] ?? "");
  if (value === "") return "";
  if (kind === "s") return texts[Number(value)] ?? "";
  if (kind === "b") return value === "0" ? "FALSE" : "TRUE";
  const number = Number(value);
  if (kind !== "n" || !Number.isFinite(number)) return value;
  const style = dated[Number(attribute(attributes, "s") || "0")];
  if (style === "date") return dateText(number, from1904);
  if (style === "duration") return durationText(number);
  return plainNumber(number).replace(".", decimal);
}

/**
 * Returns a date, a time of a day, or both, in ISO 8601.
 * @param {number} days
 * @param {boolean} from1904
 */
function dateText(days, from1904) {
  const start = from1904 ? Date.UTC(1904, 0, 1) : Date.UTC(1899, 11, days < 60 ? 31 : 30);
  const moment = new Date(start + Math.round(days * 86_400) * 1000);
  if (Number.isNaN(moment.getTime())) return String(days);
  const [date = "", time = ""] = moment.toISOString().slice(0, 19).split("T");
  if (days >= 0 && days < 1) return time;
  return moment.getTime() % DAY === 0 ? date : `${date}T${time}`;
}

/** @param {number} days */
function durationText(days) {
  const seconds = Math.round(Math.abs(days) * 86_400);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return (days < 0 ? "-" : "") + parts.map((each) => String(each).padStart(2, "0")).join(":");
}

/** A number without an exponent. @param {number} number */
function plainNumber(number) {
  const text = String(number);
  if (!text.includes("e")) return text;
  return Math.abs(number) >= 1 ? String(BigInt(number)) : number.toFixed(20).replace(/\.?0+$/, "");
}

/**
 * Returns rows as CSV, as far as `limit` bytes have room, and how many rows that are.
 * @param {readonly (readonly string[])[]} rows
 * @param {number} limit
 */
export function asCsv(rows, limit) {
  const encoder = new TextEncoder();
  /** @type {string[]} */
  const lines = [];
  let size = 0;
  for (const row of rows) {
    const line = `${row.map(quoted).join(",")}\n`;
    size += encoder.encode(line).length;
    if (size > limit) break;
    lines.push(line);
  }
  return { text: lines.join(""), count: lines.length };
}

/** @param {string} cell */
function quoted(cell) {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
