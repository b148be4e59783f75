/** A download in parts as it is shown: its button, its progress, its outcome. */

import { askForKey } from "../api/key.js";
import { progressBar } from "../components/progress_bar.js";
import { problemBox } from "../components/states.js";
import { fill, h } from "../core/element.js";
import { announce } from "../core/focus.js";
import { formatBytes, formatDuration, formatPercent, formatRate } from "../core/format.js";
import { isAbort } from "../core/wait.js";
import { download as texts } from "../texts/download.js";

/** @typedef {import("./task.js").DownloadTask} DownloadTask */
/** @typedef {"start" | "pause" | "resume" | "allow" | "again" | "key" | "choose"} Act */

/** The button of each state; null if there is none. @type {Record<string, Act | null>} */
const BUTTONS = {
  idle: "start",
  missing: "start",
  cancelled: "start",
  elsewhere: null,
  downloading: "pause",
  reconnecting: "pause",
  checking: null,
  permission: "allow",
  paused: "resume",
  verified: "again",
};
/** The button after each reason to end. @type {Record<string, Act>} */
const AFTER = {
  changed: "again",
  damaged: "again",
  gone: "start",
  key: "key",
  place: "choose",
};
const LABELS = {
  start: texts.start,
  pause: texts.pause,
  resume: texts.resume,
  allow: texts.allow,
  again: texts.again,
  key: texts.useKey,
  choose: texts.choose,
  retry: texts.retry,
};
/** What a person is expected to press. */
const CALLS = new Set(["resume", "allow", "again", "key", "choose", "retry"]);
/** States with a bar. */
const WITH_BAR = new Set([
  "downloading",
  "reconnecting",
  "checking",
  "permission",
  "paused",
  "elsewhere",
]);
/** States in which there is something to cancel. */
const WITH_CANCEL = new Set(["downloading", "reconnecting", "checking", "permission", "paused"]);

/** Shows one task. */
export class Running {
  #task;
  #signal;
  #bar;
  #button;
  #cancel;
  #wake;
  #state = h("span");
  #amount = h("span", { class: "soft" });
  #running;
  #outcome = h("div");
  #hint = h("p", { class: "hint download-hint" }, texts.hint);
  #other;
  #announced = "";
  #primary;

  /**
   * @param {DownloadTask} task
   * @param {object} options
   * @param {boolean} options.primary whether it is proposed before the other way
   * @param {HTMLElement} options.other the other way to download
   * @param {AbortSignal} options.signal
   */
  constructor(task, { primary, other, signal }) {
    this.#task = task;
    this.#signal = signal;
    this.#primary = primary;
    this.#other = other;
    this.#bar = progressBar(texts.bar(task.file.name));
    this.#button = h("button", { type: "button" });
    this.#button.addEventListener("click", () => void this.#press());
    this.#cancel = h("button", { type: "button", class: "quiet" }, texts.cancel);
    this.#cancel.addEventListener("click", () => void this.#try(() => task.cancel()));
    this.#wake = h("button", { type: "button", class: "quiet" }, texts.tryNow);
    this.#wake.addEventListener("click", () => task.wake());
    this.#running = h(
      "div",
      { class: "download-running" },
      this.#bar.element,
      h("p", { class: "download-line" }, this.#state, this.#amount),
    );
    this.element = h(
      "div",
      null,
      this.#running,
      this.#outcome,
      h(
        "div",
        { class: "actions" },
        primary ? [this.#button, other] : [other, this.#button],
        this.#wake,
        this.#cancel,
      ),
      this.#hint,
    );
    task.addEventListener("change", () => this.#draw(), { signal });
    this.#draw();
    void this.#try(() => task.restore());
  }

  /** What the button does. @returns {Act | "retry" | null} */
  get #act() {
    const { state, reason } = this.#task;
    if (state === "ended") return AFTER[reason ?? ""] ?? "retry";
    return BUTTONS[state] ?? null;
  }

  #draw() {
    const { state } = this.#task;
    const act = this.#act;
    this.#button.hidden = act === null;
    if (act) this.#button.textContent = LABELS[act];
    const begins = state === "idle" || state === "missing" || state === "cancelled";
    this.#button.classList.toggle(
      "primary",
      begins ? this.#primary : CALLS.has(act ?? "") && state !== "verified",
    );
    this.#other.hidden = !begins && state !== "ended";
    this.#cancel.hidden = !WITH_CANCEL.has(state) && act !== "key" && act !== "retry";
    this.#wake.hidden = state !== "reconnecting";
    this.#hint.hidden = act !== "start";
    this.#running.hidden = !WITH_BAR.has(state);
    if (WITH_BAR.has(state)) this.#drawBar();
    const outcome = `${state} ${this.#task.reason}`;
    if (outcome !== this.#announced) {
      this.#announced = outcome;
      fill(this.#outcome, this.#outcomeOf());
      this.#announce();
    }
  }

