// Uploads a file with tus-js-client: node tus.mjs ENDPOINT FILE OPTIONS
//
// OPTIONS are those of tus.Upload, as JSON, and two more: `store` is a file with the URLs of
// unfinished uploads, which are resumed; with `inMemory` FILE is read into memory first.
// Prints {"resumed": BOOL} first, {"sent": N} after each chunk, and {"job": PATH, "url": URL} at the
// end. Exits with 1 and the error when tus-js-client stops retrying.

import { createReadStream, readFileSync } from "node:fs";
import { basename } from "node:path";
import { PassThrough } from "node:stream";
import * as tus from "tus-js-client";

const [endpoint, path, json] = process.argv.slice(2);
const { store, inMemory, ...options } = JSON.parse(json);
const print = (value) => console.log(JSON.stringify(value));

// A stream has no size. tus-js-client knows the size of a file and would declare a longer chunk.
const file = () => createReadStream(path);
const input = inMemory
  ? readFileSync(path)
  : options.uploadLengthDeferred
    ? file().pipe(new PassThrough())
    : file();

let job = null;
const upload = new tus.Upload(input, {
  endpoint,
  metadata: { filename: basename(path), filetype: "text/csv" },
  retryDelays: Array(10).fill(50),
  ...(store && { urlStorage: new tus.FileUrlStorage(store) }),
  ...options,
  onAfterResponse: (_request, response) => {
    job = response.getHeader("Csvmill-Job") ?? job;
  },
  onChunkComplete: (_size, sent) => print({ sent }),
  onSuccess: () => print({ job, url: upload.url }),
  onError: (error) => {
    console.error(String(error));
    process.exit(1);
  },
});
const [previous] = store ? await upload.findPreviousUploads() : [];
if (previous) upload.resumeFromPreviousUpload(previous);
print({ resumed: previous !== undefined });
upload.start();
