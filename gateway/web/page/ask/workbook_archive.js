/** Reads parts of a workbook, which is a zip archive, without reading all of it. */

/**
 * A part of the archive.
 * @typedef {object} Entry
 * @property {number} method 0 is stored, 8 is deflated
 * @property {number} size bytes in the archive
 * @property {number} offset of its local header
 */

/** Bytes from the end of an archive in which its directory is named: a record and its comment. */
const END = 22 + 0xffff;
/** Bytes of a directory that is read. */
const MOST_OF_DIRECTORY = 4 << 20;
const SIGNATURES = Object.freeze({ end: 0x06054b50, entry: 0x02014b50, local: 0x04034b50 });
const LOCAL_HEADER = 30;

export class Archive {
  /** @type {Map<string, Entry>} */
  #entries;

  /**
   * @param {Blob} file
   * @param {Map<string, Entry>} entries
   */
  constructor(file, entries) {
    this.file = file;
    this.#entries = entries;
  }

  /**
   * Reads the directory of an archive; null if the file has none that is read here.
   * @param {Blob} file
   * @returns {Promise<Archive | null>}
   */
  static async of(file) {
    const tail = await viewOf(file.slice(Math.max(0, file.size - END)));
    let at = tail.byteLength - 22;
    while (at >= 0 && tail.getUint32(at, true) !== SIGNATURES.end) at -= 1;
    if (at < 0) return null;
    const [size, offset] = [tail.getUint32(at + 12, true), tail.getUint32(at + 16, true)];
    if (size > MOST_OF_DIRECTORY || offset + size > file.size) return null;
    return new Archive(file, entriesOf(await viewOf(file.slice(offset, offset + size))));
  }

  /** @param {string} name */
  has(name) {
    return this.#entries.has(name);
  }

  /**
   * Returns the text of a part, and whether that is all of it; "" for a part that is not there.
   * @param {string} name
   * @param {number} limit bytes of the text that are read
   * @returns {Promise<{text: string, whole: boolean}>}
   * @throws {TypeError} if it is damaged
   */
  async part(name, limit) {
    const entry = this.#entries.get(name);
    if (!entry) return { text: "", whole: true };
    const local = await viewOf(this.file.slice(entry.offset, entry.offset + LOCAL_HEADER));
    if (local.byteLength < LOCAL_HEADER || local.getUint32(0, true) !== SIGNATURES.local) {
      throw new TypeError(`the part ${name} is not where the directory says`);
    }
    const start =
      entry.offset + LOCAL_HEADER + local.getUint16(26, true) + local.getUint16(28, true);
    const stored = this.file.slice(start, start + entry.size);
    if (entry.method === 0) return startOf(stored.stream(), limit);
    if (entry.method !== 8) throw new TypeError(`the part ${name} is compressed in another way`);
    return startOf(stored.stream().pipeThrough(new DecompressionStream("deflate-raw")), limit);
  }
}

/** @param {Blob} blob */
async function viewOf(blob) {
  return new DataView(await blob.arrayBuffer());
}

/** @param {DataView} directory */
function entriesOf(directory) {
  /** @type {Map<string, Entry>} */
  const found = new Map();
  const decoder = new TextDecoder();
  let at = 0;
  while (at + 46 <= directory.byteLength && directory.getUint32(at, true) === SIGNATURES.entry) {
    const length = directory.getUint16(at + 28, true);
    if (at + 46 + length > directory.byteLength) break;
    const name = new Uint8Array(directory.buffer, directory.byteOffset + at + 46, length);
    found.set(decoder.decode(name), {
      method: directory.getUint16(at + 10, true),
      size: directory.getUint32(at + 20, true),
      offset: directory.getUint32(at + 42, true),
    });
    at += 46 + length + directory.getUint16(at + 30, true) + directory.getUint16(at + 32, true);
  }
  return found;
}

/**
 * @param {ReadableStream<Uint8Array>} stream
 * @param {number} limit
 */
async function startOf(stream, limit) {
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  let [text, taken] = ["", 0];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { text: text + decoder.decode(), whole: true };
    const room = limit - taken;
    if (value.length > room) {
      await reader.cancel();
      return { text: text + decoder.decode(value.subarray(0, room)), whole: false };
    }
    text += decoder.decode(value, { stream: true });
    taken += value.length;
  }
}
