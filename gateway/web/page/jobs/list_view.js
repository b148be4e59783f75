/** `<csv-jobs>`: all jobs, newest first. It refreshes itself while a person can see it. */

import { connection } from "../api/connection.js";
import { asProblem } from "../api/problem.js";
import { emptyView, loadingView, problemBox } from "../components/states.js";
import { fill, h } from "../core/element.js";
import { announce } from "../core/focus.js";
import { define, Part } from "../core/part.js";
import { currentPlace, noteQuery, onPlace } from "../core/router.js";
import { needStyle } from "../core/style.js";
import { isAbort, pause } from "../core/wait.js";
import { jobs as texts } from "../texts/jobs.js";
import { perform } from "./actions.js";
import { getJob, listJobs } from "./api.js";
import { hasEnded } from "./facts.js";
import { filterBar, filterOf, queryOf, STATES } from "./filters.js";
import { JobRow } from "./list_row.js";
import { untilVisible } from "./visible.js";

/** @typedef {import("./api.js").Job} Job */

/** Jobs on a page. */
const LIMIT = 25;
/** Jobs below the first page that are asked for one by one at each refresh. */
const SINGLE = 20;
/** Milliseconds between refreshes: while a job runs, and else. */
const SOON = 2000;
const LATER = 10_000;

const words = texts.list;

class JobsPart extends Part {
  #filter = filterOf(currentPlace().query);
  /** Ends the requests of a filter that is no longer wanted. */
  #turn = new AbortController();
  /** @type {Map<string, JobRow>} */
  #rows = new Map();
  /** @type {string | null} */
  #cursor = null;
  #body = h("tbody", { role: "rowgroup" });
  #table = table(this.#body);
  #place = h("div", { class: "jobs-place" });
  #foot = h("div", { class: "jobs-foot" });
  #stale = h("p", { class: "jobs-stale", hidden: true }, words.stale);
  #bar = h("div");

