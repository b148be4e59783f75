/** Digests of chunks, computed by a worker, or by the page where the worker cannot be loaded. */

import { readDigest } from "./digest.js";

/** @typedef {import("./digest_worker.js").Answer} Answer */

/**
 * A digest that the worker has been asked for.
 * @typedef {object} Asked
 * @property {Blob} blob
 * @property {(digest: Promise<Uint8Array | null> | Uint8Array | null) => void} resolve
 * @property {(error: Unreadable) => void} reject
 */

/** The file was changed or removed since it was chosen, so the browser does not read it. */
export class Unreadable extends Error {}

/** @type {Map<number, Asked>} */
const asked = new Map();
/** @type {Worker | null} */
let worker = null;
let broken = false;
let count = 0;

/**
 * Returns the SHA-256 of a part of a file; null without Web Crypto.
 * @param {Blob} blob
 * @returns {Promise<Uint8Array | null>}
 * @throws {Unreadable}
 */
export function digestOf(blob) {
  if (broken) return readHere(blob);
  try {
    worker ??= startWorker();
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    broken = true; // a module of another origin must not start a worker
    return readHere(blob);
  }
  count += 1;
  worker.postMessage({ number: count, blob });
  return new Promise((resolve, reject) => asked.set(count, { blob, resolve, reject }));
}

function startWorker() {
  const started = new Worker(new URL("./digest_worker.js", import.meta.url), { type: "module" });
  started.addEventListener("message", (/** @type {MessageEvent<Answer>} */ { data }) => {
    const question = asked.get(data.number);
    asked.delete(data.number);
    if (data.unreadable) question?.reject(new Unreadable());
    else question?.resolve(data.digest);
  });
  started.addEventListener("error", () => {
    broken = true;
    for (const { blob, resolve } of asked.values()) resolve(readHere(blob));
    asked.clear();
  });
  return started;
}

/** @param {Blob} blob */
function readHere(blob) {
  return readDigest(blob).catch((error) => {
    throw error instanceof DOMException ? new Unreadable() : error;
  });
}
