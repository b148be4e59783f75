/** Follows a job by its event stream. (An EventSource would send no `Authorization`.) */

import { backoff, isAbort, pause } from "../core/wait.js";
import { call } from "./client.js";
import { connection } from "./connection.js";
import { EventParser } from "./event_stream.js";
import { Problem } from "./problem.js";

/**
 * What an event tells of a job.
 * @typedef {object} JobEvent
 * @property {string} id
 * @property {string} state
 * @property {number} attempt
 * @property {number} bytes_done
 * @property {number} bytes_total
 * @property {number | null} rows_done
 * @property {boolean} rows_estimated
 * @property {number} percent
 * @property {number | null} eta seconds
 * @property {string | null} reason why it failed
 * @property {string | null} result the path of the result
 */

const ENDED = new Set(["SUCCESS", "FAILURE", "REVOKED"]);
const RETRY = 1000;
/** The server sends a comment at least every 15 s: a stream that is silent for longer is broken. */
const SILENCE = 45_000;

/**
 * Calls `onJob` with the present state of a job and with every change, until the job has ended. A
 * broken connection is restored, however long that takes.
 * @param {string} jobId
 * @param {{onJob: (job: JobEvent) => void, signal?: AbortSignal}} options
 * @returns {Promise<void>} resolved when the job has ended
 * @throws {Problem} for an answer that does not pass, as of a job that does not exist
 * @throws {DOMException} `AbortError` if the signal is aborted
 */
export async function follow(jobId, { onJob, signal }) {
  const parser = new EventParser();
  for (let failures = 0; ; ) {
    try {
      const ended = await read(jobId, parser, signal, (job) => {
        failures = 0;
        onJob(job);
      });
      if (ended) return;
      failures += 1;
      await pause(backoff(failures, { first: parser.retry ?? RETRY }), signal);
    } catch (error) {
      if (signal?.aborted || !(error instanceof Problem) || !error.passes) throw error;
      failures += 1;
      if (error.status === 0) await connection.restored(signal);
      await pause(
        Math.max(backoff(failures, { first: RETRY }), 1000 * (error.retryAfter ?? 0)),
        signal,
      );
    }
  }
}

/**
 * Reads one connection to its end.
 * @param {string} jobId
 * @param {EventParser} parser
 * @param {AbortSignal | undefined} signal
 * @param {(job: JobEvent) => void} onJob
 * @returns {Promise<boolean>} whether the job has ended
 */
async function read(jobId, parser, signal, onJob) {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE);
  const either = signal ? AbortSignal.any([signal, silence.signal]) : silence.signal;
  try {
    const response = await call("GET", `api/v1/jobs/${encodeURIComponent(jobId)}/events`, {
      headers: parser.lastId ? { "Last-Event-ID": parser.lastId } : {},
      signal: either,
    });
    if (response.status === 204 || !response.body) return true;
    parser.reset();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return false;
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE);
      for (const event of parser.push(value)) {
        const job = /** @type {JobEvent} */ (JSON.parse(event.data));
        onJob(job);
        if (ENDED.has(job.state)) {
          await reader.cancel();
          return true;
        }
      }
    }
  } catch (error) {
    if (error instanceof Problem || signal?.aborted) throw error;
    if (isAbort(error) || error instanceof TypeError) return false; // silent or broken
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
