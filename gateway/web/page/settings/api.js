/** The requests about saved specs and webhooks. */

import { call, callJson } from "../api/client.js";

/**
 * A saved spec, as lists show it.
 * @typedef {object} SpecSummary
 * @property {string} name
 * @property {string} created_at
 * @property {string} changed_at
 * @property {string} etag
 */

/**
 * A message to a URL about the end of a job.
 * @typedef {object} Notification
 * @property {string} id
 * @property {string} job_id
 * @property {string} url
 * @property {string} type as `job.succeeded`
 * @property {string} state `pending`, `delivered` or `failed`
 * @property {string} created_at
 * @property {number} attempts
 * @property {string | null} next_attempt_at
 * @property {string | null} error
 */

/**
 * When the secret was created; null if there is none.
 * @typedef {{created_at: string | null, previous_until: string | null}} SecretTimes
 */

/** @param {string} name */
const specPath = (name) => `api/v1/specs/${encodeURIComponent(name)}`;

/**
 * Returns the saved specs, by name.
 * @param {AbortSignal} signal
 * @returns {Promise<SpecSummary[]>}
 */
export async function listSpecs(signal) {
  return (await callJson("GET", "api/v1/specs", { signal })).specs;
}

/**
 * Returns what a name stands for.
 * @param {string} name
 * @param {AbortSignal} signal
 * @returns {Promise<{[key: string]: unknown}>}
 */
export async function getSpec(name, signal) {
  return (await callJson("GET", specPath(name), { signal })).aggregation;
}

/**
 * Deletes a saved spec, unless it was changed.
 * @param {SpecSummary} spec
 * @throws {import("../api/problem.js").Problem} with status 412 if it was changed
 */
export async function deleteSpec({ name, etag }) {
  await call("DELETE", specPath(name), { headers: { "If-Match": etag } });
}

/**
 * Returns one page of the messages, newest first, and the cursor of the next one.
 * @param {{state: string, cursor: string | null, limit: number}} wanted
 * @param {AbortSignal} signal
 * @returns {Promise<{notifications: Notification[], cursor: string | null}>}
 */
export async function listNotifications({ state, cursor, limit }, signal) {
  const query = { state: state || null, cursor, limit };
  const page = await callJson("GET", "api/v1/notifications", { query, signal });
  const next = page.next ? new URL(page.next, document.baseURI).searchParams.get("cursor") : null;
  return { notifications: page.notifications, cursor: next };
}

/**
 * Sends a message again that was given up.
 * @param {string} id
 * @returns {Promise<Notification>}
 */
export function sendAgain(id) {
  return callJson("POST", `api/v1/notifications/${encodeURIComponent(id)}/retry`);
}

/**
 * @param {AbortSignal} signal
 * @returns {Promise<SecretTimes>}
 */
export function secretTimes(signal) {
  return callJson("GET", "api/v1/webhooks/secret", { signal });
}

/**
 * Creates a secret; the one before signs too for a day.
 * @returns {Promise<SecretTimes & {secret: string}>}
 */
export function createSecret() {
  return callJson("POST", "api/v1/webhooks/secret", { json: {} });
}
