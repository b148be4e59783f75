/** Why a download does not go on. */

/**
 * - `changed`: the server has another result now.
 * - `damaged`: the bytes that arrived are not those of the result.
 * - `gone`: the result does not exist any more.
 * - `key`: an API key is needed, or another one.
 * - `space`: the browser has no space left.
 * - `place`: the file cannot be written where it was to be.
 * - `ranges`: a proxy answers without ranges.
 * - `failed`: anything else.
 * @typedef {"changed" | "damaged" | "gone" | "key" | "space" | "place" | "ranges" | "failed"} Reason
 */

/** A download that cannot go on by itself. */
export class Ended extends Error {
  /**
   * @param {Reason} reason
   * @param {string} [detail] what the server or the browser said
   */
  constructor(reason, detail = "") {
    super(detail || reason);
    this.name = "Ended";
    this.reason = reason;
    this.detail = detail;
  }
}

/**
 * Returns why an error ends a download.
 * @param {unknown} error
 * @returns {Ended}
 */
export function asEnded(error) {
  if (error instanceof Ended) return error;
  const detail = error instanceof Error ? error.message : String(error);
  const name = error instanceof Error ? error.name : "";
  return new Ended(name === "QuotaExceededError" ? "space" : "failed", detail);
}