  #drawBar() {
    const { state, bytes, file, rate, secondsLeft } = this.#task;
    const percent = file.size ? (bytes / file.size) * 100 : 100;
    const amount = texts.amount(formatBytes(bytes), formatBytes(file.size));
    const moving = state === "downloading" || state === "checking";
    const known = state !== "elsewhere";
    const shown = [known && amount, moving && rate && formatRate(rate)];
    if (moving && secondsLeft) shown.push(texts.left(formatDuration(secondsLeft)));
    this.#state.textContent =
      texts.state[/** @type {keyof typeof texts.state} */ (state)] +
      (known && state !== "permission" ? ` · ${formatPercent(percent)}` : "");
    this.#amount.textContent = shown.filter(Boolean).join(" · ");
    this.#bar.show(known ? percent : null, known ? amount : undefined);
    this.#bar.mark(moving ? "active" : "paused");
  }

  #outcomeOf() {
    const { state, reason, file, detail } = this.#task;
    if (state === "verified") {
      return notice("notice-good", texts.verified(file.name), texts.verifiedHint);
    }
    if (state === "missing") return notice("", texts.missing, "");
    if (state !== "ended" || !reason) return null;
    const { title, text } = texts.ended[reason];
    return notice(
      "notice-bad",
      title,
      text,
      reason === "failed" || reason === "place" ? detail : "",
    );
  }

  /** Tells a screen reader what has changed; the bar tells how far it is. */
  #announce() {
    const { state, file, reason } = this.#task;
    if (state === "verified") announce(texts.verified(file.name));
    else if (state === "cancelled") announce(texts.cancelled);
    else if (state === "ended" && reason) announce(texts.ended[reason].title, { urgent: true });
    else if (state in texts.state) {
      announce(texts.state[/** @type {keyof typeof texts.state} */ (state)]);
    }
  }

  #press() {
    return this.#try(() => this.#do(this.#act));
  }

  /** @param {Act | "retry" | null} act */
  async #do(act) {
    const task = this.#task;
    if (act === "pause") task.pause();
    else if (act === "resume" || act === "retry") await task.resume();
    else if (act === "allow") await task.allow();
    else if (act === "key") {
      if (await askForKey()) await task.resume();
    } else if (act) {
      const handle = await chooseFile(task.file.name);
      if (act === "choose") await task.moveTo(handle);
      else task.start(handle);
    }
  }

  /** @param {() => unknown} run shows its error, unless a person has closed a dialog */
  async #try(run) {
    try {
      await run();
    } catch (error) {
      if (isAbort(error) || this.#signal.aborted) return;
      fill(this.#outcome, problemBox(error));
    }
  }
}

/**
 * @param {string} name which the dialog proposes
 * @returns {Promise<FileSystemFileHandle>}
 */
function chooseFile(name) {
  const picker =
    /** @type {{showSaveFilePicker: (about: object) => Promise<FileSystemFileHandle>}} */ (
      /** @type {unknown} */ (globalThis)
    );
  return picker.showSaveFilePicker({ suggestedName: name });
}

/**
 * @param {string} kind
 * @param {string} title
 * @param {string} text
 * @param {string} [detail]
 */
function notice(kind, title, text, detail = "") {
  return h(
    "div",
    { class: `notice ${kind}` },
    h("p", { class: "notice-title" }, title),
    text && h("p", null, text),
    detail && h("p", { class: "soft mono" }, detail),
  );
}
