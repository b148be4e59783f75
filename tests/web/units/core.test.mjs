// The modules below core/ and api/ that need no browser.

import assert from "node:assert/strict";
import { test } from "node:test";

const page = new URL("../../../gateway/web/page/", import.meta.url);
const load = (name) => import(new URL(name, page));

const { formatAgo, formatBytes, formatCount, formatDuration, formatPercent, formatRate } =
  await load("core/format.js");
const { matchPath, parsePlace, placeHref } = await load("core/router.js");
const { backoff, pause } = await load("core/wait.js");
const { inLabels, labelled } = await load("core/wording.js");
const { EventParser } = await load("api/event_stream.js");
const { asProblem, Problem, problemOf } = await load("api/problem.js");

test("a size has three digits and a unit of powers of 1000", () => {
  const shown = [0, 1, 999, 1000, 1234, 99_949, 99_950, 999_499, 999_500, 20e9, 3.2e15];
  assert.deepEqual(
    shown.map((bytes) => formatBytes(bytes)),
    [
      "0 bytes",
      "1 byte",
      "999 bytes",
      "1.00 kB",
      "1.23 kB",
      "99.9 kB",
      "100 kB",
      "999 kB",
      "1.00 MB",
      "20.0 GB",
      "3.20 PB",
    ],
  );
});

test("what is not known is a dash", () => {
  for (const show of [formatBytes, formatRate, formatCount, formatDuration, formatPercent]) {
    assert.equal(show(null), "–");
    assert.equal(show(undefined), "–");
  }
  assert.equal(formatDuration(Number.POSITIVE_INFINITY), "–");
});

test("a percentage is 100 only when all is done", () => {
  assert.equal(formatPercent(99.99), "99.9 %");
  assert.equal(formatPercent(100), "100 %");
  assert.equal(formatPercent(0), "0.0 %");
});

test("a duration has its two largest units", () => {
  assert.equal(formatDuration(59.4), "59 s");
  assert.equal(formatDuration(59.6), "1 min");
  assert.equal(formatDuration(125), "2 min 5 s");
  assert.equal(formatDuration(3600), "1 h");
  assert.equal(formatDuration(3600 * 23 + 59 * 60 + 50), "1 d");
  assert.equal(formatDuration(3600 * 25.5), "1 d 2 h");
  assert.equal(formatDuration(0.0421, { exact: true }), "42 ms");
  assert.equal(formatDuration(3.14, { exact: true }), "3.1 s");
});

test("a time is told by its distance for a week", () => {
  const now = Date.UTC(2026, 10, 30, 12);
  assert.equal(formatAgo(now - 10_000, now), "just now");
  assert.equal(formatAgo(now - 5 * 60_000, now), "5 minutes ago");
  assert.equal(formatAgo(now - 3 * 3600_000, now), "3 hours ago");
  assert.equal(formatAgo(now - 26 * 3600_000, now), "yesterday");
  assert.match(formatAgo(now - 9 * 86_400_000, now), /2026/);
});

test("a fragment names a path and a query", () => {
  const place = parsePlace("#/jobs/?state=FAILURE&text=a%26b%3Dc");
  assert.equal(place.path, "/jobs");
  assert.deepEqual(
    [...place.query],
    [
      ["state", "FAILURE"],
      ["text", "a&b=c"],
    ],
  );
  for (const empty of ["", "#", "#main", "#/"]) assert.equal(parsePlace(empty).path, "/");
  assert.equal(parsePlace("#/?q=1").query.get("q"), "1");
});

test("a place that is written as a link is read back", () => {
  const query = { q: '{"group_by": ["Söng & Dance?#"]}', n: "1 + 1" };
  const place = parsePlace(placeHref("/jobs", query));
  assert.equal(place.path, "/jobs");
  assert.deepEqual(Object.fromEntries(place.query), query);
  assert.equal(placeHref("/"), "#/");
});

test("a path fits a pattern with parameters", () => {
  assert.deepEqual(matchPath("/jobs/:id", "/jobs/a%2Fb"), { id: "a/b" });
  assert.deepEqual(matchPath("/jobs", "/jobs"), {});
  for (const path of ["/jobs", "/jobs/", "/jobs/a/b", "/job/a", "/jobs/%E0"]) {
    assert.equal(matchPath("/jobs/:id", path), null);
  }
});

