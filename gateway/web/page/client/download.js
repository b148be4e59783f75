/** The download of a result by csvmill.js: resumed after a broken line, and verified. */

import { call } from "../api/client.js";
import { connection } from "../api/connection.js";
import { Problem } from "../api/problem.js";
import { backoff, isAbort, pause } from "../core/wait.js";
import { Sha256 } from "../download/sha256.js";

/** What arrived is not what the service has computed. */
export class Damaged extends Error {}

/**
 * Reads the result of a job from its first byte to its last.
 * @param {import("../csvmill.d.ts").Job} job one with a result
 * @param {import("../csvmill.d.ts").DownloadOptions & {write: (bytes: Uint8Array) => unknown}} options
 * @returns {Promise<string>} the SHA-256 in hexadecimal, which is the right one
 * @throws {Damaged}
 */
export async function readResult(job, { write, onProgress, signal }) {
  const { size, sha256 } = job.result ?? { size: 0, sha256: "" };
  const path = `api/v1/jobs/${encodeURIComponent(job.id)}/result`;
  const digest = new Sha256();
  let arrived = 0;
  for (let failures = 0; ; ) {
    try {
      const headers = { Range: `bytes=${arrived}-`, "If-Match": `"${sha256}"` };
      const query = { encoding: "identity" };
      if (arrived < size || size === 0) {
        const response = await call("GET", path, {
          ...(size > 0 ? { headers } : {}),
          query,
          ...(signal ? { signal } : {}),
        });
        if (arrived > 0 && response.status !== 206) throw new Damaged("the answer has no range");
        for await (const bytes of chunksOf(response)) {
          digest.update(bytes);
          await write(bytes);
          arrived += bytes.length;
          failures = 0;
          onProgress?.(arrived, size);
        }
      }
      if (arrived >= size) break;
      throw new TypeError("the connection broke");
    } catch (error) {
      if (error instanceof Damaged || signal?.aborted || isAbort(error)) throw error;
      if (error instanceof Problem ? !error.passes : !(error instanceof TypeError)) throw error;
      failures += 1;
      if (error instanceof Problem && error.status === 0) await connection.restored(signal);
      await pause(backoff(failures), signal);
    }
  }
  const found = digest.hex();
  if (found !== sha256) throw new Damaged(`its SHA-256 is ${found}, and should be ${sha256}`);
  return found;
}

/**
 * @param {Response} response
 * @returns {AsyncGenerator<Uint8Array>}
 */
async function* chunksOf(response) {
  const reader = response.body?.getReader();
  if (!reader) return;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    yield value;
  }
}
