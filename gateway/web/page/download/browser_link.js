/** The URL with which the browser itself downloads a result. */

import { apiUrl, callJson } from "../api/client.js";

/** Seconds for which a signed link is asked for: a large file takes long, and may be resumed. */
const LIFE = 86_400;
const BAD_REQUEST = 400;

/** Without a content coding, so that the browser can resume. */
const PLAIN = Object.freeze({ encoding: "identity" });

/**
 * Returns the URL of a result.
 * @param {string} jobId
 */
export function plainUrl(jobId) {
  return apiUrl(`api/v1/jobs/${encodeURIComponent(jobId)}/result`, PLAIN).href;
}

/**
 * Returns a URL that needs no key, for some time.
 * @param {string} jobId
 * @param {AbortSignal} signal
 * @throws {import("../api/problem.js").Problem}
 */
export async function signedUrl(jobId, signal) {
  const path = `api/v1/jobs/${encodeURIComponent(jobId)}/links`;
  let link;
  try {
    link = await callJson("POST", path, { json: { expires_in: LIFE }, signal });
  } catch (error) {
    // The service allows shorter lives only: then its own choice is taken.
    if (/** @type {{status?: number}} */ (error).status !== BAD_REQUEST) throw error;
    link = await callJson("POST", path, { json: {}, signal });
  }
  return apiUrl(link.url, PLAIN).href;
}
