/** Parses Server-Sent Events (WHATWG HTML, 9.2.6). */

/**
 * @typedef {object} ServerEvent
 * @property {string} type
 * @property {string} data
 * @property {string} id the last id that was sent
 */

/** Takes the text of a stream in pieces, and returns the events that are complete. */
export class EventParser {
  #rest = "";
  #type = "";
  /** @type {string[]} */
  #data = [];
  /** The last id that was sent, for `Last-Event-ID`. */
  lastId = "";
  /** Milliseconds to wait before connecting again, as the server wishes; null if it said nothing. */
  retry = /** @type {number | null} */ (null);

  /**
   * @param {string} text
   * @returns {ServerEvent[]}
   */
  push(text) {
    /** @type {ServerEvent[]} */
    const found = [];
    this.#rest += text;
    // A CR at the end may be the first half of CRLF.
    const lines = this.#rest.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") {
        if (this.#data.length) {
          found.push({
            type: this.#type || "message",
            data: this.#data.join("\n"),
            id: this.lastId,
          });
        }
        this.#type = "";
        this.#data = [];
      } else {
        this.#field(line);
      }
    }
    return found;
  }

  /** Forgets what a broken connection left of an event. */
  reset() {
    this.#rest = "";
    this.#type = "";
    this.#data = [];
  }

  /** @param {string} line */
  #field(line) {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") this.#data.push(value);
    else if (name === "event") this.#type = value;
    else if (name === "id" && !value.includes("\0")) this.lastId = value;
    else if (name === "retry" && /^\d+$/.test(value)) this.retry = Number(value);
  }
}
