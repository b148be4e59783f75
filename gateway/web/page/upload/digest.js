/** The digest of a chunk. */

import { sha256 } from "./recognition.js";

/**
 * Reads a part of a file and returns its SHA-256; null without Web Crypto, which only secure pages
 * have. (A byte is read all the same, to notice a file that was changed.)
 * @param {Blob} blob
 * @returns {Promise<Uint8Array | null>}
 * @throws {DOMException} if the file was changed or removed since it was chosen
 */
export async function readDigest(blob) {
  const read = globalThis.crypto?.subtle ? blob : blob.slice(0, 1);
  return sha256(await read.arrayBuffer());
}
