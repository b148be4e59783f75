/** One row of the list of jobs, which is changed in place when its job changes. */

import { stateBadge } from "../components/badge.js";
import { progressBar } from "../components/progress_bar.js";
import { fill, h } from "../core/element.js";
import {
  formatAgo,
  formatBytes,
  formatDuration,
  formatExactTime,
  formatPercent,
  UNKNOWN,
} from "../core/format.js";
import { plain } from "../core/plain.js";
import { inWords } from "../core/question.js";
import { jobs as texts } from "../texts/jobs.js";
import { DANGEROUS, LABELS } from "./actions.js";
import { actionsOf, hasEnded, hasResult, secondsOf } from "./facts.js";
import { menu } from "./menu.js";

/** @typedef {import("./api.js").Job} Job */

const words = texts.list;

/** The row of a job. */
export class JobRow {
  #state = h("td", { role: "cell", class: "job-state" });
  #rows = h("td", { role: "cell", class: "number job-rows", data: { label: words.columns.rows } });
  #took = h("td", { role: "cell", class: "number job-took", data: { label: words.columns.took } });
  #created = h("time");
  #bar;
  #percent = h("span", { class: "number" });
  #running;
  #shown = "";

  /**
   * @param {Job} job
   * @param {(action: import("./facts.js").Action, job: Job) => void} act
   */
  constructor(job, act) {
    this.job = job;
    const name = plain(job.filename);
    this.#bar = progressBar(words.percent(name));
    this.#running = h("div", { class: "job-running" }, this.#bar.element, this.#percent);
    const items = () =>
      actionsOf(this.job).map((action) => ({
        label: LABELS[action],
        danger: DANGEROUS.has(action),
        run: () => act(action, this.job),
      }));
    this.element = h(
      "tr",
      { role: "row", class: "job-row" },
      h(
        "th",
        { role: "rowheader", scope: "row", class: "job-file" },
        h("a", { class: "job-name", href: `#/jobs/${job.id}` }, h("bdi", null, name)),
        h("p", { class: "job-question" }, inWords(job.aggregation, { most: 3 })),
      ),
      this.#state,
      this.#rows,
      h(
        "td",
        { role: "cell", class: "number job-size", data: { label: words.columns.size } },
        formatBytes(job.input_size),
      ),
      this.#took,
      h(
        "td",
        { role: "cell", class: "number job-created", data: { label: words.columns.created } },
        this.#created,
      ),
      h("td", { role: "cell", class: "job-menu" }, menu(words.menu(name), items)),
    );
    this.#created.dateTime = job.created_at;
    this.#created.title = formatExactTime(job.created_at);
    this.show(job);
  }

  /**
   * Shows a job as it is now.
   * @param {Job} job
   */
  show(job) {
    this.job = job;
    const { state, progress, result, expired_at } = job;
    this.tick();
    const gone = state === "SUCCESS" && !hasResult(job);
    const key = `${state} ${gone || Boolean(expired_at)}`;
    if (key !== this.#shown) {
      this.#shown = key;
      fill(
        this.#state,
        stateBadge(state),
        state === "STARTED" && this.#running,
        gone && h("p", { class: "job-note" }, words.removed),
      );
      this.element.classList.toggle("job-gone", Boolean(expired_at));
    }
    if (state === "STARTED") {
      this.#bar.show(progress?.percent ?? null);
      fill(this.#percent, progress ? formatPercent(progress.percent) : "");
    }
    if (result && result.rows_in !== null) {
      fill(
        this.#rows,
        h("span", { "aria-hidden": "true" }, words.rowsOf(result.rows_in, result.rows_out)),
        h("span", { class: "unseen" }, words.rowsLabel(result.rows_in, result.rows_out)),
      );
    } else {
      fill(this.#rows, UNKNOWN);
    }
  }

  /** Shows the times as they are now. */
  tick() {
    const { job } = this;
    fill(this.#created, formatAgo(job.created_at));
    fill(this.#took, formatDuration(secondsOf(job), { exact: hasEnded(job.state) }));
  }
}
