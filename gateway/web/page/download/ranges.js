/** Byte ranges of a file that is downloaded in parts: what has arrived, and what to ask for next. */

/**
 * The bytes from the first offset up to, and without, the second one.
 * @typedef {readonly [number, number]} Range
 */

const LEAST_PART = 4 << 20;
const MOST_PART = 256 << 20;
const PARTS = 16;
const CONTENT_RANGE = /^bytes (\d+)-(\d+)\/(\d+)$/;

/**
 * Returns the ranges with another one added, in order, without overlaps and gaps of no bytes.
 * @param {readonly Range[]} ranges in order
 * @param {number} start
 * @param {number} stop
 * @returns {Range[]}
 */
export function withRange(ranges, start, stop) {
  if (start >= stop) return [...ranges];
  let [first, last] = [start, stop];
  const before = [];
  const after = [];
  for (const range of ranges) {
    if (range[1] < first) before.push(range);
    else if (range[0] > last) after.push(range);
    else [first, last] = [Math.min(first, range[0]), Math.max(last, range[1])];
  }
  return [...before, /** @type {Range} */ ([first, last]), ...after];
}

/**
 * Returns how many bytes the ranges have together.
 * @param {readonly Range[]} ranges without overlaps
 */
export function bytesOf(ranges) {
  return ranges.reduce((sum, [start, stop]) => sum + stop - start, 0);
}

/**
 * Returns the next range to ask for: the first bytes that neither have arrived nor are being sent.
 * @param {readonly Range[]} arrived in order
 * @param {readonly Range[]} asked in any order
 * @param {number} size bytes of the file
 * @param {number} length the most bytes of a range
 * @returns {Range | null} null if there are none
 */
export function nextRange(arrived, asked, size, length) {
  /** @type {readonly Range[]} */
  let taken = arrived;
  for (const [start, stop] of asked) taken = withRange(taken, start, stop);
  let start = 0;
  for (const [first, last] of taken) {
    if (start < first) return [start, Math.min(first, start + length)];
    start = last;
  }
  return start < size ? [start, Math.min(size, start + length)] : null;
}

/**
 * Returns how many bytes to ask for in one request: few requests for a large file, and parts for all
 * connections of a small one.
 * @param {number} size bytes of the file
 */
export function partLength(size) {
  return Math.min(MOST_PART, Math.max(LEAST_PART, Math.ceil(size / PARTS)));
}

/**
 * Returns the range of an answer and the size of the file; null if the field is not valid.
 * @param {string | null} field the value of Content-Range, as `bytes 0-99/1000`
 * @returns {{range: Range, size: number} | null}
 */
export function readContentRange(field) {
  const match = CONTENT_RANGE.exec(field ?? "");
  if (!match) return null;
  const [start, last, size] = [Number(match[1]), Number(match[2]), Number(match[3])];
  return start <= last && last < size ? { range: [start, last + 1], size } : null;
}
