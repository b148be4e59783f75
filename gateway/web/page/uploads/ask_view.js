/** `<csv-ask-again>` (attribute `uploads`): another question about files that the service has. */

import { asProblem } from "../api/problem.js";
import { goneNotice, isGone } from "../ask/gone.js";
import { UploadSource } from "../ask/source.js";
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

  /** @override */
  start() {
    this.addEventListener("csv-start", (event) => void this.#started(event), {
      signal: this.signal,
    });
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
      const [first] = found;
      const part = /** @type {AskPart} */ (document.createElement("csv-ask"));
      part.source = new UploadSource(ids, first?.name ?? "");
      part.path = `/ask/${ids.join(",")}`;
      fill(this, title, listOf(found), part);
      if (part.unites) await this.#showOthers(part);
    } catch (error) {
      if (isAbort(error)) return;
      const retry = () => void this.#load();
      fill(this, title, isGone(error) ? goneNotice() : problemBox(error, { retry }));
    }
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
