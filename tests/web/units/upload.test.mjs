import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { judge } from "../../../gateway/web/page/upload/failures.js";
import { ChunkSize } from "../../../gateway/web/page/upload/pace.js";
import { Plan } from "../../../gateway/web/page/upload/plan.js";
import { Progress } from "../../../gateway/web/page/upload/progress.js";
import {
  differenceBetween,
  excerptRanges,
  likenessOf,
} from "../../../gateway/web/page/upload/recognition.js";
import { Speed } from "../../../gateway/web/page/upload/speed.js";

const OURS = "urn:csvmill:problem:";
const KIB = 1024;
const PACE = { first: 1000, least: 100, most: 8000, quick: 50, slow: 400 };

/** Takes chunks until there are none. @param {Plan} plan @param {number} size */
function all(plan, size) {
  const found = [];
  for (let range = plan.take(size); range; range = plan.take(size)) found.push(range);
  return found;
}

test("a plan cuts what is missing into chunks from the start of the file to its end", () => {
  assert.deepEqual(all(new Plan([[0, 25]]), 10), [
    [0, 10],
    [10, 20],
    [20, 25],
  ]);
  assert.deepEqual(
    all(
      new Plan([
        [40, 45],
        [0, 12],
        [20, 20],
      ]),
      10,
    ),
    [
      [0, 10],
      [10, 12],
      [40, 45],
    ],
  );
  assert.deepEqual(all(new Plan([]), 10), []);
});

test("chunks of a plan cover what is missing and nothing else, whatever their sizes", () => {
  const missing = [
    [3, 50],
    [60, 61],
    [100, 177],
  ];
  const wanted = missing.flatMap(([start, end]) =>
    Array.from({ length: end - start }, (_, i) => start + i),
  );
  const plan = new Plan(missing);
  assert.equal(plan.left, wanted.length);
  const taken = [];
  for (let size = 1; plan.left > 0; size = (size * 7) % 11 || 1) taken.push(plan.take(size));
  assert.ok(taken.every((range) => range !== null));
  const bytes = taken.flatMap(([start, end]) =>
    Array.from({ length: end - start }, (_, i) => start + i),
  );
  assert.deepEqual(bytes, wanted);
});

test("chunks grow while they are quick, up to the most", () => {
  const size = new ChunkSize(PACE);
  assert.equal(size.bytes, 1000);
  for (const expected of [2000, 4000, 8000, 8000]) {
    size.stored(size.bytes, 10);
    assert.equal(size.bytes, expected);
  }
});

test("several chunks in flight of one size make the next ones larger once", () => {
  const size = new ChunkSize(PACE);
  for (let chunk = 0; chunk < 4; chunk += 1) size.stored(1000, 10);
  assert.equal(size.bytes, 2000);
});

test("chunks shrink when they are slow, down to the least", () => {
  const size = new ChunkSize(PACE);
  size.stored(1000, 500);
  assert.equal(size.bytes, 500);
  size.stored(500, 100); // neither quick nor slow
  assert.equal(size.bytes, 500);
  for (let chunk = 0; chunk < 9; chunk += 1) size.stored(size.bytes, 500);
  assert.equal(size.bytes, 100);
});

test("after a refused size no chunk is as large again, and the least cannot be refused", () => {
  const size = new ChunkSize(PACE);
  size.stored(1000, 10);
  assert.ok(size.refused(2000));
  for (let chunk = 0; chunk < 9; chunk += 1) size.stored(size.bytes, 10);
  assert.equal(size.bytes, 1000);
  assert.ok(!size.refused(100));
});

test("after a broken connection chunks are smaller, and may grow again", () => {
  const size = new ChunkSize(PACE);
  size.broken(1000);
  assert.equal(size.bytes, 500);
  size.stored(500, 10);
  assert.equal(size.bytes, 1000);
});

test("the speed is the mean of the last seconds, and falls while nothing moves", () => {
  const speed = new Speed();
  assert.equal(speed.bytesPerSecond(0), null);
  speed.restart(0);
  for (let time = 100; time <= 20_000; time += 100) speed.moved(50, time);
  assert.equal(speed.bytesPerSecond(20_000), 500);
  assert.equal(speed.secondsFor(5000, 20_000), 10);
  const later = speed.bytesPerSecond(28_000);
  assert.ok(later > 0 && later < 300, String(later));
  assert.equal(speed.secondsFor(0, 28_000), 0);
});

test("the speed follows a line that becomes faster within ten seconds", () => {
  const speed = new Speed();
  speed.restart(0);
  for (let time = 100; time <= 30_000; time += 100) speed.moved(time <= 20_000 ? 10 : 100, time);
  assert.equal(speed.bytesPerSecond(30_000), 1000);
});

