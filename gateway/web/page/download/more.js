/** The checksum and the command lines of a download, to copy. */

import { copyButton } from "../components/copy_button.js";
import { fill, h } from "../core/element.js";
import { download as texts } from "../texts/download.js";
import { checkCommand, curlCommand } from "./commands.js";

/**
 * Draws them into `place`.
 * @param {HTMLElement} place
 * @param {import("./task.js").FileToGet} file
 * @param {boolean} withKey whether the service demands a key
 */
export function moreOf(place, file, withKey) {
  const open = place.querySelector("details")?.open ?? false;
  const { url, name, sha256 } = file;
  const plain = new URL(url);
  plain.search = "";
  fill(
    place,
    h(
      "details",
      { open },
      h("summary", null, texts.more),
      h(
        "dl",
        null,
        row(texts.checksum, sha256),
        row(texts.curl, curlCommand({ url: plain.href, name, withKey })),
        row(texts.check, checkCommand({ name, sha256 })),
      ),
    ),
  );
}

/**
 * @param {string} title
 * @param {string} text
 */
function row(title, text) {
  const button = copyButton(() => text);
  button.setAttribute("aria-label", texts.copy(title));
  return h("div", null, h("dt", null, title), h("dd", null, h("code", null, text), button));
}
