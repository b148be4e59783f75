/** The requests about jobs. */

import { call, callJson } from "../api/client.js";

/** @typedef {{[key: string]: any}} Json */

/**
 * A job as `GET /api/v1/jobs/{id}` shows it.
 * @typedef {object} Job
 * @property {string} id
 * @property {string} state
 * @property {number} attempt
 * @property {number} max_attempts
 * @property {string} created_at
 * @property {string | null} finished_at
 * @property {string | null} [expired_at] when its file and its result were removed
 * @property {string | null} [result_deleted_at] when its result alone was removed
 * @property {string | null} reason
 * @property {string} filename
 * @property {number} input_size
 * @property {Json | null} aggregation
 * @property {Progress | null} progress
 * @property {{size: number, sha256: string, rows_in: number | null, rows_out: number} | null} result
 * @property {Report | null} report
 * @property {FileProblem[]} problems
 * @property {number | null} problem_count
 * @property {Attempt[]} attempts
 * @property {{upload_id: string, name: string, size: number}[]} inputs
 * @property {string | null} cached_from the job whose result this one has
 */

/**
 * @typedef {object} Progress
 * @property {number} bytes_done
 * @property {number} bytes_total
 * @property {number | null} rows_done
 * @property {boolean} rows_estimated
 * @property {number} percent
 * @property {number | null} eta seconds
 */

/**
 * @typedef {object} FileProblem
 * @property {number} line
 * @property {number | null} column
 * @property {string | null} name
 * @property {string} found
 * @property {string} expected
 * @property {string | null} [file] its name, if the job has several
 */

/**
 * @typedef {object} FileWarning
 * @property {string} kind
 * @property {number} count
 * @property {number | null} line
 * @property {number | null} column
 * @property {string} example
 * @property {string} message
 * @property {string} remedy
 * @property {string | null} [file] the name of that of the first one, if the job has several
 */

/**
 * @typedef {object} Attempt
 * @property {number} number
 * @property {string} worker
 * @property {string} started_at
 * @property {string | null} ended_at
 * @property {string | null} outcome
 * @property {string | null} reason
 */

/**
 * Numbers are null if the file was not read to its end.
 * @typedef {object} Report
 * @property {Json | null} dialect
 * @property {string} engine
 * @property {string} engine_version
 * @property {number | null} rows_in
 * @property {number | null} rows_aggregated
 * @property {number | null} rows_filtered
 * @property {number | null} rows_rejected
 * @property {number | null} rows_of_several_lines
 * @property {number | null} most_lines
 * @property {number | null} lines_passed_over
 * @property {number | null} rejects_omitted
 * @property {number | null} rows_padded
 * @property {number | null} rows_truncated
 * @property {number} bytes_in
 * @property {number | null} bytes_decompressed
 * @property {Record<string, number>} seconds
 * @property {number} peak_memory
 * @property {number} peak_scratch
 * @property {FileWarning[]} warnings
 * @property {number | null} head_start
 */

/** @param {string} id */
const pathOf = (id) => `api/v1/jobs/${encodeURIComponent(id)}`;

/**
 * Returns a job.
 * @param {string} id
 * @param {AbortSignal} [signal]
 * @returns {Promise<Job>}
 */
export function getJob(id, signal) {
  return callJson("GET", pathOf(id), signal ? { signal } : {});
}

/**
 * Returns one page of the jobs, newest first, and the cursor of the next one.
 * @param {{states: readonly string[], name: string, cursor?: string | null, limit: number}} wanted
 * @param {AbortSignal} [signal]
 * @returns {Promise<{jobs: Job[], cursor: string | null}>}
 */
export async function listJobs({ states, name, cursor, limit }, signal) {
  const query = { state: states.join(",") || null, name: name || null, cursor, limit };
  const page = await callJson("GET", "api/v1/jobs", { query, ...(signal ? { signal } : {}) });
  // Only its cursor: the path lacks the prefix below which a proxy may serve the page.
  const next = page.next ? new URL(page.next, document.baseURI).searchParams.get("cursor") : null;
  return { jobs: page.jobs, cursor: next };
}

/**
 * Cancels a job that has not ended.
 * @param {string} id
 */
export async function cancelJob(id) {
  await call("DELETE", pathOf(id), { query: { finished: "keep" } });
}

/**
 * Deletes the data of a job that has ended.
 * @param {string} id
 */
export async function deleteJob(id) {
  await call("DELETE", pathOf(id));
}

/**
 * Deletes the result of a job, and keeps its file.
 * @param {string} id
 */
export async function deleteResult(id) {
  await call("DELETE", `${pathOf(id)}/result`);
}

/**
 * Tries a failed job again.
 * @param {string} id
 * @returns {Promise<Job>}
 */
export function retryJob(id) {
  return callJson("POST", `${pathOf(id)}/retry`);
}

/**
 * Makes a link that works without a key.
 * @param {string} id
 * @param {"result" | "rejects"} output
 * @param {number} seconds for which it is valid
 * @returns {Promise<{url: string, expires_at: string}>}
 */
export function createLink(id, output, seconds) {
  return callJson("POST", `${pathOf(id)}/links`, { json: { output, expires_in: seconds } });
}

/**
 * Returns the path of an output of a job.
 * @param {string} id
 * @param {"result" | "rejects"} output
 */
export function outputPath(id, output) {
  return `${pathOf(id)}/${output}`;
}
