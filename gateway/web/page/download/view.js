/** `<csv-download>`: downloads the result of a job. Set its property `job` to the JSON of the job. */

import { call } from "../api/client.js";
import { currentKey, keys } from "../api/key.js";
import { problemBox } from "../components/states.js";
import { fill, h } from "../core/element.js";
import { announce } from "../core/focus.js";
import { formatBytes } from "../core/format.js";
import { define, Part } from "../core/part.js";
import { needStyle } from "../core/style.js";
import { isAbort } from "../core/wait.js";
import { download as texts } from "../texts/download.js";
import { plainUrl, signedUrl } from "./browser_link.js";
import { attachedName } from "./commands.js";
import { moreOf } from "./more.js";
import { Running } from "./running.js";
import { canDownloadInParts, taskOf } from "./task.js";

/** Bytes from which a download in parts is proposed first. */
const LARGE = 8 << 20;
const GONE = 410;

await needStyle("download");

class DownloadPart extends Part {
  /** @type {any} */
  #job = null;
  /** The result that is shown. */
  #shown = "";

  /** The JSON of the job, which may have no result yet. */
  set job(job) {
    this.#job = job;
    if (this.isConnected) this.start();
  }

  get job() {
    return this.#job;
  }

  /** @override */
  start() {
    const result = this.#job?.result;
    this.hidden = !result;
    const wanted = result ? `${this.#job.id} ${result.sha256}` : "";
    if (wanted === this.#shown) return; // another progress of the same job
    this.#shown = wanted;
    if (result) void this.#load();
    else fill(this);
  }

  /** @override */
  disconnectedCallback() {
    super.disconnectedCallback();
    this.#shown = "";
  }

  async #load() {
    const { id, result } = this.#job;
    const card = h("section", { class: "card", "aria-label": texts.title });
    fill(this, card);
    fill(card, h("h2", null, texts.title), h("p", { class: "soft" }, texts.loading));
    const url = plainUrl(id);
    try {
      const path = `api/v1/jobs/${encodeURIComponent(id)}/result`;
      const query = { encoding: "identity" };
      const head = await call("HEAD", path, { query, signal: this.signal });
      const name = attachedName(head.headers.get("Content-Disposition")) ?? "result";
      const { size, sha256 } = result;
      this.#show(card, { url, name, size, sha256 });
    } catch (error) {
      if (isAbort(error)) return;
      fill(card, h("h2", null, texts.title), this.#failed(error));
    }
  }

  /** @param {unknown} error */
  #failed(error) {
    if (/** @type {{status?: number}} */ (error).status === GONE) {
      return h(
        "div",
        { class: "notice" },
        h("p", { class: "notice-title" }, texts.gone),
        h("p", null, texts.goneHint),
      );
    }
    return problemBox(error, { retry: () => void this.#load() });
  }

  /**
   * @param {HTMLElement} card
   * @param {import("./task.js").FileToGet} file
   */
  #show(card, file) {
    const output = this.#job.aggregation?.output ?? "csv";
    const format = texts.formats[output] ?? String(output);
    const browser = h("div", { class: "download-browser" });
    const more = h("div", { class: "download-more" });
    /** @type {Running | null} */
    let running = null;
    if (canDownloadInParts()) {
      const primary = file.size >= LARGE;
      running = new Running(taskOf(file), { primary, other: browser, signal: this.signal });
    }
    const draw = () => {
      this.#drawBrowser(browser, file, running === null || file.size < LARGE);
      moreOf(more, file, Boolean(currentKey()));
    };
    keys.addEventListener("change", draw, { signal: this.signal });
    draw();
    fill(
      card,
      h("h2", null, texts.title),
      h(
        "p",
        { class: "download-file" },
        h("span", { class: "download-name" }, file.name),
        h("span", { class: "soft number" }, texts.about(format, formatBytes(file.size))),
      ),
      running?.element,
      running === null && [
        h("div", { class: "actions" }, browser),
        h("p", { class: "hint download-hint" }, texts.browserOnly),
      ],
      more,
    );
  }

  /**
   * The browser's own download: a link, or a button that makes one if a key is in use.
   * @param {HTMLElement} place
   * @param {import("./task.js").FileToGet} file
   * @param {boolean} first whether it is proposed first
   */
  #drawBrowser(place, file, first) {
    const kind = first ? "primary" : "";
    if (!currentKey()) {
      const { url: href, name } = file;
      fill(place, h("a", { class: `button ${kind}`, href, download: name }, texts.browser));
      return;
    }
    const button = h("button", { type: "button", class: kind }, texts.browser);
    button.addEventListener("click", () => void this.#bySignedLink(button, place));
    fill(place, button);
  }

  /**
   * @param {HTMLButtonElement} button
   * @param {HTMLElement} place
   */
  async #bySignedLink(button, place) {
    button.disabled = true;
    announce(texts.preparing);
    try {
      const href = await signedUrl(this.#job.id, this.signal);
      h("a", { href, download: "" }).click();
    } catch (error) {
      if (isAbort(error)) return;
      place.querySelector(".notice")?.remove();
      place.append(problemBox(error));
    } finally {
      button.disabled = false;
    }
  }
}

define("csv-download", DownloadPart);
