/**
 * The client of csvmill for other web pages: uploads in chunks with pause and resume, questions,
 * progress, downloads. It is what the page itself is made of, sent as one module at `/csvmill.js`;
 * `csvmill.d.ts` has its types, and docs/javascript.md says how it is used.
 */

import { callJson } from "./api/client.js";
import { follow } from "./api/events.js";
import { answerKey, keys, useKey } from "./api/key.js";
import { Problem } from "./api/problem.js";
import { useService } from "./api/service.js";
import { Damaged, readResult } from "./client/download.js";
import { newId, Upload } from "./client/upload.js";
import { Stopped } from "./upload/sending.js";

/** The errors: an answer of the service, an upload that cannot go on, a download that was damaged. */
export const errors = Object.freeze({ Problem, Stopped, Damaged });

/** @typedef {import("./csvmill.d.ts").Csvmill} Client */
/** @typedef {import("./csvmill.d.ts").JobEvent} JobEvent */

/** @implements {Client} */
export class Csvmill {
  /** @param {import("./csvmill.d.ts").Settings} [settings] */
  constructor({ url = new URL(".", document.baseURI).href, key = null, askForKey } = {}) {
    useService(url);
    useKey(key);
    keys.addEventListener("wanted", async () => {
      const given = (await askForKey?.()) ?? null;
      if (given) useKey(given);
      answerKey(null, { given: given !== null });
    });
  }

  /**
   * @param {File} file
   * @param {import("./csvmill.d.ts").UploadOptions} [options]
   */
  upload(file, options = {}) {
    return new Upload(file, options);
  }

  /**
   * @param {import("./csvmill.d.ts").Question} question
   * @param {{signal?: AbortSignal}} [options]
   * @returns {Promise<import("./csvmill.d.ts").Job>}
   */
  ask({ inputs, aggregation, name }, { signal } = {}) {
    return callJson("POST", "api/v1/jobs", {
      json: { inputs, aggregation, ...(name === undefined ? {} : { name }) },
      headers: { "Idempotency-Key": `"${newId()}"` },
      ...(signal ? { signal } : {}),
    });
  }

  /**
   * @param {string} id
   * @param {{signal?: AbortSignal}} [options]
   * @returns {Promise<import("./csvmill.d.ts").Job>}
   */
  job(id, { signal } = {}) {
    return callJson("GET", `api/v1/jobs/${encodeURIComponent(id)}`, signal ? { signal } : {});
  }

  /**
   * @param {string} id
   * @param {import("./csvmill.d.ts").FollowOptions} [options]
   */
  async follow(id, { onProgress, signal } = {}) {
    const onJob = (/** @type {JobEvent} */ event) => onProgress?.(event);
    await follow(id, { onJob, ...(signal ? { signal } : {}) });
    return this.job(id, signal ? { signal } : {});
  }

  /**
   * @param {import("./csvmill.d.ts").Job} job
   * @param {import("./csvmill.d.ts").DownloadOptions} [options]
   */
  async download(job, options = {}) {
    /** @type {BlobPart[]} */
    const parts = [];
    await readResult(job, {
      ...options,
      write: (bytes) => parts.push(/** @type {BlobPart} */ (bytes)),
    });
    return new Blob(parts);
  }

  /**
   * @param {import("./csvmill.d.ts").Job} job
   * @param {WritableStream<Uint8Array>} stream
   * @param {import("./csvmill.d.ts").DownloadOptions} [options]
   */
  async downloadTo(job, stream, options = {}) {
    const writer = stream.getWriter();
    try {
      await readResult(job, { ...options, write: (bytes) => writer.write(bytes) });
      await writer.close();
    } catch (error) {
      await writer.abort(error);
      throw error;
    }
  }
}
