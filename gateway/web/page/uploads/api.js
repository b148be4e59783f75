/** The requests about uploads that are complete, of which jobs can be asked. */

import { callJson } from "../api/client.js";

/**
 * Returns the name and the size of an upload.
 * @param {string} id
 * @param {AbortSignal} [signal]
 * @returns {Promise<{id: string, name: string, size: number}>}
 */
export function getUpload(id, signal) {
  return callJson("GET", `api/v1/uploads/${encodeURIComponent(id)}`, signal ? { signal } : {});
}

/**
 * Asks for a job of uploads that are there.
 * @param {object} asked
 * @param {readonly string[]} asked.inputs the ids of the uploads, in order
 * @param {{[key: string]: unknown}} asked.aggregation what to compute
 * @param {AbortSignal} [signal]
 * @returns {Promise<import("../jobs/api.js").Job>}
 */
export function askJob({ inputs, aggregation }, signal) {
  const json = { inputs, aggregation };
  return callJson("POST", "api/v1/jobs", { json, ...(signal ? { signal } : {}) });
}