test("pauses between tries grow up to a limit and differ between clients", () => {
  const options = { first: 100, most: 1000 };
  const longest = [1, 2, 3, 4, 5, 50].map((n) => backoff(n, { ...options, random: () => 1 }));
  assert.deepEqual(longest, [100, 200, 400, 800, 1000, 1000]);
  assert.equal(backoff(1, { ...options, random: () => 0 }), 50);
});

test("a pause ends when its signal is aborted", async () => {
  const end = new AbortController();
  const waiting = pause(600_000, end.signal);
  end.abort();
  await assert.rejects(waiting, { name: "AbortError" });
  await assert.rejects(pause(600_000, end.signal), { name: "AbortError" });
});

const STREAM =
  'retry: 1500\nevent: state\nid: 1-STARTED-0\ndata: {"a":\ndata: 1}\n\n:\n\n' +
  "id: 2\r\ndata:x\r\n\r\ndata: lone\rid: 3\r\revent: nothing\n\ndata";
const EVENTS = [
  { type: "state", data: '{"a":\n1}', id: "1-STARTED-0" },
  { type: "message", data: "x", id: "2" },
  { type: "message", data: "lone", id: "3" },
];

test("events are the same wherever the stream is cut", () => {
  for (let cut = 0; cut <= STREAM.length; cut += 1) {
    const parser = new EventParser();
    const found = [...parser.push(STREAM.slice(0, cut)), ...parser.push(STREAM.slice(cut))];
    assert.deepEqual(found, EVENTS, `cut at ${cut}`);
    assert.equal(parser.retry, 1500);
    assert.equal(parser.lastId, "3");
  }
});

test("what a broken connection left is part of no event", () => {
  const parser = new EventParser();
  parser.push("id: 1\ndata: a\n\nid: 2\ndata: b\nid: 77");
  parser.reset();
  assert.deepEqual(
    parser.push("data: c\n\n").map((event) => event.data),
    ["c"],
  );
  assert.notEqual(parser.lastId, "77");
});

test("an answer with problem details keeps what it says", async () => {
  const body = { type: "urn:csvmill:problem:job-not-found", title: "T", status: 404, detail: "D" };
  const problem = await problemOf(Response.json(body, { status: 404 }));
  assert.deepEqual(
    [problem.status, problem.kind, problem.title, problem.detail, problem.passes],
    [404, "job-not-found", "T", "D", false],
  );
  assert.ok(problem.remedy);
});

test("an answer of a proxy without JSON is a problem with a title", async () => {
  const answer = new Response("<h1>Bad Gateway</h1>", {
    status: 502,
    headers: { "Retry-After": "7" },
  });
  const problem = await problemOf(answer);
  assert.equal(problem.title, "The service does not answer");
  assert.equal(problem.retryAfter, 7);
  assert.equal(problem.passes, true);
});

test("any error can be shown as a problem", () => {
  assert.equal(asProblem(new TypeError("x is undefined")).detail, "x is undefined");
  assert.equal(asProblem("text").detail, "text");
  const problem = new Problem({ status: 418 });
  assert.equal(asProblem(problem), problem);
  assert.match(problem.title, /418/);
});

test("messages of the service name settings as the page does", () => {
  assert.equal(
    labelled("a number; if it means a missing value, add 'n/a' to input.null"),
    "a number; if it means a missing value, add 'n/a' to “Missing values”",
  );
  assert.equal(
    labelled("set input.decimal to ',' and input.thousands to '.'"),
    "set “Decimals” to “Comma: 1,5” and “Thousands” to “Point: 1.000”",
  );
  assert.equal(labelled("set input.date to '%d.%m.%Y'"), "set “Dates” to '%d.%m.%Y'");
  assert.equal(
    labelled("or set input.on_bad_row to skip"),
    "or set “Malformed rows” to “Are left out and counted”",
  );
  assert.equal(
    labelled("input.unknown to 'x', my.input.csv"),
    "input.unknown to 'x', my.input.csv",
  );
  assert.equal(inLabels("set input.encoding"), "Set “Encoding”.");
  assert.equal(inLabels(""), "");
});
