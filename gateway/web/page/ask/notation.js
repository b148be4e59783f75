/**
 * Writes JSON values as short text for a URL: `(group_by:!(Song),limit:10)`.
 *
 * An object is `(key:value,...)`, a list `!(value,...)`; true, false and null are `!t`, `!f` and
 * `!n`; a number is as in JSON. Text is as it is if that is a word, else in apostrophes, in which `!`
 * precedes an apostrophe and a `!`.
 */

/** @typedef {null | boolean | number | string | Json[] | {[key: string]: Json}} Json */

const WORD = /^[\p{L}_][\p{L}\p{N}_.-]*$/u;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const BARE = /[\p{L}_][\p{L}\p{N}_.-]*/uy;
const CONSTANTS = new Map([
  ["t", true],
  ["f", false],
  ["n", null],
]);
/** How deep lists and objects may be. */
const DEPTH = 40;

/**
 * @param {unknown} value a JSON value; keys that are undefined are left out
 * @returns {string}
 */
export function write(value) {
  if (value === null) return "!n";
  if (typeof value === "boolean") return value ? "!t" : "!f";
  if (typeof value === "number") return JSON.stringify(value);
  if (typeof value === "string") return writeText(value);
  if (Array.isArray(value)) return `!(${value.map(write).join(",")})`;
  const pairs = Object.entries(/** @type {object} */ (value)).filter(
    ([, each]) => each !== undefined,
  );
  return `(${pairs.map(([key, each]) => `${writeText(key)}:${write(each)}`).join(",")})`;
}

/** @param {string} text */
function writeText(text) {
  return WORD.test(text) ? text : `'${text.replace(/[!']/g, "!$&")}'`;
}

/**
 * @param {string} text
 * @returns {Json}
 * @throws {SyntaxError} if it is not what `write` writes
 */
export function parse(text) {
  const reader = new Reader(text);
  const value = reader.value(0);
  if (reader.at < text.length) throw reader.error();
  return value;
}

class Reader {
  at = 0;

  /** @param {string} text */
  constructor(text) {
    this.text = text;
  }

  error() {
    return new SyntaxError(`unexpected ${this.text.slice(this.at, this.at + 10) || "end"}`);
  }

  /** @param {string} expected */
  take(expected) {
    if (!this.text.startsWith(expected, this.at)) return false;
    this.at += expected.length;
    return true;
  }

  /** @param {string} expected */
  need(expected) {
    if (!this.take(expected)) throw this.error();
  }

  /** @param {RegExp} pattern sticky */
  match(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (!found) return null;
    this.at += found[0].length;
    return found[0];
  }

  /**
   * @param {number} depth
   * @returns {Json}
   */
  value(depth) {
    if (depth > DEPTH) throw this.error();
    if (this.take("!(")) return this.list(depth);
    if (this.take("(")) return this.object(depth);
    if (this.take("!")) return this.constant();
    const number = this.match(NUMBER);
    return number === null ? this.string() : Number(number);
  }

  /** @param {number} depth */
  list(depth) {
    /** @type {Json[]} */
    const found = [];
    if (this.take(")")) return found;
    do found.push(this.value(depth + 1));
    while (this.take(","));
    this.need(")");
    return found;
  }

  /** @param {number} depth */
  object(depth) {
    /** @type {[string, Json][]} */
    const found = [];
    if (this.take(")")) return {};
    do {
      const key = this.string();
      this.need(":");
      found.push([key, this.value(depth + 1)]);
    } while (this.take(","));
    this.need(")");
    // `fromEntries` makes a plain property of any key, of `__proto__` too.
    return Object.fromEntries(found);
  }

  constant() {
    const letter = this.text.charAt(this.at);
    const found = CONSTANTS.get(letter);
    if (found === undefined) throw this.error();
    this.at += 1;
    return found;
  }

  string() {
    if (!this.take("'")) {
      const word = this.match(BARE);
      if (word === null) throw this.error();
      return word;
    }
    let found = "";
    while (!this.take("'")) {
      if (this.at >= this.text.length) throw this.error();
      this.take("!");
      found += this.text.charAt(this.at);
      this.at += 1;
    }
    return found;
  }
}
