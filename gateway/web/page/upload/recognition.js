/** Whether a file is the one whose upload was begun. */

const EXCERPT = 64 * 1024;

/**
 * What is remembered of a file.
 * @typedef {object} Likeness
 * @property {string} name
 * @property {number} size - bytes
 * @property {number} lastModified - milliseconds since 1970
 * @property {string | null} digest - of its excerpts, in hexadecimal; null where the browser computes none
 */

/** @typedef {"name" | "size" | "modified" | "content"} Difference */

/**
 * The ranges of a file that are compared: its first, middle and last 64 KiB.
 * @param {number} size - bytes of the file
 * @returns {(readonly [number, number])[]} they overlap in a small file
 */
export function excerptRanges(size) {
  const middle = Math.max(0, Math.floor((size - EXCERPT) / 2));
  const starts = [0, middle, Math.max(0, size - EXCERPT)];
  return starts.map((start) => [start, Math.min(start + EXCERPT, size)]);
}

/**
 * @param {File} file
 * @returns {Promise<Likeness>}
 * @throws {DOMException} NotReadableError if the file was changed or removed since it was chosen
 */
export async function likenessOf(file) {
  return {
    name: file.name,
    size: file.size,
    lastModified: file.lastModified,
    digest: await excerptsDigest(file),
  };
}

/**
 * @param {Likeness} known
 * @param {Likeness} given
 * @returns {Difference | null} the first difference; null if it is the same file
 */
export function differenceBetween(known, given) {
  if (known.name !== given.name) return "name";
  if (known.size !== given.size) return "size";
  if (known.digest !== null && given.digest !== null && known.digest !== given.digest)
    return "content";
  // An edit between the excerpts changes only this. File systems round it to up to two seconds.
  if (Math.abs(known.lastModified - given.lastModified) > 2000) return "modified";
  return null;
}

/**
 * @param {Blob} file
 * @returns {Promise<string | null>} null without Web Crypto, which only secure pages have
 */
async function excerptsDigest(file) {
  const excerpts = new Blob(excerptRanges(file.size).map(([start, end]) => file.slice(start, end)));
  const digest = await sha256(await excerpts.arrayBuffer());
  return digest && Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * The SHA-256 of bytes, computed off the main thread.
 * @param {ArrayBuffer} bytes
 * @returns {Promise<Uint8Array | null>} null without Web Crypto
 */
export async function sha256(bytes) {
  if (!globalThis.crypto?.subtle) return null;
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/**
 * As `likenessOf`; null for a file that was changed or removed since it was chosen.
 * @param {File} file
 * @returns {Promise<Likeness | null>}
 */
export async function likenessIfReadable(file) {
  try {
    return await likenessOf(file);
  } catch (error) {
    if (error instanceof DOMException) return null;
    throw error;
  }
}
