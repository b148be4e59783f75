/** Errors as the page shows them: what happened, and what to do. */

import { texts } from "../texts.js";

const PREFIX = "urn:csvmill:problem:";

/** The types of problems that the page itself finds. */
export const UNREACHABLE = "urn:csvmill:page:unreachable";

/** An answer that is an error, or the lack of an answer (`status` 0). */
export class Problem extends Error {
  /**
   * @param {object} about
   * @param {number} about.status the status of the answer; 0 if there was none
   * @param {string} [about.type] the URI of the kind of error
   * @param {string} [about.title] the kind in words
   * @param {string} [about.detail] what is wrong
   * @param {string | undefined} [about.field] the field of the request that is wrong
   * @param {number | undefined} [about.retryAfter] seconds after which to try again
   * @param {Record<string, unknown>} [about.more] all members of the problem details
   */
  constructor({ status, type = "about:blank", title, detail, field, retryAfter, more = {} }) {
    const name = title || texts.problems.statuses[status] || texts.problems.unknown(status);
    super(detail || name);
    this.name = "Problem";
    this.status = status;
    this.type = type;
    this.title = name;
    this.detail = detail ?? "";
    this.field = field;
    this.retryAfter = retryAfter;
    this.more = more;
  }

  /** The kind of the problem, as `job-not-found`; the status if it has none. */
  get kind() {
    return this.type.startsWith(PREFIX) ? this.type.slice(PREFIX.length) : String(this.status);
  }

  /** What a person can do, in words; empty if nothing is known. */
  get remedy() {
    const { kinds, remedies } = texts.problems;
    return kinds[this.kind] ?? remedies[this.status] ?? "";
  }

  /** Whether the same request may succeed later. */
  get passes() {
    return this.status === 0 || [408, 429, 502, 503, 504].includes(this.status);
  }
}

/**
 * Returns the problem of an answer that is an error.
 * @param {Response} response
 */
export async function problemOf(response) {
  const body = await bodyOf(response);
  const retry = Number(response.headers.get("Retry-After") ?? Number.NaN);
  return new Problem({
    status: response.status,
    type: text(body.type) || "about:blank",
    title: text(body.title),
    detail: text(body.detail) || text(body.message),
    field: text(body.field) || undefined,
    retryAfter: Number.isFinite(retry) ? retry : undefined,
    more: body,
  });
}

/**
 * Returns any error as a problem, to show it.
 * @param {unknown} error
 */
export function asProblem(error) {
  if (error instanceof Problem) return error;
  const detail = error instanceof Error ? error.message : String(error);
  return new Problem({ status: -1, title: texts.problems.fault, detail });
}

/**
 * @param {Response} response
 * @returns {Promise<Record<string, unknown>>}
 */
async function bodyOf(response) {
  try {
    const body = await response.json();
    return body && typeof body === "object" ? body : {};
  } catch {
    return {}; // a proxy's page, or a broken connection: the status has to do
  }
}

/** @param {unknown} value */
function text(value) {
  return typeof value === "string" ? value : "";
}
