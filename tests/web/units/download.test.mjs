/** The parts of the download manager: ranges, digest, speed, command lines, transfer. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  attachedName,
  checkCommand,
  curlCommand,
} from "../../../gateway/web/page/download/commands.js";
import { Meter } from "../../../gateway/web/page/download/meter.js";
import { Ended } from "../../../gateway/web/page/download/outcome.js";
import {
  bytesOf,
  nextRange,
  partLength,
  readContentRange,
  withRange,
} from "../../../gateway/web/page/download/ranges.js";
import { saveChecked } from "../../../gateway/web/page/download/save.js";
import { Sha256 } from "../../../gateway/web/page/download/sha256.js";
import { Transfer } from "../../../gateway/web/page/download/transfer.js";

const FOLDER = new URL("../../../gateway/web/page/download/", import.meta.url);

test("the worker imports nothing of the page itself", () => {
  const found = new Set(["worker.js"]);
  for (const name of found) {
    const source = readFileSync(new URL(name, FOLDER), "utf8");
    for (const [, path] of source.matchAll(/^(?:import|export)\b[^;]*?\bfrom "([^"]+)";$/gm)) {
      assert.match(path, /^\.\/\w+\.js$/, `${name} imports ${path}`);
      found.add(path.slice(2));
    }
  }
  assert.ok(found.has("transfer.js") && found.has("sha256.js"));
});

/** The ranges of a list of flags, one for each byte. */
function rangesOf(flags) {
  const found = [];
  flags.forEach((flag, at) => {
    const last = found.at(-1);
    if (!flag) return;
    if (last && last[1] === at) last[1] = at + 1;
    else found.push([at, at + 1]);
  });
  return found;
}

test("ranges that overlap or touch become one", () => {
  let ranges = [];
  const flags = Array(60).fill(false);
  for (let step = 1; step < 200; step += 1) {
    const start = (step * 37) % 60;
    const stop = Math.min(60, start + ((step * 11) % 7));
    flags.fill(true, start, stop);
    ranges = withRange(ranges, start, stop);
    assert.deepEqual(ranges, rangesOf(flags));
    assert.equal(bytesOf(ranges), flags.filter(Boolean).length);
  }
});

test("the plan asks for each missing byte once, in order", () => {
  let arrived = [
    [3, 5],
    [9, 20],
  ];
  const asked = [];
  for (;;) {
    const range = nextRange(arrived, asked, 30, 4);
    if (!range) break;
    asked.push(range);
  }
  assert.deepEqual(asked, [
    [0, 3],
    [5, 9],
    [20, 24],
    [24, 28],
    [28, 30],
  ]);
  for (const [start, stop] of asked) arrived = withRange(arrived, start, stop);
  assert.deepEqual(arrived, [[0, 30]]);
  assert.equal(nextRange([], [], 0, 4), null);
});

test("a large file is asked for in few requests, a small one in parts", () => {
  assert.equal(partLength(1), 4 << 20);
  assert.equal(partLength(160 << 20), 10 << 20);
  assert.equal(partLength(100 * 2 ** 30), 256 << 20);
});

test("only a valid Content-Range is read", () => {
  assert.deepEqual(readContentRange("bytes 0-99/1000"), { range: [0, 100], size: 1000 });
  for (const field of [null, "", "bytes */9", "bytes 5-4/9", "bytes 0-9/9", "items 0-1/9"]) {
    assert.equal(readContentRange(field), null);
  }
});

test("the digest is that of the standard's examples", () => {
  const examples = {
    "": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    abc: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq:
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    ["a".repeat(1_000_000)]: "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
  };
  for (const [text, expected] of Object.entries(examples)) {
    const digest = new Sha256();
    digest.update(new TextEncoder().encode(text));
    assert.equal(digest.hex(), expected);
  }
});

test("the digest does not depend on the pieces", () => {
  for (let size = 0; size < 300; size += 1) {
    const bytes = randomBytes(size);
    const digest = new Sha256();
    for (let at = 0, step = 1; at < size; at += step, step = (step * 7 + 3) % 130) {
      digest.update(bytes.subarray(at, at + step));
    }
    assert.equal(digest.hex(), createHash("sha256").update(bytes).digest("hex"));
  }
});