  /** @override */
  start() {
    this.#filter = filterOf(currentPlace().query);
    fill(
      this,
      h(
        "div",
        { class: "view-head" },
        h("div", null, h("h1", null, texts.title), h("p", { class: "soft" }, words.lead)),
        h("a", { class: "button primary", href: "#/" }, words.ask),
      ),
      this.#bar,
      this.#stale,
      this.#place,
      this.#foot,
    );
    this.#showBar();
    onPlace(({ path, query }) => {
      if (path !== "/jobs") return;
      this.#filter = filterOf(query);
      this.#showBar();
      void this.#load();
    }, this.signal);
    void this.#load();
    void this.#keepFresh().catch((error) => {
      if (!isAbort(error)) fill(this.#foot, problemBox(error));
    });
  }

  #showBar() {
    fill(
      this.#bar,
      filterBar(this.#filter, (filter) => {
        this.#filter = filter;
        noteQuery(queryOf(filter));
        void this.#load();
      }),
    );
  }

  /** Loads the first page of what is wanted now. */
  async #load() {
    this.#turn.abort();
    this.#turn = new AbortController();
    const signal = AbortSignal.any([this.#turn.signal, this.signal]);
    const late = setTimeout(() => fill(this.#place, loadingView(words.loading)), 200);
    try {
      const page = await listJobs(this.#wanted(null), signal);
      this.#rows.clear();
      fill(this.#body);
      this.#cursor = page.cursor;
      this.#append(page.jobs);
      this.#show();
      announce(words.shown(this.#rows.size));
    } catch (error) {
      if (isAbort(error)) return;
      fill(this.#place, problemBox(error, { retry: () => void this.#load() }));
      fill(this.#foot);
      const again = asProblem(error).status === 0;
      if (again)
        void connection.restored(signal).then(
          () => this.#load(),
          () => undefined,
        );
    } finally {
      clearTimeout(late);
    }
  }

  async #more() {
    const signal = AbortSignal.any([this.#turn.signal, this.signal]);
    const before = this.#rows.size;
    fill(this.#foot, h("p", { class: "soft", role: "status" }, words.moreLoading));
    try {
      const page = await listJobs(this.#wanted(this.#cursor), signal);
      this.#cursor = page.cursor;
      this.#append(page.jobs);
      this.#show();
      const first = [...this.#rows.values()][before];
      first?.element.querySelector("a")?.focus();
      announce(words.shown(this.#rows.size));
    } catch (error) {
      if (!isAbort(error)) fill(this.#foot, problemBox(error, { retry: () => void this.#more() }));
    }
  }

  /** Refreshes the list now and then, as long as it can be seen. */
  async #keepFresh() {
    const { signal } = this;
    while (!signal.aborted) {
      const running = [...this.#rows.values()].some(({ job }) => !hasEnded(job.state));
      await pause(running ? SOON : LATER, signal);
      await untilVisible(signal);
      await this.#refresh();
    }
  }

  async #refresh() {
    const signal = AbortSignal.any([this.#turn.signal, this.signal]);
    try {
      const page = await listJobs(this.#wanted(null), signal);
      const lower = [...this.#rows.values()]
        .filter(({ job }) => !hasEnded(job.state) && !page.jobs.some(({ id }) => id === job.id))
        .slice(0, SINGLE);
      const others = await Promise.all(lower.map(({ job }) => getJob(job.id, signal)));
      for (const job of others) this.#rows.get(job.id)?.show(job);
      this.#merge(page.jobs, page.cursor);
      this.#stale.hidden = true;
    } catch (error) {
      if (isAbort(error)) return;
      this.#stale.hidden = this.#rows.size === 0;
    }
    for (const row of this.#rows.values()) row.tick();
  }

  /**
   * Shows the first page as it is now: new jobs come to the top.
   * @param {Job[]} jobs
   * @param {string | null} cursor
   */
  #merge(jobs, cursor) {
    const known = this.#rows.size;
    const fresh = jobs.filter((job) => !this.#rows.has(job.id));
    for (const job of jobs) this.#rows.get(job.id)?.show(job);
    if (fresh.length === jobs.length && known > 0 && cursor) {
      void this.#load(); // more new jobs than a page: begin again
      return;
    }
    if (known === 0) this.#cursor = cursor;
    const rows = fresh.map((job) => this.#row(job));
    if (rows.length === 0) return;
    this.#rows = new Map([...rows, ...this.#rows.values()].map((row) => [row.job.id, row]));
    this.#body.prepend(...rows.map((row) => row.element));
    if (known === 0) this.#show();
    else this.#showFoot();
  }

  /** @param {Job[]} jobs */
  #append(jobs) {
    const rows = jobs.filter((job) => !this.#rows.has(job.id)).map((job) => this.#row(job));
    for (const row of rows) this.#rows.set(row.job.id, row);
    this.#body.append(...rows.map((row) => row.element));
  }

  /** @param {Job} job */
  #row(job) {
    return new JobRow(job, (action, of) => {
      void perform(action, of).then((changed) => {
        if (changed) void this.#one(of.id);
      });
    });
  }

  /** Shows one job as it is now. @param {string} id */
  async #one(id) {
    try {
      this.#rows.get(id)?.show(await getJob(id, this.signal));
    } catch (error) {
      if (!isAbort(error)) this.#stale.hidden = false;
    }
  }

  #show() {
    if (this.#rows.size) fill(this.#place, this.#table);
    else fill(this.#place, this.#cursor ? null : this.#empty());
    this.#showFoot();
  }

  #showFoot() {
    const searching = this.#filter.name !== "" && this.#rows.size < LIMIT;
    fill(
      this.#foot,
      this.#rows.size > 0 && h("p", { class: "soft small-text" }, words.shown(this.#rows.size)),
      this.#cursor &&
        h(
          "button",
          { type: "button", onclick: () => void this.#more() },
          searching ? words.searchOn : words.more,
        ),
    );
  }

  #empty() {
    const { state, name } = this.#filter;
    if (state === "all" && !name) {
      return emptyView({
        title: words.empty,
        text: words.emptyHint,
        actions: h("a", { class: "button primary", href: "#/" }, words.ask),
      });
    }
    const clear = () => {
      this.#filter = { state: "all", name: "" };
      noteQuery({});
      this.#showBar();
      void this.#load();
    };
    return emptyView({
      title: words.none,
      text: words.noneHint,
      actions: h("button", { type: "button", onclick: clear }, words.clear),
    });
  }

  /** @param {string | null} cursor */
  #wanted(cursor) {
    return { states: STATES[this.#filter.state], name: this.#filter.name, cursor, limit: LIMIT };
  }
}

/** @param {HTMLElement} body */
function table(body) {
  const { columns } = words;
  const head = (/** @type {string} */ name, /** @type {string} */ kind) =>
    h("th", { role: "columnheader", scope: "col", class: kind }, name);
  return h(
    "div",
    { class: "jobs-scroll" },
    h(
      "table",
      { role: "table", class: "jobs-table", "aria-label": words.caption },
      h(
        "thead",
        { role: "rowgroup" },
        h(
          "tr",
          { role: "row" },
          head(columns.job, "job-file"),
          head(columns.state, "job-state"),
          head(columns.rows, "number"),
          head(columns.size, "number"),
          head(columns.took, "number"),
          head(columns.created, "number"),
          h(
            "th",
            { role: "columnheader", scope: "col", class: "job-menu" },
            h("span", { class: "unseen" }, columns.actions),
          ),
        ),
      ),
      body,
    ),
  );
}

await needStyle("jobs");
define("csv-jobs", JobsPart);
