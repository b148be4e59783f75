// Uploads a file with Dropzone 6 in a page of another origin: node dropzone.mjs URL FILE OPTIONS
//
// OPTIONS are Dropzone's own, as JSON. Prints {"answers": [...], "retries": N} when Dropzone reports
// "success": the last response to each chunk, and how many of them were sent again. Exits with 1 and
// the error when Dropzone stops retrying.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename } from "node:path";
import { JSDOM, VirtualConsole } from "jsdom";

const [url, path, options] = process.argv.slice(2);
const { window } = new JSDOM("<form id=target></form>", {
  url: "http://page.example/",
  runScripts: "outside-only",
  virtualConsole: new VirtualConsole(), // errors of cut connections are expected
});
const source = readFileSync(createRequire(import.meta.url).resolve("dropzone"), "utf8");
const { Dropzone } = window.eval(`(() => { const exports = {}; ${source}\nreturn exports })()`);

Dropzone.autoDiscover = false;
const dropzone = new Dropzone("#target", { url: `${url}/api/upload_file`, ...JSON.parse(options) });
dropzone.on("success", (file, answer) => {
  const chunks = file.upload.chunks ?? [];
  const answers = file.upload.chunked ? chunks.map((c) => JSON.parse(c.response)) : [answer];
  const retries = chunks.reduce((sum, chunk) => sum + chunk.retries, 0);
  console.log(JSON.stringify({ answers, retries }));
  window.close();
});
dropzone.on("error", (_file, message) => {
  console.error(typeof message === "string" ? message : JSON.stringify(message));
  process.exit(1);
});
dropzone.addFile(new window.File([readFileSync(path)], basename(path), { type: "text/csv" }));
