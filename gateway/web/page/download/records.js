/**
 * The downloads that are not finished, as the browser keeps them: a record of each in IndexedDB, and
 * its bytes in a file of the page's own storage (the origin private file system).
 *
 * The bytes do not go to the person's file at once. What is written to that with `createWritable` is
 * kept only when the stream is closed, so a reload would lose all of it, and each stream that continues
 * with a file copies it first. A file of the page's own storage is written in place.
 */

/**
 * @typedef {object} DownloadRecord
 * @property {string} id the URL of the result
 * @property {string} file the name of the file in the page's own storage
 * @property {string} name of the file that it becomes
 * @property {number} size bytes
 * @property {string} sha256 in lower-case hexadecimal
 * @property {FileSystemFileHandle} handle the person's file
 * @property {readonly import("./ranges.js").Range[]} arrived what is in the file, durably
 * @property {boolean} paused whether a person has paused it
 * @property {number} usedAt milliseconds since 1970
 */

const DATABASE = "csvmill-downloads";
const STORE = "downloads";
const FOLDER = "downloads";
/** Milliseconds after which a download that is not resumed is removed. */
const LIFE = 14 * 86_400_000;

/**
 * Returns the record of a download.
 * @param {string} id
 * @returns {Promise<DownloadRecord | undefined>}
 */
export function getRecord(id) {
  return withStore("readonly", (store) => store.get(id));
}

/**
 * Keeps a record.
 * @param {DownloadRecord} record
 */
export async function putRecord(record) {
  await withStore("readwrite", (store) => store.put(record));
}

/**
 * Removes a record, and then its bytes.
 * @param {DownloadRecord} record
 */
export async function removeRecord(record) {
  await withStore("readwrite", (store) => store.delete(record.id));
  const folder = await openFolder();
  try {
    await folder.removeEntry(record.file);
  } catch (error) {
    if (nameOf(error) !== "NotFoundError") throw error;
  }
}

/** Removes downloads that were not resumed for long, and bytes without a record. */
export async function sweep() {
  /** @type {DownloadRecord[]} */
  const records = await withStore("readonly", (store) => store.getAll());
  const kept = new Set();
  for (const record of records) {
    if (record.usedAt < Date.now() - LIFE) {
      await withStore("readwrite", (store) => store.delete(record.id));
    } else {
      kept.add(record.file);
    }
  }
  const folder = await openFolder();
  const entries = /** @type {AsyncIterable<[string, FileSystemHandle]>} */ (
    /** @type {unknown} */ (folder)
  );
  for await (const [name] of entries) {
    if (kept.has(name)) continue;
    try {
      await folder.removeEntry(name);
    } catch (error) {
      // Another tab has removed it, or writes it: then the file is as new as its record.
      if (!["NotFoundError", "NoModificationAllowedError"].includes(nameOf(error))) throw error;
    }
  }
}

/** Returns the folder of the bytes in the page's own storage. */
export async function openFolder() {
  const root = await navigator.storage.getDirectory();
  return root.getDirectoryHandle(FOLDER, { create: true });
}

/**
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<T>} request
 * @returns {Promise<T>} when the transaction is complete
 */
async function withStore(mode, request) {
  const database = await open();
  try {
    const transaction = database.transaction(STORE, mode, { durability: "strict" });
    const asked = request(transaction.objectStore(STORE));
    await new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
    });
    return asked.result;
  } finally {
    database.close();
  }
}

/** @returns {Promise<IDBDatabase>} */
function open() {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: "id" });
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
}

/** @param {unknown} error */
function nameOf(error) {
  return error instanceof Error ? error.name : "";
}
