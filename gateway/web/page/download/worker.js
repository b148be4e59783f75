/**
 * Runs one download: fetches what is missing, checks it, and writes the person's file. In a worker,
 * because only there a file can be written in place, and because the digest takes time.
 */

import { asEnded, Ended } from "./outcome.js";
import { bytesOf } from "./ranges.js";
import { getRecord, openFolder, putRecord, removeRecord, sweep } from "./records.js";
import { saveChecked } from "./save.js";
import { Transfer } from "./transfer.js";
import { waitFor } from "./wait.js";

/** @typedef {import("./records.js").DownloadRecord} DownloadRecord */

/**
 * A file of the page's own storage that is written in place. TypeScript knows it in workers only.
 * @typedef {object} Access
 * @property {(bytes: Uint8Array, options: {at: number}) => number} write
 * @property {(bytes: Uint8Array, options: {at: number}) => number} read
 * @property {() => void} flush
 * @property {() => number} getSize
 * @property {() => void} close
 */

/**
 * What the page sends. `start` begins a download, or resumes one that has a record.
 * @typedef {{type: "start", id: string, key: string | null, record?: DownloadRecord}
 *   | {type: "pause"} | {type: "cancel"} | {type: "wake"} | {type: "save"}} Order
 */

/**
 * What the worker reports: `elsewhere` means that another tab runs it, and `missing` that it is not
 * there any more. After `paused`, `missing`, `cancelled`, `verified` and `ended` the worker is done.
 * @typedef {"elsewhere" | "missing" | "downloading" | "reconnecting" | "checking" | "permission"
 *   | "paused" | "cancelled" | "verified" | "ended"} State
 * @typedef {object} Report
 * @property {State} state
 * @property {number} bytes that have arrived; with `checking`, that are checked and written
 * @property {import("./outcome.js").Reason} [reason]
 * @property {string} [detail]
 */

const REPORT_EVERY = 200;
const TRIES = 50;
const TRY_AGAIN = 100;
/** After these, what has arrived is of no use. */
const USELESS = new Set(["changed", "damaged", "gone"]);

const stop = new AbortController();
/** How the page has ended the run. @type {"paused" | "cancelled" | null} */
let wanted = null;
/** @type {Transfer | null} */
let transfer = null;
/** @type {() => void} */
let permitted = () => undefined;
let reported = { at: 0, state: "" };

/** @param {MessageEvent<Order>} event */
self.onmessage = ({ data }) => {
  if (data.type === "start") void start(data);
  else if (data.type === "wake") transfer?.wake();
  else if (data.type === "save") permitted();
  else {
    wanted = data.type === "pause" ? "paused" : "cancelled";
    stop.abort();
  }
};
self.addEventListener("online", () => transfer?.wake());

/**
 * @param {State} state
 * @param {number} bytes
 * @param {Partial<Report>} [more]
 */
function report(state, bytes, more = {}) {
  const now = performance.now();
  if (state === reported.state && now - reported.at < REPORT_EVERY) return;
  reported = { at: now, state };
  postMessage({ state, bytes, ...more });
}

/** @param {Extract<Order, {type: "start"}>} order */
async function start(order) {
  const work = () => run(order);
  const name = `csvmill-download ${order.id}`;
  try {
    const ran = await navigator.locks.request(name, { ifAvailable: true }, async (lock) => {
      if (lock) await work();
      return Boolean(lock);
    });
    if (ran) return;
    report("elsewhere", 0);
    await navigator.locks.request(name, { signal: stop.signal }, work);
  } catch (error) {
    if (wanted) report(wanted, 0);
    else fail(error, 0);
  }
}

/** @param {Extract<Order, {type: "start"}>} order */
async function run({ id, key, record: begun }) {
  const record = begun ?? (await getRecord(id));
  if (!record) return report("missing", 0);
  // Another tab has paused it while this one waited.
  if (record.paused) return report("paused", bytesOf(record.arrived));
  const access = await navigator.locks.request("csvmill-downloads", () => open(record));
  let useless = false;
  try {
    await fetchAll(record, access, key);
    await save(record, access);
    useless = true; // the person has the file
  } catch (error) {
    useless = stop.signal.aborted ? wanted === "cancelled" : USELESS.has(asEnded(error).reason);
    if (wanted === "paused") await putRecord({ ...record, paused: true });
    if (!stop.signal.aborted) throw error;
  } finally {
    access.close();
    if (useless) await removeRecord(record);
  }
  report(wanted ?? "verified", wanted ? bytesOf(record.arrived) : record.size);
}

/**
 * @param {unknown} error
 * @param {number} bytes
 */
function fail(error, bytes) {
  const { reason, detail } = asEnded(error);
  report("ended", bytes, { reason, detail });
}

/**
 * Keeps the record, and opens the file of its bytes.
 * @param {DownloadRecord} record
 * @returns {Promise<Access>}
 */
async function open(record) {
  await putRecord(record);
  await sweep();
  const folder = await openFolder();
  const file = /** @type {{createSyncAccessHandle: () => Promise<Access>}} */ (
    /** @type {unknown} */ (await folder.getFileHandle(record.file, { create: true }))
  );
  for (let tries = 1; ; tries += 1) {
    try {
      const access = await file.createSyncAccessHandle();
      const size = access.getSize();
      record.arrived = record.arrived
        .filter(([first]) => first < size)
        .map(([first, last]) => [first, Math.min(last, size)]);
      return access;
    } catch (error) {
      // A page that was left a moment ago may still hold it.
      const held = error instanceof DOMException && error.name === "NoModificationAllowedError";
      if (!held || tries === TRIES) throw error;
      await waitFor(TRY_AGAIN, stop.signal);
      stop.signal.throwIfAborted();
    }
  }
}

/**
 * @param {DownloadRecord} record its `arrived` grows
 * @param {Access} access
 * @param {string | null} key
 */
async function fetchAll(record, access, key) {
  transfer = new Transfer({
    url: record.id,
    etag: `"${record.sha256}"`,
    size: record.size,
    arrived: record.arrived,
    ...(key ? { headers: { Authorization: `Bearer ${key}` } } : {}),
    sink: {
      write: (bytes, at) => {
        if (access.write(bytes, { at }) < bytes.length) throw new Ended("space");
      },
      record: async (arrived) => {
        access.flush();
        record.arrived = arrived;
        record.usedAt = Date.now();
        await putRecord(record);
      },
    },
    onChange: ({ waiting, bytes }) => report(waiting ? "reconnecting" : "downloading", bytes),
  });
  report("downloading", transfer.bytes);
  await transfer.run(stop.signal);
}

/**
 * @param {DownloadRecord} record
 * @param {Access} access
 */
async function save(record, access) {
  const { size, sha256 } = record;
  await saveChecked({
    read: (into, at) => access.read(into, { at }),
    size,
    sha256,
    writable: await writableOf(record),
    onProgress: (bytes) => report("checking", bytes),
    signal: stop.signal,
  });
}

/**
 * Opens the person's file. After a reload the browser may first ask whether the page may write it,
 * which only a click allows.
 * @param {DownloadRecord} record
 */
async function writableOf(record) {
  for (;;) {
    try {
      return await record.handle.createWritable();
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      if (error.name !== "NotAllowedError") throw new Ended("place", error.message);
    }
    report("permission", record.size);
    await new Promise((resolve, reject) => {
      permitted = () => resolve(undefined);
      stop.signal.addEventListener("abort", () => reject(stop.signal.reason), { once: true });
    });
  }
}