test("the speed is that of the last seconds", () => {
  const meter = new Meter();
  assert.equal(meter.rate, null);
  for (let second = 0; second <= 60; second += 1) {
    meter.add(second <= 40 ? second * 1000 : 40_000 + (second - 40) * 500, second * 1000);
  }
  assert.equal(meter.rate, 500);
  assert.equal(meter.secondsLeft(1000), 2);
  meter.reset();
  assert.equal(meter.secondsLeft(1000), null);
});

test("command lines survive any name", () => {
  const name = 'it\'s "$(x)" `y`\u202e.csv';
  const url = "http://host/a'b";
  const curl = curlCommand({ url, name, withKey: true });
  const words = execFileSync("sh", ["-c", `curl() { printf '%s\\0' "$@"; }; ${curl}`], {
    env: { ...process.env, CSVMILL_API_KEY: "csvmill_k" },
  });
  assert.deepEqual(words.toString().split("\0").slice(0, -1), [
    "--fail",
    "--location",
    "-C",
    "-",
    "-H",
    "Authorization: Bearer csvmill_k",
    "-o",
    name,
    url,
  ]);
  const check = checkCommand({ name: "-x.csv", sha256: "00ff" });
  const printed = execFileSync("sh", ["-c", `sha256sum() { cat; }; ${check}`]);
  assert.equal(printed.toString(), "00ff  ./-x.csv\n");
});

test("the name of the file is that of the answer", () => {
  assert.equal(attachedName(null), null);
  assert.equal(attachedName('attachment; filename="a b.csv"'), "a b.csv");
  const both = "attachment; filename=\"_aj.csv\"; filename*=UTF-8''%C4%8Caj.csv";
  assert.equal(attachedName(both), "Čaj.csv");
});

const ETAG = '"tag"';
/** Three parts of the least length, and a bit. */
const FILE = randomBytes((12 << 20) + 5);

/** Answers a range of FILE, as the service does. */
function part(init, { status = 206, etag = ETAG, cut = 0, headers = {} } = {}) {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(init.headers.Range).map(Number);
  const bytes = FILE.subarray(first, last + 1 - cut);
  return new Response(bytes, {
    status,
    headers: { ETag: etag, "Content-Range": `bytes ${first}-${last}/${FILE.length}`, ...headers },
  });
}

/** Runs a transfer into a buffer. */
async function transfer(fetch, options = {}) {
  const got = Buffer.alloc(FILE.length);
  const records = [];
  const run = new Transfer({
    url: "http://host/result",
    etag: ETAG,
    size: FILE.length,
    arrived: [],
    fetch,
    sink: {
      write: (bytes, at) => got.set(bytes, at),
      record: async (arrived) => void records.push(arrived),
    },
    ...options,
  });
  const done = run.run(options.signal ?? new AbortController().signal);
  return { run, done, got, records };
}

test("what is missing is fetched at the same time, of exactly this file", async () => {
  const asked = [];
  let most = 0;
  let open = 0;
  const { done, got, records } = await transfer(
    async (_url, init) => {
      open += 1;
      most = Math.max(most, open);
      asked.push(init.headers);
      await new Promise(setImmediate);
      open -= 1;
      return part(init);
    },
    { arrived: [[0, 100]], headers: { Authorization: "Bearer k" } },
  );
  await done;
  assert.ok(got.subarray(100).equals(FILE.subarray(100)));
  assert.equal(most, 3);
  assert.deepEqual(records.at(-1), [[0, FILE.length]]);
  assert.equal(asked[0].Range, `bytes=100-${(4 << 20) + 99}`);
  assert.ok(asked.every((fields) => fields["If-Match"] === ETAG));
  assert.ok(asked.every((fields) => fields.Authorization === "Bearer k"));
});

