/** The texts of the download of a result (download/). */

export const download = Object.freeze({
  title: "Download",
  /** Names of the output formats. @type {Record<string, string>} */
  formats: {
    csv: "CSV",
    "csv.gz": "CSV, compressed with gzip",
    "csv.zst": "CSV, compressed with zstd",
    jsonl: "JSON Lines",
    parquet: "Parquet",
    xlsx: "Excel",
  },
  about: (/** @type {string} */ format, /** @type {string} */ size) => `${format} · ${size}`,
  loading: "Preparing the download …",
  gone: "The result is no longer available",
  goneHint: "Results are kept for some time only. Ask again to get a new one.",

  start: "Download and verify",
  browser: "Download",
  hint:
    "“Download and verify” fetches several parts at once and continues after a broken line or a " +
    "closed tab. The file appears when its checksum is right. “Download” is the browser's own " +
    "download, which resumes after a broken line.",
  browserOnly:
    "This browser cannot download in parts, or the page was not opened over HTTPS. It resumes the " +
    "download by itself if the connection breaks.",
  preparing: "Preparing the link …",

  pause: "Pause",
  resume: "Resume",
  cancel: "Cancel",
  cancelled: "The download is cancelled.",
  tryNow: "Try now",
  again: "Download again",
  retry: "Try again",
  allow: "Save the file",
  useKey: "Enter a key",
  choose: "Choose another place",

  bar: (/** @type {string} */ name) => `Download of ${name}`,
  amount: (/** @type {string} */ bytes, /** @type {string} */ size) => `${bytes} of ${size}`,
  left: (/** @type {string} */ time) => `${time} left`,
  state: {
    elsewhere: "Another tab downloads this file.",
    downloading: "Downloading",
    reconnecting: "No connection. It resumes by itself.",
    checking: "Checking and saving",
    permission: "Everything has arrived. The browser asks you before the file is saved.",
    paused: "Paused",
  },
  missing: "The download was finished or cancelled in another tab.",
  verified: (/** @type {string} */ name) => `${name} is saved and verified`,
  verifiedHint: "Its SHA-256 is the one that the service computed when it wrote the result.",

  /** Why a download has ended: what happened, and what to do. */
  ended: {
    changed: {
      title: "The result has changed",
      text: "The part already downloaded belonged to another result and was discarded. Nothing was saved.",
    },
    damaged: {
      title: "The file arrived damaged",
      text:
        "Its SHA-256 is wrong, so nothing was saved. Something between the service and this " +
        "browser changes bytes. Download it again.",
    },
    gone: {
      title: "The result is no longer available",
      text: "It has expired or was deleted. Ask again to get a new one.",
    },
    key: {
      title: "The key was not accepted",
      text: "Enter a valid key. What has arrived is kept.",
    },
    space: {
      title: "There is no space left",
      text:
        "The browser keeps the parts until all have arrived, and needs twice the size of the file. " +
        "Make space and try again, or use “Download”.",
    },
    place: {
      title: "The file cannot be saved there",
      text: "The folder may be gone, or be protected. Choose another place: nothing is sent again.",
    },
    ranges: {
      title: "Downloading in parts is not possible here",
      text: "Something between the service and this browser sends whole files only. Use “Download”.",
    },
    failed: {
      title: "The download failed",
      text: "What has arrived is kept. Try again, or use “Download”.",
    },
  },

  more: "Checksum and command line",
  checksum: "SHA-256 of the file",
  curl: "Download with curl: run it again to resume",
  check: "Check what curl has saved",
  copy: (/** @type {string} */ what) => `Copy: ${what}`,
});
