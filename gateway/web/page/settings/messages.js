/** `<csv-messages>`: the messages that were sent to URLs, and those that could not be sent. */

import { badge } from "../components/badge.js";
import { emptyView } from "../components/states.js";
import { toast } from "../components/toast.js";
import { fill, h } from "../core/element.js";
import { announce } from "../core/focus.js";
import { formatAgo, formatExactTime } from "../core/format.js";
import { define, Part } from "../core/part.js";
import { inSentence, plain } from "../core/plain.js";
import { settings } from "../texts/settings.js";
import { listNotifications, sendAgain } from "./api.js";
import { loadInto, tellFailure } from "./loading.js";

/** @typedef {import("./api.js").Notification} Notification */

const texts = settings.webhooks;
const PAGE = 50;
/** @type {Record<string, string>} */
const KINDS = { pending: "waiting", delivered: "good", failed: "bad" };

class MessagesPart extends Part {
  /** @type {Notification[]} */
  #found = [];
  /** @type {string | null} */
  #cursor = null;
  /** Ends loading what is no longer wanted. */
  #turn = new AbortController();
  #place = h("div");
  #choice = h(
    "select",
    { id: "messages-state", onchange: () => void this.#load() },
    Object.entries(texts.filters).map(([state, name]) => h("option", { value: state }, name)),
  );

  /** @override */
  start() {
    const label = h("label", { for: "messages-state" }, texts.state);
    const head = h("h3", null, texts.messages);
    const choice = h("div", { class: "settings-choice" }, label, this.#choice);
    fill(this, h("div", { class: "settings-row" }, head, choice), this.#place);
    void this.#load();
  }

  #load({ more = false } = {}) {
    this.#turn.abort();
    this.#turn = new AbortController();
    const signal = AbortSignal.any([this.#turn.signal, this.signal]);
    const wanted = { state: this.#choice.value, cursor: more ? this.#cursor : null, limit: PAGE };
    return loadInto({
      place: this.#place,
      signal,
      load: () => listNotifications(wanted, signal),
      draw: ({ notifications, cursor }) => {
        this.#found = more ? [...this.#found, ...notifications] : notifications;
        this.#cursor = cursor;
        this.#draw();
        announce(texts.shown(this.#found.length));
      },
    });
  }

  #draw() {
    if (this.#found.length === 0) {
      const { value } = this.#choice;
      const none = h("p", { class: "soft" }, texts.noneOfState);
      fill(this.#place, value ? none : emptyView({ title: texts.empty, text: texts.emptyHint }));
      return;
    }
    const rows = this.#found.map((each) => this.#row(each));
    const load = () => void this.#load({ more: true });
    fill(
      this.#place,
      h("ul", { class: "settings-list", "aria-label": texts.messages }, rows),
      this.#cursor &&
        h(
          "div",
          { class: "actions" },
          h("button", { type: "button", onclick: load }, settings.more),
        ),
    );
  }

  /** @param {Notification} message */
  #row(message) {
    const { id, job_id, state, type, attempts, created_at, next_attempt_at, error } = message;
    const url = plain(message.url);
    const [about, ago] = [inSentence(url), formatAgo(created_at)];
    const facts = [
      texts.sent(attempts),
      next_attempt_at !== null && texts.next(formatAgo(next_attempt_at)),
    ];
    return h(
      "li",
      { class: "settings-row", data: { id } },
      h(
        "div",
        { class: "settings-facts" },
        h("p", { class: "settings-url" }, h("bdi", null, url)),
        h(
          "p",
          { class: "soft small-text" },
          `${texts.types[type] ?? type} `,
          h("time", { datetime: created_at, title: formatExactTime(created_at) }, ago),
          ` · ${facts.filter(Boolean).join(" · ")}`,
        ),
        error !== null && h("p", { class: "small-text settings-error" }, plain(error)),
      ),
      badge(texts.states[state] ?? state, KINDS[state] ?? "quiet"),
      h(
        "div",
        { class: "actions" },
        h(
          "a",
          { class: "button", href: `#/jobs/${job_id}`, "aria-label": texts.jobOf(about, ago) },
          texts.job,
        ),
        state === "failed" &&
          h(
            "button",
            {
              type: "button",
              "aria-label": texts.againOf(about, ago),
              onclick: () => void this.#send(message),
            },
            texts.again,
          ),
      ),
    );
  }

  /** @param {Notification} message */
  async #send(message) {
    try {
      const sent = await sendAgain(message.id);
      this.#found = this.#found.map((each) => (each.id === sent.id ? sent : each));
      this.#draw();
      this.querySelector(`[data-id="${CSS.escape(sent.id)}"]`)
        ?.querySelector("a")
        ?.focus();
      toast(texts.resent, { kind: "good" });
    } catch (error) {
      tellFailure(error);
    }
  }
}

define("csv-messages", MessagesPart);
