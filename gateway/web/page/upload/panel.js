/** `<csv-uploads>`: the uploads of this browser, below the header of every view. */

import { fill, h } from "../core/element.js";
import { announce } from "../core/focus.js";
import { define, Part } from "../core/part.js";
import { currentPlace, onPlace } from "../core/router.js";
import { needStyle } from "../core/style.js";
import { upload as texts } from "../texts/upload.js";
import { uploads } from "./queue.js";
import { UploadRow } from "./row.js";

await needStyle("upload");

/** @typedef {import("./task.js").UploadTask} UploadTask */
/** @typedef {import("./task.js").UploadState} UploadState */

/** Percentages that a screen reader announces. */
const QUARTERS = /** @type {const} */ ([25, 50, 75]);
/** States that a screen reader announces. */
const TOLD = new Set(["paused", "offline", "needs-file", "done", "failed"]);
/** Milliseconds between two looks at speeds and waits that change by themselves. */
const TICK = 1000;

class UploadsPart extends Part {
  /** @type {Map<string, UploadRow>} */
  #rows = new Map();
  /** What a screen reader was told last. @type {Map<string, {state: UploadState, quarter: number}>} */
  #told = new Map();
  #list = h("ul", { class: "uploads-list" });
  #summary = h("span", { class: "uploads-summary" });
  #details = h("details", { open: true });
  #frame = 0;
  #drawn = false;

  /** @override */
  start() {
    this.hidden = this.#rows.size === 0;
    if (!this.firstElementChild) this.#build();
    const { signal } = this;
    uploads.addEventListener("change", () => this.#soon(), { signal });
    const timer = setInterval(() => this.#soon(), TICK);
    signal.addEventListener("abort", () => clearInterval(timer));
    addEventListener("beforeunload", warn, { signal });
    onPlace(() => this.#soon(), signal);
    void uploads.open();
    this.#soon();
  }

  #build() {
    const title = h("h2", { id: "uploads-title" }, texts.title);
    fill(
      this,
      h(
        "section",
        { "aria-labelledby": "uploads-title" },
        fill(
          this.#details,
          h("summary", { class: "line-summary" }, title, this.#summary),
          this.#list,
        ),
      ),
    );
  }

  /** Draws with the next frame, once for all changes until then. */
  #soon() {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  #draw() {
    const { tasks } = uploads;
    const focused = this.contains(document.activeElement);
    this.#removeAllBut(new Set(tasks.map(({ id }) => id)));
    for (const task of tasks) {
      const row = this.#rows.get(task.id);
      if (row) row.draw();
      else this.#add(task);
      this.#tell(task);
      // Its job is shown, which tells more.
      if (task.jobId && currentPlace().path === `/jobs/${task.jobId}`) task.dismiss();
    }
    this.hidden = tasks.length === 0;
    if (!this.#drawn && tasks.length > 0) {
      this.#drawn = true;
      // What was done before the page was opened needs no room.
      this.#details.open = tasks.some(({ state }) => state !== "done");
    }
    // A single row tells the time itself.
    const text = summaryOf(tasks, tasks.length > 1 || !this.#details.open);
    if (this.#summary.textContent !== text) this.#summary.textContent = text;
    // A button that was used has left with its row: the keyboard goes to another one.
    if (focused && !this.contains(document.activeElement)) this.#focusAny();
  }

  /** @param {UploadTask} task */
  #add(task) {
    const row = new UploadRow(task);
    this.#rows.set(task.id, row);
    this.#list.append(row.element);
  }

  /** @param {Set<string>} ids */
  #removeAllBut(ids) {
    for (const [id, row] of this.#rows) {
      if (ids.has(id)) continue;
      row.element.remove();
      this.#rows.delete(id);
      this.#told.delete(id);
    }
  }

  #focusAny() {
    const [first] = this.#rows.values();
    if (first) first.button.focus();
    else document.getElementById("main")?.focus({ preventScroll: true });
  }

  /** @param {UploadTask} task */
  #tell({ id, name, state, sent, size }) {
    const known = this.#told.get(id);
    const quarter = QUARTERS.findLast((percent) => 100 * sent >= percent * size) ?? 0;
    this.#told.set(id, { state, quarter });
    if (!known) return;
    if (state !== known.state && TOLD.has(state)) {
      announce(texts.says.state(name, texts.states[state]), { urgent: state === "failed" });
    } else if (state === "sending" && quarter > known.quarter) {
      announce(texts.says.progress(name, quarter));
    }
  }
}

/**
 * @param {readonly UploadTask[]} tasks
 * @param {boolean} timed whether it tells the time that is left
 */
function summaryOf(tasks, timed) {
  const active = tasks.filter(({ state }) => state === "sending" || state === "waiting");
  const left = active.reduce((bytes, { sent, size }) => bytes + size - sent, 0);
  const rate = active.reduce((sum, { bytesPerSecond }) => sum + (bytesPerSecond ?? 0), 0);
  return texts.summary(active.length, tasks.length, timed && rate >= 1 ? left / rate : null);
}

/**
 * Lets the browser ask before the page is left while it sends a file that the browser cannot open
 * again by itself.
 * @param {BeforeUnloadEvent} event
 */
function warn(event) {
  const lost = uploads.tasks.some(
    ({ here, state, snapshot }) => here && state === "sending" && !snapshot.hasHandle,
  );
  if (lost) event.preventDefault();
}

define("csv-uploads", UploadsPart);