test("after a broken line only what is missing is asked for again", async () => {
  let first = true;
  const ranges = [];
  const { done, got, run } = await transfer(async (_url, init) => {
    ranges.push(init.headers.Range);
    if (!first) return part(init);
    first = false;
    return part(init, { cut: 1000 });
  });
  const woken = setInterval(() => run.wake(), 10);
  await done;
  clearInterval(woken);
  assert.ok(got.equals(FILE));
  assert.ok(ranges.includes(`bytes=${(4 << 20) - 1000}-${(4 << 20) - 1}`));
});

test("a download that is complete does not wait for a part that was to wait", async () => {
  let first = true;
  const { done, got } = await transfer(async (_url, init) => {
    if (!first) return part(init);
    first = false;
    return new Response("", { status: 503, headers: { "Retry-After": "600" } });
  });
  await done;
  assert.ok(got.equals(FILE));
});

test("a service that is busy is asked for less at the same time", async () => {
  let open = 0;
  const opens = [];
  const { done, got } = await transfer(async (_url, init) => {
    open += 1;
    const busy = opens.push(open) < 3;
    await new Promise(setImmediate);
    open -= 1;
    return busy ? new Response("", { status: 429 }) : part(init);
  });
  await done;
  assert.ok(got.equals(FILE));
  assert.ok(opens.slice(3).every((count) => count === 1));
});

for (const [what, answer, reason] of [
  ["another file", { etag: '"other"' }, "changed"],
  ["a weak tag", { etag: `W/${ETAG}` }, "changed"],
  ["another size", { headers: { "Content-Range": "bytes 0-1/2" } }, "changed"],
  ["the whole of another file", { status: 200, etag: '"other"' }, "changed"],
  ["the whole file", { status: 200 }, "ranges"],
  ["412", { status: 412 }, "changed"],
  ["410", { status: 410 }, "gone"],
  ["401", { status: 401 }, "key"],
  ["418", { status: 418 }, "failed"],
]) {
  test(`the answer ${what} ends it: ${reason}`, async () => {
    const { done, run } = await transfer(async (_url, init) => part(init, answer));
    await assert.rejects(done, (error) => error instanceof Ended && error.reason === reason);
    assert.equal(run.bytes, 0);
  });
}

test("what cannot be recorded ends it", async () => {
  const full = new DOMException("full", "QuotaExceededError");
  const { done } = await transfer(async (_url, init) => part(init), {
    sink: { write: () => undefined, record: () => Promise.reject(full) },
  });
  await assert.rejects(done, full);
});

test("a stopped transfer has recorded what has arrived", async () => {
  const stop = new AbortController();
  const { done, records } = await transfer(
    async (_url, init) => {
      if (!init.headers.Range.startsWith("bytes=0-")) {
        return new Promise((_resolve, reject) => {
          init.signal.addEventListener("abort", () => reject(init.signal.reason));
        });
      }
      const response = part(init);
      setTimeout(() => stop.abort(), 50);
      return response;
    },
    { signal: stop.signal },
  );
  await assert.rejects(done, { name: "AbortError" });
  assert.deepEqual(records.at(-1), [[0, 4 << 20]]);
});

test("a copy that is not right is not kept", async () => {
  const sha256 = createHash("sha256").update(FILE).digest("hex");
  const save = async (given) => {
    const done = [];
    const written = [];
    const writable = {
      write: async (bytes) => void written.push(Buffer.from(bytes)),
      abort: async () => void done.push("abort"),
      close: async () => void done.push("close"),
    };
    const file = {
      read: (into, at) => given.copy(into, 0, at, at + into.length),
      size: FILE.length,
      sha256,
      writable,
      onProgress: () => undefined,
      signal: new AbortController().signal,
    };
    const failed = await saveChecked(file).then(
      () => null,
      (error) => error.reason,
    );
    return { done, failed, right: Buffer.concat(written).equals(FILE) };
  };
  assert.deepEqual(await save(FILE), { done: ["close"], failed: null, right: true });
  const flipped = Buffer.from(FILE);
  flipped[7_000_000] ^= 1;
  assert.deepEqual(await save(flipped), { done: ["abort"], failed: "damaged", right: false });
  const short = FILE.subarray(0, -1);
  assert.deepEqual(await save(short), { done: ["abort"], failed: "damaged", right: false });
});
