/** The requests about uploads that are complete, of which jobs can be asked. */

import { call, callJson } from "../api/client.js";

/**
 * A complete upload, as `GET /api/v1/uploads` shows it.
 * @typedef {object} StoredUpload
 * @property {string} id
 * @property {string} name
 * @property {number} size bytes
 * @property {string | null} sha256
 * @property {string} created_at
 * @property {boolean} keep whether it is kept although no job needs it
 * @property {string | null} expires_at until when; null if that has no end, or is not so
 * @property {string[]} jobs the ids of its latest jobs, the newest first
 */

/** @param {string} id */
const pathOf = (id) => `api/v1/uploads/${encodeURIComponent(id)}`;

/**
 * Returns one page of the complete uploads, newest first, and the cursor of the next one.
 * @param {{name: string, cursor: string | null, limit: number}} wanted
 * @param {AbortSignal} [signal]
 * @returns {Promise<{uploads: StoredUpload[], cursor: string | null}>}
 */
export async function listUploads({ name, cursor, limit }, signal) {
  const query = { name: name || null, cursor, limit };
  const page = await callJson("GET", "api/v1/uploads", { query, ...(signal ? { signal } : {}) });
  const next = page.next ? new URL(page.next, document.baseURI).searchParams.get("cursor") : null;
  return { uploads: page.uploads, cursor: next };
}

/**
 * Keeps an upload until it is deleted, or only as long as jobs need it.
 * @param {string} id
 * @param {boolean} keep
 * @returns {Promise<StoredUpload>}
 */
export function keepUpload(id, keep) {
  return callJson("PUT", `${pathOf(id)}/keep`, { json: { keep } });
}

/**
 * Deletes an upload.
 * @param {string} id
 * @throws {import("../api/problem.js").Problem} `upload-in-use` while a job reads it
 */
export async function deleteUpload(id) {
  await call("DELETE", pathOf(id));
}

/**
 * Returns the name and the size of an upload.
 * @param {string} id
 * @param {AbortSignal} [signal]
 * @returns {Promise<{id: string, name: string, size: number}>}
 */
export function getUpload(id, signal) {
  return callJson("GET", pathOf(id), signal ? { signal } : {});
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
