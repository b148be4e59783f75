/** `<csv-ask-again>` (attribute `uploads`): another question about files that the service has. */

import { asProblem } from "../api/problem.js";
import { goneNotice, isGone } from "../ask/gone.js";
import { KnownSource, UploadSource } from "../ask/source.js";
import "../ask/view.js";
import { loadingView, problemBox } from "../components/states.js";
import { toast } from "../components/toast.js";
import { fill, h } from "../core/element.js";
import { formatBytes } from "../core/format.js";
import { define, Part } from "../core/part.js";
import { plain } from "../core/plain.js";
import { navigate } from "../core/router.js";
import { isAbort } from "../core/wait.js";
import { ask as texts } from "../texts/ask.js";
import { askJob, getUpload } from "./api.js";

/** @typedef {import("../ask/view.js").AskPart} AskPart */
/** @typedef {import("../ask/view.js").StartDetail} StartDetail */

/** How many other files are read for their columns. */
const MOST_READ = 12;

class AskAgainPart extends Part {
  #starting = false;
  /** The files that it is about. @type {readonly {name: string, size: number}[]} */
  #found = [];

  /** @override */
  start() {
    const { signal } = this;
    this.addEventListener("csv-start", (event) => void this.#started(event), { signal });
    this.addEventListener("csv-read", (event) => this.#read(event), { signal });
    void this.#load();
  }

  get #ids() {
    return (this.getAttribute("uploads") ?? "").split(",").filter(Boolean);
  }

  async #load() {
    const ids = this.#ids;
    const title = h("h1", null, texts.againTitle);
    fill(this, title, loadingView(texts.reading));
    try {
      const found = await Promise.all(ids.map((id) => getUpload(id, this.signal)));
      this.#found = found;
      const part = this.#show(new UploadSource(ids, found[0]?.name ?? ""));
      if (part.unites) await this.#showOthers(part);
    } catch (error) {
      if (isAbort(error)) return;
      const retry = () => void this.#load();
      fill(this, title, isGone(error) ? goneNotice() : problemBox(error, { retry }));
    }
  }

  /**
   * Shows the question about the files.
   * @param {import("../ask/source.js").Source} source
   */
  #show(source) {
    const part = /** @type {AskPart} */ (document.createElement("csv-ask"));
    part.source = source;
    part.path = `/ask/${this.#ids.join(",")}`;
    fill(this, h("h1", null, texts.againTitle), listOf(this.#found), part);
    return part;
  }

  /** @param {Event} event */
  #read(event) {
    const { detail } = /** @type {CustomEvent<import("../ask/types.js").Inspection>} */ (event);
    if (detail.input.compression !== "xlsx" || detail.sheets) return;
    const use = (/** @type {File} */ file) => void this.#show(new KnownSource(this.#ids, file));
    const notice = workbookNotice(this.#found[0]?.size ?? 0, use);
    fill(this, h("h1", null, texts.againTitle), listOf(this.#found), notice);
  }

  /** Shows the columns of the other files, of which some may be gone. @param {AskPart} part */
  async #showOthers(part) {
    const others = this.#ids.slice(1, MOST_READ + 1).map((id) => new UploadSource([id], ""));
    const { signal } = this;
    const read = await Promise.allSettled(
      others.map((each) => each.inspect({ aggregation: null, signal })),
    );
    part.setOthers(read.flatMap((each) => ("value" in each ? each.value.columns : [])));
  }

  /** @param {Event} event */
  async #started(event) {
    const { detail } = /** @type {CustomEvent<StartDetail>} */ (event);
    if (this.#starting || !detail.aggregation) return;
    this.#starting = true;
    const aggregation = /** @type {{[key: string]: unknown}} */ (detail.aggregation);
    try {
      const job = await askJob({ inputs: this.#ids, aggregation }, this.signal);
      navigate(`/jobs/${job.id}`);
    } catch (error) {
      if (isAbort(error)) return;
      const { detail: why, title } = asProblem(error);
      toast(`${texts.againFailed}: ${why || title}`, { kind: "bad" });
    } finally {
      this.#starting = false;
    }
  }
}

/**
 * Asks for the file on this machine.
 * @param {number} size that of the file on the service
 * @param {(file: File) => void} use
 */
function workbookNotice(size, use) {
  const { workbook } = texts;
  const problem = h("p", { class: "hint", role: "alert" });
  const input = h("input", {
    type: "file",
    accept: ".xlsx",
    hidden: true,
    onchange: () => {
      const file = input.files?.[0];
      if (!file) return;
      if (file.size === size) use(file);
      else problem.textContent = workbook.other(formatBytes(file.size), formatBytes(size));
      input.value = "";
    },
  });
  const choose = () => input.click();
  return h(
    "div",
    { class: "notice" },
    h("p", { class: "notice-title" }, workbook.title),
    h("p", null, workbook.text),
    problem,
    input,
    h(
      "div",
      { class: "actions" },
      h("button", { type: "button", onclick: choose }, workbook.choose),
    ),
  );
}

/** @param {readonly {name: string, size: number}[]} uploads */
function listOf(uploads) {
  return h(
    "ul",
    { class: "ask-again-files", "aria-label": texts.againFiles },
    uploads.map(({ name, size }) =>
      h(
        "li",
        null,
        h("bdi", null, plain(name)),
        h("span", { class: "soft small-text" }, formatBytes(size)),
      ),
    ),
  );
}

define("csv-ask-again", AskAgainPart);
