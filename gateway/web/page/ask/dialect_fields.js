/** What a person may declare about how a file is written: the keys of `input` (docs/csv.md). */

/**
 * A key of `input`.
 * @typedef {object} Field
 * @property {string} key as `delimiter`, or `number.currency`
 * @property {"choice" | "text" | "lines" | "list" | "check"} kind
 * @property {readonly string[]} [values] to choose from; those of `header` stand for true and false
 * @property {boolean} [main] whether it is always shown
 * @property {boolean} [found] whether it is found out if it is not declared
 * @property {string} [on] the value of a box that is checked
 */

export const ENCODINGS = Object.freeze([
  "utf-8",
  "utf-16-le",
  "utf-16-be",
  "windows-1252",
  "latin-1",
  "windows-1250",
  "windows-1251",
  "windows-1253",
  "windows-1254",
  "windows-1255",
  "windows-1256",
  "windows-1257",
  "windows-1258",
  "iso-8859-2",
  "iso-8859-3",
  "iso-8859-4",
  "iso-8859-5",
  "iso-8859-6",
  "iso-8859-7",
  "iso-8859-8",
  "iso-8859-9",
  "iso-8859-10",
  "iso-8859-11",
  "iso-8859-13",
  "iso-8859-14",
  "iso-8859-15",
  "iso-8859-16",
  "koi8-r",
  "koi8-u",
  "mac-roman",
  "cp437",
  "cp850",
  "cp866",
  "cp720",
  "cp737",
  "cp775",
  "cp852",
  "cp855",
  "cp856",
  "cp857",
  "cp858",
  "cp860",
  "cp861",
  "cp862",
  "cp863",
  "cp865",
  "cp869",
  "cp1125",
  "windows-874",
  "tis-620",
  "koi8-t",
  "kz-1048",
  "ptcp154",
  "hp-roman8",
  "palmos",
  "mac-latin2",
  "mac-croatian",
  "mac-romanian",
  "mac-cyrillic",
  "mac-greek",
  "mac-turkish",
  "mac-iceland",
  "shift-jis",
  "euc-jp",
  "gb18030",
  "big5",
  "euc-kr",
]);

/** @type {readonly Field[]} */
export const FIELDS = Object.freeze([
  { key: "delimiter", kind: "choice", values: [",", ";", "\t", "|", " "], main: true, found: true },
  { key: "header", kind: "choice", values: ["true", "false"], main: true, found: true },
  { key: "encoding", kind: "choice", values: ENCODINGS, main: true, found: true },
  { key: "decimal", kind: "choice", values: [".", ","], main: true },
  { key: "date", kind: "text" },
  { key: "thousands", kind: "choice", values: ["", ",", ".", " ", "'", "_"] },
  { key: "null", kind: "list" },
  { key: "quote", kind: "choice", values: ['"', "'", ""], found: true },
  { key: "escape", kind: "choice", values: ["", "\\"], found: true },
  { key: "line_end", kind: "choice", values: ["lf", "cr"], found: true },
  {
    key: "compression",
    kind: "choice",
    values: ["none", "gzip", "zstd", "bzip2", "zip", "xlsx"],
    found: true,
  },
  { key: "sheet", kind: "text" },
  { key: "skip_lines", kind: "lines" },
  { key: "header_line", kind: "lines" },
  { key: "header_starts_with", kind: "text" },
  { key: "comment", kind: "text" },
  { key: "skip_footer", kind: "text" },
  { key: "on_bad_row", kind: "choice", values: ["fail", "skip"] },
  {
    key: "on_ragged",
    kind: "choice",
    values: ["fail", "pad", "truncate", "pad_or_truncate"],
  },
  { key: "columns", kind: "choice", values: ["same", "union"] },
  { key: "number.currency", kind: "check" },
  { key: "number.percent", kind: "check" },
  { key: "number.parentheses", kind: "check", on: "negative" },
]);

/** Keys that do not apply to workbooks (docs/csv.md). */
const OF_TEXT = ["delimiter", "quote", "escape", "encoding", "line_end", "compression"];

/**
 * Returns the fields of a file; `sheets` are the names of those of a workbook, of which one is chosen.
 * @param {readonly string[] | null} sheets
 * @returns {readonly Field[]}
 */
export function fieldsOf(sheets) {
  if (!sheets) return FIELDS;
  /** @type {Field} */
  const sheet = { key: "sheet", kind: "choice", values: sheets, main: true, found: true };
  const others = FIELDS.filter(({ key }) => key !== "sheet" && !OF_TEXT.includes(key));
  return [sheet, ...others];
}

/**
 * Returns the declared value of a key; undefined if it is not declared.
 * @param {import("./types.js").Input} input
 * @param {string} key
 * @returns {unknown}
 */
export function declared(input, key) {
  const [first = "", second] = key.split(".");
  const value = input[first];
  if (second === undefined || value === undefined) return value;
  return /** @type {{[key: string]: unknown}} */ (value)[second];
}

/**
 * Declares the value of a key, or no more if it is undefined.
 * @param {import("./types.js").Input} input
 * @param {string} key
 * @param {unknown} value
 */
export function declare(input, key, value) {
  const [first = "", second] = key.split(".");
  if (second === undefined) {
    if (value === undefined) delete input[first];
    else input[first] = value;
    return;
  }
  const before = /** @type {{[key: string]: unknown}} */ (input[first] ?? {});
  const inner = { ...before, [second]: value };
  if (value === undefined) delete inner[second];
  if (Object.keys(inner).length > 0) input[first] = inner;
  else delete input[first];
}

/**
 * Returns the value of a text that a person has entered for a key; undefined for none.
 * @param {Field} field
 * @param {string} text
 * @returns {unknown}
 */
export function enteredValue({ key, kind }, text) {
  if (kind === "list") {
    const values = text.split(",").map((each) => each.trim());
    const kept = values.filter(Boolean);
    return kept.length > 0 ? kept : undefined;
  }
  if (text === "") return undefined;
  const isNumber = kind === "lines" || key === "skip_footer";
  if (isNumber && /^[0-9]{1,10}$/.test(text.trim())) {
    const lines = Number(text);
    return lines === 0 ? undefined : lines;
  }
  return text;
}
