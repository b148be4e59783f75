/** One upload in the panel. */

import { progressBar } from "../components/progress_bar.js";
import { h } from "../core/element.js";
import { placeHref } from "../core/router.js";
import { labelled } from "../core/wording.js";
import { upload as texts } from "../texts/upload.js";
import { chooseFile } from "./file_access.js";

/** @typedef {import("./task.js").UploadTask} UploadTask */
/** @typedef {import("./task.js").UploadState} UploadState */

/** Milliseconds between two changes of the numbers, which would flicker otherwise. */
const STEADY = 300;
/** Bytes from which a person is asked before an upload is cancelled. */
const PRECIOUS = 16 * 1024 * 1024;
/** Bytes from which the service may read a file while it arrives. */
const HEAD_START = 64 * 1024 * 1024;

/** @type {Record<UploadState, "active" | "paused" | "good" | "bad">} */
const COLOURS = {
  waiting: "paused",
  sending: "active",
  paused: "paused",
  offline: "paused",
  "needs-file": "paused",
  arrived: "good",
  done: "good",
  failed: "bad",
  cancelled: "paused",
};

/** The element of an upload, and what changes in it. */
export class UploadRow {
  #task;
  #bar;
  #state = h("span", { class: "upload-state" });
  #amount = h("span", { class: "upload-amount" });
  #rate = h("span", { class: "upload-rate" });
  #percent = h("span", { class: "upload-percent" });
  #note = h("p");
  #said = h("p", { class: "upload-said" });
  #notes = h("div", { class: "upload-notes" }, this.#note, this.#said);
  #reading = h("p", { class: "upload-reading" });
  #main;
  #end;
  #job = h("a", { class: "button small" }, texts.openJob);
  #asking = false;
  #drawn = 0;
  /** @type {UploadState | null} */
  #drawnState = null;

