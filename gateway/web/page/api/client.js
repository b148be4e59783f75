/** Requests to the API of the server that the page is from. */

import { isAbort } from "../core/wait.js";
import { connection } from "./connection.js";
import { askForKey, currentKey } from "./key.js";
import { Problem, problemOf, UNREACHABLE } from "./problem.js";
import { serviceUrl } from "./service.js";

/**
 * @typedef {object} CallOptions
 * @property {Record<string, string | number | boolean | null | undefined> | URLSearchParams} [query]
 *   null and undefined are left out
 * @property {unknown} [json] a body, which is sent as JSON
 * @property {BodyInit} [body]
 * @property {Record<string, string>} [headers]
 * @property {AbortSignal} [signal]
 * @property {boolean} [ask] whether a person is asked for a key if one is needed; true by default
 */

/**
 * Returns the URL of a path of the server, which may be below a prefix.
 * @param {string} path as `api/v1/jobs`; a leading slash is ignored, as is the prefix, which links
 *   in answers have if the server knows it
 * @param {CallOptions["query"]} [query]
 */
export function apiUrl(path, query) {
  const prefix = new URL(".", serviceUrl()).pathname;
  const own = path.startsWith(`${prefix}api/`) ? path.slice(prefix.length) : path;
  const url = new URL(own.replace(/^\/+/, ""), serviceUrl());
  url.hash = "";
  const pairs = query instanceof URLSearchParams ? [...query] : Object.entries(query ?? {});
  for (const [name, value] of pairs) {
    if (value !== null && value !== undefined) url.searchParams.append(name, String(value));
  }
  return url;
}

/**
 * Sends a request and returns its answer, if that is none of an error. If a key is needed, a person
 * is asked for it, and the request is sent again.
 * @param {string} method
 * @param {string} path as `api/v1/jobs`
 * @param {CallOptions} [options]
 * @returns {Promise<Response>}
 * @throws {Problem} for an answer with an error, and with status 0 if there is none
 * @throws {DOMException} `AbortError` if the signal is aborted
 */
export async function call(method, path, options = {}) {
  let response = await send(method, path, options);
  while (response.status === 401 && options.ask !== false) {
    const problem = await problemOf(response);
    if (!(await askForKey(problem.detail))) throw problem;
    options.signal?.throwIfAborted();
    response = await send(method, path, options);
  }
  if (!response.ok && response.status !== 304) throw await problemOf(response);
  return response;
}

/**
 * Sends a request and returns the JSON of its answer.
 * @param {string} method
 * @param {string} path
 * @param {CallOptions} [options]
 * @returns {Promise<any>}
 * @throws {Problem} as `call`
 */
export async function callJson(method, path, options = {}) {
  const response = await call(method, path, options);
  try {
    return await response.json();
  } catch (error) {
    if (isAbort(error)) throw error;
    throw lost(error);
  }
}

/**
 * @param {string} method
 * @param {string} path
 * @param {CallOptions} options
 */
async function send(method, path, { query, json, body, headers, signal }) {
  const fields = new Headers(headers);
  const key = currentKey();
  if (key) fields.set("Authorization", `Bearer ${key}`);
  if (json !== undefined && !fields.has("Content-Type")) {
    fields.set("Content-Type", "application/json");
  }
  const content = json === undefined ? body : JSON.stringify(json);
  try {
    const response = await fetch(apiUrl(path, query), {
      method,
      headers: fields,
      ...(content === undefined ? {} : { body: content }),
      ...(signal ? { signal } : {}),
      cache: "no-store",
      credentials: "same-origin",
    });
    connection.found();
    return response;
  } catch (error) {
    if (isAbort(error) || signal?.aborted) throw error;
    throw lost(error);
  }
}

/** @param {unknown} error */
function lost(error) {
  connection.lost();
  const detail = error instanceof Error ? error.message : String(error);
  return new Problem({ status: 0, type: UNREACHABLE, more: { detail } });
}
