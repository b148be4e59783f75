// Uploads a file with tus-js-client: node tus.mjs ENDPOINT FILE OPTIONS
//
// OPTIONS are those of tus.Upload, as JSON; `store` is a file in which it remembers uploads, and
// goes on with one that is there; with `inMemory` it reads FILE as a whole. Prints {"resumed": BOOL} at first, {"sent": N} after each chunk,
// and {"job": PATH, "url": URL} at the end. Ends with 1 and what tus-js-client says when it gives up.

import { createReadStream, readFileSync } from "node:fs";
import { basename } from "node:path";
import { PassThrough } from "node:stream";
import * as tus from "tus-js-client";

const [endpoint, path, given] = process.argv.slice(2);
const { store, inMemory, ...options } = JSON.parse(given);
const say = (words) => console.log(JSON.stringify(words));

// A stream has no size; of a file tus-js-client knows it, and would announce a chunk too long.
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
  onChunkComplete: (_size, sent) => say({ sent }),
  onSuccess: () => say({ job, url: upload.url }),
  onError: (error) => {
    console.error(String(error));
    process.exit(1);
  },
});
const [previous] = store ? await upload.findPreviousUploads() : [];
if (previous) upload.resumeFromPreviousUpload(previous);
say({ resumed: previous !== undefined });
upload.start();
