/** `<csv-job>` (attribute `job-id`): one job, live while it runs, then its result and its report. */

import { connection } from "../api/connection.js";
import { follow } from "../api/events.js";
import { asProblem } from "../api/problem.js";
import { stateBadge } from "../components/badge.js";
import { loadingView, problemBox } from "../components/states.js";
import { fill, h } from "../core/element.js";
import { announce, moveFocus } from "../core/focus.js";
import { formatBytes, formatCount, formatDuration } from "../core/format.js";
import { define, Part } from "../core/part.js";
import { plain } from "../core/plain.js";
import { inWords } from "../core/question.js";
import { needStyle } from "../core/style.js";
import { isAbort } from "../core/wait.js";
import { jobs as texts } from "../texts/jobs.js";
import { texts as all } from "../texts.js";
import { DANGEROUS, LABELS, perform } from "./actions.js";
import { getJob } from "./api.js";
import { endedNotice } from "./ended.js";
import { actionsOf, hasEnded, hasResult, secondsOf, stageOf } from "./facts.js";
import { problemsSection, warningsSection } from "./findings.js";
import { Live } from "./live.js";
import { notifyButton, notifyEnd } from "./notify.js";
import { questionSection } from "./question_section.js";
import { fileSection, rowsSection, timesSection } from "./report.js";
import { resetTab, showEndInTab, showInTab } from "./tab.js";

/** @typedef {import("./api.js").Job} Job */

const words = texts.job;
/** What the pointer tells of an action. @type {{[action: string]: string}} */
const HINTS = { ask: texts.actions.askHint, again: texts.actions.againHint };

class JobPart extends Part {
  /** @type {Job | null} */
  #job = null;
  /** Ends following the job. */
  #turn = new AbortController();
  /** @type {Live | null} */
  #live = null;
  /** What the body shows, so that it is not drawn again without need. */
  #shown = "";
  #badge = h("span");
  #actions = h("div", { class: "actions job-actions" });
  #broken = h("p", { class: "jobs-stale", hidden: true }, words.broken);
  #body = h("div", { class: "job-body" });

  /** @override */
  start() {
    const { signal } = this;
    signal.addEventListener("abort", resetTab);
    document.addEventListener("visibilitychange", () => this.#look(), { signal });
    connection.addEventListener("change", () => this.#showConnection(), { signal });
    void this.#load();
  }

  get #id() {
    return this.getAttribute("job-id") ?? "";
  }

  /** Draws the job from the beginning. */
  async #load() {
    const late = setTimeout(() => fill(this, loadingView(words.loading)), 200);
    try {
      const job = await getJob(this.#id, this.signal);
      clearTimeout(late);
      this.#shown = "";
      fill(this, this.#head(job), this.#broken, this.#body);
      this.#show(job);
      void this.#follow();
    } catch (error) {
      if (isAbort(error)) return;
      this.#showProblem(error);
    } finally {
      clearTimeout(late);
    }
  }

  /** @param {unknown} error */
  #showProblem(error) {
    const problem = asProblem(error);
    const back = h("a", { class: "button", href: "#/jobs" }, words.back);
    if (problem.status === 404) {
      fill(
        this,
        h(
          "div",
          { class: "state" },
          h("h1", null, words.missing),
          h("p", null, words.missingHint),
          h("div", { class: "actions" }, back),
        ),
      );
      return;
    }
    fill(
      this,
      h("h1", null, texts.jobTitle),
      problemBox(problem, { retry: () => void this.#load() }),
      h("p", { class: "actions" }, back),
    );
    if (problem.status !== 0) return;
    void connection.restored(this.signal).then(
      () => this.#load(),
      () => undefined, // the part has left the page
    );
  }

  /** @param {Job} job */
  #head(job) {
    return h(
      "header",
      { class: "job-head" },
      h("p", { class: "job-back" }, h("a", { href: "#/jobs" }, words.back)),
      h(
        "div",
        { class: "job-title" },
        h("h1", null, h("bdi", null, plain(job.filename))),
        this.#badge,
      ),
      h("p", { class: "job-asked" }, inWords(job.aggregation, { most: 12 })),
      job.inputs.length > 1 && filesOf(job),
      job.cached_from && cachedNote(job.cached_from),
      this.#actions,
    );
  }

  /** Follows the job as long as it has not ended. */
  async #follow() {
    this.#turn.abort();
    this.#turn = new AbortController();
    const signal = AbortSignal.any([this.#turn.signal, this.signal]);
    if (!this.#job || hasEnded(this.#job.state)) return;
    try {
      await follow(this.#id, {
        signal,
        onJob: (event) => {
          const job = this.#job;
          if (!job) return;
          const same = job.state === event.state && job.attempt === event.attempt;
          if (same) this.#show({ ...job, progress: event });
          else void this.#refresh(signal);
        },
      });
      await this.#refresh(signal);
    } catch (error) {
      if (!isAbort(error)) this.#showProblem(error);
    }
  }

  /** Shows the job as it is now. @param {AbortSignal} signal */
  async #refresh(signal) {
    try {
      this.#show(await getJob(this.#id, signal));
    } catch (error) {
      if (isAbort(error)) return;
      if (asProblem(error).passes) this.#showConnection();
      else this.#showProblem(error);
    }
  }

  /** Looks whether a job that has ended was tried again, when a person returns to the page. */
  #look() {
    if (document.hidden || !this.#job || !hasEnded(this.#job.state)) return;
    void this.#refresh(this.signal).then(() => {
      if (this.#job && !hasEnded(this.#job.state)) void this.#follow();
    });
  }

  #showConnection() {
    const running = this.#job !== null && !hasEnded(this.#job.state);
    this.#broken.hidden = connection.state === "online" || !running;
  }