test("a speed that is not known promises no time", () => {
  const speed = new Speed();
  speed.restart(0);
  assert.equal(speed.secondsFor(1000, 5000), null);
});

test("progress counts stored bytes and those in flight, and takes back what was not stored", () => {
  const progress = new Progress(1000, 100);
  progress.reset(200, 0);
  progress.flying(200, 50, 100);
  progress.flying(300, 100, 100);
  assert.equal(progress.sent, 350);
  progress.landed([300, 400], true, 500);
  assert.deepEqual([progress.stored, progress.sent], [300, 350]);
  progress.landed([200, 300], false, 600);
  assert.deepEqual([progress.stored, progress.sent], [300, 300]);
  assert.equal(progress.rate(1000).bytesPerSecond, 150); // those that have left in vain too
});

test("the excerpts of a file are its first, middle and last 64 KiB", () => {
  const size = 1000 * KIB;
  assert.deepEqual(excerptRanges(size), [
    [0, 64 * KIB],
    [468 * KIB, 532 * KIB],
    [936 * KIB, size],
  ]);
  assert.deepEqual(excerptRanges(10), [
    [0, 10],
    [0, 10],
    [0, 10],
  ]);
  assert.deepEqual(excerptRanges(0), [
    [0, 0],
    [0, 0],
    [0, 0],
  ]);
});

test("a file is remembered by the SHA-256 of its excerpts", async () => {
  const bytes = Buffer.alloc(300 * KIB, "0123456789abcdefg");
  const excerpts = Buffer.concat([
    bytes.subarray(0, 64 * KIB),
    bytes.subarray(118 * KIB, 182 * KIB),
    bytes.subarray(236 * KIB),
  ]);
  const file = new File([bytes], "plays.csv", { lastModified: 1000 });
  assert.deepEqual(await likenessOf(file), {
    name: "plays.csv",
    size: bytes.length,
    lastModified: 1000,
    digest: createHash("sha256").update(excerpts).digest("hex"),
  });
});

test("another file is told by its name, size, excerpts or time of change", () => {
  const known = { name: "a.csv", size: 10, lastModified: 50_000, digest: "aa" };
  assert.equal(differenceBetween(known, { ...known }), null);
  assert.equal(differenceBetween(known, { ...known, lastModified: 51_900 }), null);
  assert.equal(differenceBetween(known, { ...known, digest: null }), null);
  assert.equal(differenceBetween(known, { ...known, name: "b.csv" }), "name");
  assert.equal(differenceBetween(known, { ...known, size: 11 }), "size");
  assert.equal(differenceBetween(known, { ...known, digest: "bb" }), "content");
  assert.equal(differenceBetween(known, { ...known, lastModified: 60_000 }), "modified");
});

test("each failure has its remedy", () => {
  const acts = [
    [0, "about:blank", "again"],
    [400, "about:blank", "stop"],
    [400, `${OURS}chunk-digest-mismatch`, "again"],
    [400, "https://iana.org/assignments/http-problem-types#completed-upload", "look"],
    [401, `${OURS}not-authenticated`, "key"],
    [403, `${OURS}scope-missing`, "stop"],
    [404, `${OURS}upload-not-found`, "lost"],
    [409, `${OURS}bytes-differ`, "stop"],
    [409, `${OURS}taken-over`, "again"],
    [410, `${OURS}upload-gone`, "stop"],
    [413, "about:blank", "smaller"], // of a proxy
    [413, `${OURS}upload-too-large`, "stop"],
    [422, `${OURS}spec-mismatch`, "stop"],
    [422, `${OURS}bad-rows-found`, "stop"],
    [429, `${OURS}too-many-requests`, "again"],
    [500, "about:blank", "again"],
    [502, "about:blank", "again"],
    [503, `${OURS}unavailable`, "again"],
    [507, `${OURS}storage-full`, "again"],
    [507, `${OURS}quota-exceeded`, "again"],
  ];
  for (const [status, type, act] of acts) assert.equal(judge({ status, type }).act, act, type);
});

test("what only a person or time can change is tried again without end, and slowly", () => {
  for (const kind of ["storage-full", "quota-exceeded", "too-many-uploads", "too-many-jobs"]) {
    const { most, wait } = judge({ status: 507, type: OURS + kind });
    assert.equal(most, Infinity);
    assert.ok(wait >= 30_000);
  }
  assert.ok(judge({ status: 500, type: "about:blank" }).most < Infinity);
});
