/** A workbook (.xlsx): its sheets, and the start of one as CSV. Its job reads it by itself. */

import { Archive } from "./workbook_archive.js";
import { asCsv, attribute, datedStyles, rowsOf, sharedTexts } from "./workbook_cells.js";

/**
 * A sheet of a workbook.
 * @typedef {object} Sheet
 * @property {string} name
 * @property {boolean} visible
 * @property {string} part where it is in the archive
 */

const BOOK = "xl/workbook.xml";
/** Bytes of markup that are read of a sheet, and of what it needs. */
const MOST_OF_SHEET = 2 << 20;
const MOST_OF_TEXTS = 16 << 20;
const MOST_OF_OTHERS = 1 << 20;
/** Attributes, in the values of which there may be any character but the quotes around them. */
const ATTRIBUTES = /(?:[^<>"']|"[^"<]*"|'[^'<]*')*/.source;

export class Workbook {
  /** What has been read of sheets. @type {Map<string, Promise<{text: string, whole: boolean}>>} */
  #starts = new Map();

  /**
   * @param {Archive} archive
   * @param {readonly Sheet[]} sheets
   * @param {boolean} from1904 whether days are counted from 1904
   */
  constructor(archive, sheets, from1904) {
    this.archive = archive;
    this.sheets = sheets;
    this.from1904 = from1904;
  }

  /**
   * Reads which sheets a workbook has; null if the file is none that is read here.
   * @param {Blob} file
   * @returns {Promise<Workbook | null>}
   * @throws {TypeError} if it is damaged
   */
  static async of(file) {
    const archive = await Archive.of(file);
    if (!archive?.has(BOOK)) return null;
    const book = (await archive.part(BOOK, MOST_OF_OTHERS)).text;
    const relations = (await archive.part("xl/_rels/workbook.xml.rels", MOST_OF_OTHERS)).text;
    const sheets = sheetsOf(book, relations);
    const properties = /<(?:\w+:)?workbookPr\b([^>]*)>/.exec(book)?.[1] ?? "";
    const from1904 = ["1", "true"].includes(attribute(properties, "date1904"));
    return sheets.length > 0 ? new Workbook(archive, sheets, from1904) : null;
  }

  /**
   * Returns the sheet that `input.sheet` names: by its name, by its number from 1, or the only one
   * that is visible. Null if it is not clear which.
   * @param {unknown} given
   */
  sheet(given) {
    if (typeof given === "string") return this.sheets.find(({ name }) => name === given) ?? null;
    if (typeof given === "number") return this.sheets[given - 1] ?? null;
    const [first, ...others] = this.sheets.filter(({ visible }) => visible);
    return others.length === 0 ? (first ?? null) : null;
  }

  /**
   * Returns the start of a sheet as CSV, and whether that is all of it.
   * @param {Sheet} sheet
   * @param {{decimal: string, limit: number}} options `limit` is that of the bytes
   * @returns {Promise<{text: string, whole: boolean}>}
   * @throws {TypeError} if it is damaged
   */
  start({ part }, { decimal, limit }) {
    const key = [decimal, limit, part].join();
    const start = this.#starts.get(key) ?? this.#read(part, decimal, limit);
    this.#starts.set(key, start);
    return start;
  }

  /**
   * @param {string} part
   * @param {string} decimal
   * @param {number} limit
   */
  async #read(part, decimal, limit) {
    const { archive, from1904 } = this;
    const [markup, texts, styles] = await Promise.all([
      archive.part(part, MOST_OF_SHEET),
      archive.part("xl/sharedStrings.xml", MOST_OF_TEXTS),
      archive.part("xl/styles.xml", MOST_OF_OTHERS),
    ]);
    const rows = rowsOf(markup.text, markup.whole, {
      texts: sharedTexts(texts.text),
      dated: datedStyles(styles.text),
      from1904,
      decimal,
    });
    const { text, count } = asCsv(rows, limit);
    return { text, whole: markup.whole && count === rows.length };
  }
}

/**
 * @param {string} book
 * @param {string} relations
 * @returns {Sheet[]}
 */
function sheetsOf(book, relations) {
  /** @type {Map<string, string>} */
  const parts = new Map();
  for (const [, each = ""] of relations.matchAll(/<(?:\w+:)?Relationship\b([^<>]*)>/g)) {
    if (!attribute(each, "Type").endsWith("/worksheet")) continue;
    const target = attribute(each, "Target");
    parts.set(attribute(each, "Id"), target.startsWith("/") ? target.slice(1) : `xl/${target}`);
  }
  return [...book.matchAll(new RegExp(`<(?:\\w+:)?sheet\\b(${ATTRIBUTES})>`, "g"))].flatMap(
    ([, each = ""]) => {
      const part = parts.get(attribute(each, "(?:\\w+:)id"));
      const state = attribute(each, "state") || "visible";
      return part ? [{ name: attribute(each, "name"), visible: state === "visible", part }] : [];
    },
  );
}
