/** What to do after a request of an upload has failed. */

/**
 * - `again`: wait, ask the server what it has, and go on
 * - `smaller`: send smaller chunks
 * - `key`: a key is needed
 * - `look`: ask the server what it has
 * - `lost`: the server does not know the upload
 * - `stop`: trying again would not help
 * @typedef {"again" | "smaller" | "key" | "look" | "lost" | "stop"} Act
 */

/**
 * What went wrong, as `troubles` of texts/upload.js say it.
 * @typedef {keyof typeof import("../texts/upload.js").upload.troubles} Trouble
 */

/**
 * @typedef {object} Verdict
 * @property {Act} act
 * @property {Trouble} trouble
 * @property {number} most how often in a row it may happen before the upload fails
 * @property {number} wait milliseconds to wait at least
 */

const OURS = "urn:csvmill:problem:";
/** The end of a type that IANA has registered. */
const COMPLETED = "#completed-upload";
const OFTEN = 8;
/** Milliseconds until a person may have made space, or ended other uploads. */
const PATIENT = 30_000;

/**
 * @param {Act} act
 * @param {Trouble} trouble
 * @param {{most?: number, wait?: number}} [limits]
 * @returns {Readonly<Verdict>}
 */
function verdict(act, trouble, { most = Number.POSITIVE_INFINITY, wait = 0 } = {}) {
  return Object.freeze({ act, trouble, most, wait });
}

/** @type {ReadonlyMap<string, Readonly<Verdict>>} */
const BY_TYPE = new Map([
  [`${OURS}upload-too-large`, verdict("stop", "tooLarge")],
  [`${OURS}bytes-differ`, verdict("stop", "bytesDiffer")],
  [`${OURS}size-conflict`, verdict("stop", "bytesDiffer")],
  [`${OURS}input-removed`, verdict("stop", "gone")],
  [`${OURS}spec-mismatch`, verdict("stop", "misfit")],
  [`${OURS}bad-rows-found`, verdict("stop", "badRows")],
  [`${OURS}chunk-digest-mismatch`, verdict("again", "damaged", { most: OFTEN })],
  [`${OURS}taken-over`, verdict("again", "busy")],
  [`${OURS}too-many-uploads`, verdict("again", "tooManyUploads", { wait: PATIENT })],
  [`${OURS}too-many-jobs`, verdict("again", "tooManyJobs", { wait: PATIENT })],
  [`${OURS}quota-exceeded`, verdict("again", "quota", { wait: PATIENT })],
  [`${OURS}storage-full`, verdict("again", "full", { wait: PATIENT })],
  [`${OURS}upload-gone`, verdict("stop", "gone")],
  [`${OURS}chunk-out-of-bounds`, verdict("look", "outOfStep", { most: OFTEN })],
]);

/** @type {ReadonlyMap<number, Readonly<Verdict>>} */
const BY_STATUS = new Map([
  [0, verdict("again", "unreachable")],
  [401, verdict("key", "key", { most: OFTEN })],
  [403, verdict("stop", "forbidden")],
  [404, verdict("lost", "lost", { most: OFTEN })],
  [408, verdict("smaller", "slow", { most: OFTEN })],
  [410, verdict("stop", "gone")],
  [413, verdict("smaller", "chunkTooLarge")],
  [425, verdict("again", "busy")],
  [429, verdict("again", "busy")],
  [502, verdict("again", "unavailable")],
  [503, verdict("again", "unavailable")],
  [504, verdict("again", "unavailable")],
  [507, verdict("again", "full", { wait: PATIENT })],
]);

const FAULT = verdict("again", "fault", { most: OFTEN });
const REFUSED = verdict("stop", "refused");
const OUT_OF_STEP = verdict("look", "outOfStep", { most: OFTEN });

/**
 * Returns what to do after an answer with an error, or after none.
 * @param {{status: number, type: string}} problem
 * @returns {Readonly<Verdict>}
 */
export function judge({ status, type }) {
  if (type.endsWith(COMPLETED)) return OUT_OF_STEP;
  const known = BY_TYPE.get(type) ?? BY_STATUS.get(status);
  return known ?? (status >= 500 ? FAULT : REFUSED);
}