  /** @param {UploadTask} task */
  constructor(task) {
    this.#task = task;
    const { name } = task;
    this.#bar = progressBar(texts.bar(name));
    const click = { type: "button", class: "small" };
    this.#main = h("button", { ...click, onclick: () => this.#act() });
    this.#end = h("button", { ...click, class: "small quiet", onclick: () => this.#leave() });
    this.#job.hidden = true;
    this.element = h(
      "li",
      { class: "upload", data: { id: task.id } },
      h("div", { class: "upload-name", title: name }, h("bdi", null, name)),
      h("div", { class: "upload-actions" }, this.#job, this.#main, this.#end),
      this.#bar.element,
      h("div", { class: "upload-words" }, this.#state, this.#amount, this.#rate, this.#percent),
      this.#reading,
      this.#notes,
    );
    this.draw();
  }

  /** The button that a person has likely used last: it gets the focus when another row leaves. */
  get button() {
    return this.#end;
  }

  /** Shows the present state of the upload. */
  draw() {
    const { state, sent, size } = this.#task;
    const now = performance.now();
    const turned = state !== this.#drawnState;
    if (turned) {
      this.#drawnState = state;
      this.#asking = false;
      this.element.dataset.state = state;
      this.#bar.mark(COLOURS[state]);
      this.#drawButtons();
    }
    const percent = size > 0 ? (100 * sent) / size : state === "done" ? 100 : 0;
    this.#bar.show(percent, `${texts.percent(percent)}, ${texts.states[state]}`);
    if (!turned && now - this.#drawn < STEADY) return;
    this.#drawn = now;
    this.#drawWords(percent);
    this.#drawNote();
  }

  /** @param {number} percent */
  #drawWords(percent) {
    const { state, sent, size, bytesPerSecond, secondsLeft } = this.#task;
    put(this.#state, texts.states[state]);
    put(
      this.#amount,
      state === "done" || state === "arrived" ? texts.whole(size) : texts.amount(sent, size),
    );
    put(this.#percent, texts.percent(percent));
    put(this.#rate, state === "sending" ? texts.rate(bytesPerSecond, secondsLeft) : "");
    put(this.#reading, readingOf(this.#task));
    this.#reading.hidden = this.#reading.textContent === "";
  }

  #drawNote() {
    const { sent, problem } = this.#task;
    const note = this.#asking ? texts.askCancel(sent) : noteOf(this.#task);
    const said = this.#asking || !problem?.detail ? "" : texts.said(problem.detail);
    put(this.#note, note);
    put(this.#said, said);
    if (this.#said.title !== said) this.#said.title = said; // a long one is cut off
    this.#said.hidden = said === "";
    this.#notes.hidden = note === "";
  }

  #drawButtons() {
    const { state, jobId, name, snapshot } = this.#task;
    const ended = state === "done" || state === "failed";
    const main = this.#asking ? texts.reallyCancel : mainAct(state, snapshot.hasHandle);
    const end = this.#asking ? texts.keep : ended ? texts.remove : texts.cancel;
    label(this.#main, main, name);
    label(this.#end, end, name);
    this.#main.classList.toggle("danger", this.#asking);
    this.#main.hidden = main === "";
    this.#job.hidden = jobId === null;
    if (jobId !== null) this.#job.setAttribute("href", placeHref(`/jobs/${jobId}`));
    this.#job.setAttribute("aria-label", texts.of(texts.openJob, name));
  }

  #act() {
    const { state, snapshot } = this.#task;
    if (this.#asking) this.#task.cancel();
    else if (state === "waiting" || state === "sending") this.#task.pause();
    else if (state === "needs-file" && !snapshot.hasHandle) void this.#choose();
    else this.#task.resume();
  }

  #leave() {
    const { state, sent } = this.#task;
    const ended = state === "done" || state === "failed";
    if (this.#asking || ended || sent < PRECIOUS) {
      if (this.#asking) this.#ask(false);
      else this.#task.dismiss();
    } else {
      this.#ask(true);
    }
  }

  /** @param {boolean} asking whether the upload is to be cancelled indeed */
  #ask(asking) {
    this.#asking = asking;
    this.#drawButtons();
    this.#drawNote();
  }

  async #choose() {
    const chosen = await chooseFile();
    if (chosen) this.#task.provideFile(chosen.file, chosen.handle);
  }
}

/**
 * @param {UploadState} state
 * @param {boolean} hasHandle
 */
function mainAct(state, hasHandle) {
  switch (state) {
    case "waiting":
    case "sending":
      return texts.pause;
    case "paused":
      return texts.resume;
    case "offline":
      return texts.tryNow;
    case "needs-file":
      return hasHandle ? texts.allow : texts.choose;
    case "failed":
      return texts.tryAgain;
    default:
      return "";
  }
}

/**
 * What a person has to know, and to do.
 * @param {UploadTask} task
 */
function noteOf({ state, problem, snapshot }) {
  if (!problem) {
    if (state !== "needs-file") return badRowsOf(snapshot);
    return snapshot.hasHandle ? texts.needsPermission : texts.needsChoice;
  }
  const { what, todo } = texts.troubles[problem.trouble];
  const seconds = Math.ceil((problem.until - Date.now()) / 1000);
  const next = problem.until > 0 && seconds > 0 ? texts.nextTry(seconds) : "";
  return [what, todo, next].filter((text) => text !== "").join(" ");
}

/**
 * How far the service has read the file. It says so only of large ones.
 * @param {UploadTask} task
 */
function readingOf({ state, size, snapshot }) {
  if (size < HEAD_START || snapshot.together || state === "done" || state === "failed") return "";
  const { headStart } = snapshot;
  if (headStart === null) return state === "sending" ? texts.readingNothing : "";
  if (headStart.ended) return texts.readingEnded(headStart.ended);
  const { aggregated_bytes, rows, rows_estimated } = headStart;
  return texts.readingRows(aggregated_bytes, rows, rows_estimated);
}

/**
 * What the service has found in the file so far.
 * @param {Readonly<import("./task.js").Snapshot>} snapshot
 */
function badRowsOf({ state, headStart }) {
  if (!headStart?.rows_rejected || state === "done") return "";
  return texts.badRows(headStart.rows_rejected, labelled(headStart.first_problem ?? ""));
}

/**
 * @param {HTMLElement} button
 * @param {string} act
 * @param {string} name of the file
 */
function label(button, act, name) {
  put(button, act);
  button.setAttribute("aria-label", texts.of(act, name));
}

/**
 * Changes the text of an element only if it is another one.
 * @param {HTMLElement} element
 * @param {string} text
 */
function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