  /** @param {Job} job */
  #show(job) {
    const before = this.#job;
    this.#job = job;
    const key = [job.state, job.attempt, hasResult(job), Boolean(job.expired_at)].join(" ");
    if (key !== this.#shown) {
      this.#shown = key;
      this.#showState(job, before);
    } else {
      this.#live?.show(job);
    }
    const stage = stageOf(job);
    const percent = stage === "reading" ? (job.progress?.percent ?? null) : null;
    if (hasEnded(job.state)) showEndInTab(plain(job.filename), job.state);
    else showInTab(plain(job.filename), percent, all.states[/** @type {"STARTED"} */ (job.state)]);
  }

  /**
   * Draws what depends on the state, and tells of a change.
   * @param {Job} job
   * @param {Job | null} before
   */
  #showState(job, before) {
    fill(this.#badge, stateBadge(job.state));
    this.#showActions(job);
    if (hasEnded(job.state)) {
      this.#live = null;
      fill(this.#body, this.#endedParts(job));
    } else if (this.#live) {
      this.#live.show(job);
    } else {
      this.#live = new Live(job, notifyButton(job.id));
      fill(this.#body, this.#live.element, questionSection(job));
    }
    if (!before || before.state === job.state) return;
    /** @type {Record<string, string>} */
    const states = all.states;
    announce(words.announce(plain(job.filename), states[job.state] ?? job.state));
    if (hasEnded(job.state)) notifyEnd(job);
  }

  /** @param {Job} job */
  #showActions(job) {
    const held = this.#actions.contains(document.activeElement);
    const main = job.state === "FAILURE" ? "retry" : "";
    fill(
      this.#actions,
      actionsOf(job).map((action) =>
        h(
          "button",
          {
            type: "button",
            class: action === main ? "primary" : DANGEROUS.has(action) ? "quiet danger" : "",
            title: HINTS[action] ?? null,
            onclick: () => void this.#act(action),
          },
          LABELS[action],
        ),
      ),
    );
    if (held) moveFocus(this.querySelector("h1"));
  }

  /** @param {import("./facts.js").Action} action */
  async #act(action) {
    if (!this.#job || !(await perform(action, this.#job))) return;
    await this.#refresh(this.signal);
    await this.#follow();
  }

  /** @param {Job} job */
  #endedParts(job) {
    const kept = hasResult(job);
    return [
      endedNotice(job),
      figures(job),
      kept && warningsSection(job),
      kept && resultSection(job),
      problemsSection(job),
      rowsSection(job),
      !kept && warningsSection(job),
      fileSection(job),
      questionSection(job),
      timesSection(job),
    ];
  }
}

/** @param {Job} job */
function filesOf({ inputs }) {
  return h(
    "details",
    { class: "job-files" },
    h("summary", null, words.files(inputs.length)),
    h(
      "ul",
      { "aria-label": words.filesLabel },
      inputs.map(({ name, size }) =>
        h("li", null, h("bdi", null, plain(name)), ` · ${formatBytes(size)}`),
      ),
    ),
  );
}

/** @param {string} id of the job whose result this one has */
function cachedNote(id) {
  return h(
    "p",
    { class: "soft small-text" },
    `${words.cached} `,
    h("a", { href: `#/jobs/${id}` }, words.cachedJob),
  );
}

/** @param {Job} job */
function figures(job) {
  const { result } = job;
  if (!result) return null;
  const figure = (/** @type {string} */ name, /** @type {string} */ value) =>
    h("div", { class: "figure" }, h("dt", null, name), h("dd", { class: "number" }, value));
  return h(
    "dl",
    { class: "figures" },
    figure(words.facts.out, formatCount(result.rows_out)),
    figure(words.facts.into, formatCount(result.rows_in)),
    figure(words.facts.size, formatBytes(result.size)),
    figure(words.facts.took, formatDuration(secondsOf(job), { exact: true })),
  );
}

/** Returns the download and the look at a result, which are loaded now. @param {Job} job */
function resultSection(job) {
  const place = h("section", { class: "job-result", "aria-label": words.result });
  Promise.all([import("../download/view.js"), import("../look/view.js")]).then(
    () => fill(place, h("csv-look", { ".job": job }), h("csv-download", { ".job": job })),
    (error) => fill(place, problemBox(error)),
  );
  return place;
}

await needStyle("job");
await needStyle("report");
define("csv-job", JobPart);
