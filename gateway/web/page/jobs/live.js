/** What a job that has not ended shows: its stage, a bar, how much is read, how fast, how long yet. */

import { progressBar } from "../components/progress_bar.js";
import { fill, h } from "../core/element.js";
import { formatBytes, formatDuration, formatPercent, formatRate } from "../core/format.js";
import { plain } from "../core/plain.js";
import { jobs as texts } from "../texts/jobs.js";
import { stageOf } from "./facts.js";
import { Speed } from "./speed.js";

/** @typedef {import("./api.js").Job} Job */

const words = texts.job;

/** The section of a job in progress. It is changed in place, so that nothing jumps. */
export class Live {
  #bar;
  #speed = new Speed();
  #stage = h("p", { class: "live-stage" });
  #percent = h("p", { class: "live-percent number" });
  #bytes = h("span");
  #rows = h("span");
  #rate = h("span");
  #left = h("span");
  #earlier = h("p", { class: "live-earlier" });
  #more = h("div", { class: "actions" });

  /**
   * @param {Job} job
   * @param {import("../core/element.js").Child} [more] what is offered below the figures
   */
  constructor(job, more) {
    this.#bar = progressBar(words.progress(plain(job.filename)));
    fill(this.#more, more);
    this.element = h(
      "section",
      { class: "card live", "aria-label": words.progress(plain(job.filename)) },
      h("div", { class: "live-head" }, this.#stage, this.#percent),
      this.#bar.element,
      h("p", { class: "live-figures" }, this.#bytes, this.#rows, this.#rate, this.#left),
      this.#earlier,
      this.#more,
    );
    this.show(job);
  }

  /**
   * Shows a job as it is now.
   * @param {Job} job
   * @param {number} [now] milliseconds
   */
  show(job, now = Date.now()) {
    const { progress, attempt, max_attempts, state } = job;
    const stage = stageOf(job);
    const again = attempt > 1 || state === "RETRY";
    const attempts =
      again && state === "STARTED" ? ` · ${words.attempt(attempt, max_attempts)}` : "";
    fill(this.#stage, words.stages[stage] + attempts);
    const reason = again ? lastReason(job) : null;
    this.#earlier.hidden = !reason;
    fill(this.#earlier, reason && words.earlier(reason));
    const reads = stage === "reading" && progress;
    this.#bar.show(reads ? progress.percent : null, reads ? undefined : words.stages[stage]);
    this.#bar.mark(state === "STARTED" ? "active" : "paused");
    fill(this.#percent, reads ? formatPercent(progress.percent) : "");
    if (progress) this.#speed.take(progress.bytes_done, now);
    const { rate } = this.#speed;
    fill(
      this.#bytes,
      progress
        ? words.bytes(formatBytes(progress.bytes_done), formatBytes(progress.bytes_total))
        : formatBytes(job.input_size),
    );
    const rows = progress?.rows_done ?? null;
    fill(this.#rows, rows === null || !progress ? "" : words.rows(rows, progress.rows_estimated));
    fill(this.#rate, reads && rate ? formatRate(rate) : "");
    const left = reads ? progress.eta : null;
    fill(this.#left, left === null ? "" : words.left(formatDuration(left)));
  }
}

/**
 * Why the last attempt that has ended did not succeed. The job itself tells it only until the next
 * attempt begins.
 * @param {Job} job
 */
function lastReason({ reason, attempts }) {
  return reason ?? attempts.findLast((each) => each.ended_at !== null)?.reason ?? null;
}
