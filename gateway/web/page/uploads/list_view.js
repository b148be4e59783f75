/** `<csv-stored>`: the files that the service has, to ask about, to keep and to delete. */

import { connection } from "../api/connection.js";
import { asProblem } from "../api/problem.js";
import { loadingView, problemBox } from "../components/states.js";
import { toast } from "../components/toast.js";
import { fill, h } from "../core/element.js";
import { announce, moveFocus } from "../core/focus.js";
import { define, Part } from "../core/part.js";
import { inSentence } from "../core/plain.js";
import { needStyle } from "../core/style.js";
import { isAbort } from "../core/wait.js";
import { confirmed } from "../jobs/confirm.js";
import { stored as texts } from "../texts/stored.js";
import { deleteUpload, keepUpload, listUploads } from "./api.js";
import { uploadRow } from "./row.js";

/** @typedef {import("./api.js").StoredUpload} StoredUpload */

await needStyle("stored");

const PAGE = 50;
const FIND_DELAY = 250;

class StoredPart extends Part {
  /** @type {StoredUpload[]} */
  #uploads = [];
  /** @type {string | null} */
  #cursor = null;
  #name = "";
  /** Ends loading what is no longer wanted. */
  #turn = new AbortController();
  #title = h("h1", null, texts.title);
  #list = h("ul", { class: "stored-list", "aria-label": texts.title });
  #place = h("div");
  #foot = h("div", { class: "actions" });

  /** @override */
  start() {
    fill(
      this,
      this.#title,
      h("p", { class: "soft" }, texts.lead),
      this.#search(),
      this.#place,
      this.#foot,
    );
    void this.#load();
  }

  #search() {
    let timer = 0;
    const find = h("input", {
      type: "search",
      placeholder: texts.find,
      "aria-label": texts.find,
      autocomplete: "off",
      spellcheck: "false",
      oninput: () => {
        clearTimeout(timer);
        timer = setTimeout(() => {
          this.#name = find.value.trim();
          void this.#load();
        }, FIND_DELAY);
      },
    });
    return h("div", { class: "stored-find" }, find);
  }

  /** @param {{more?: boolean}} [options] */
  async #load({ more = false } = {}) {
    this.#turn.abort();
    this.#turn = new AbortController();
    const signal = AbortSignal.any([this.#turn.signal, this.signal]);
    const late = setTimeout(() => {
      if (!more) fill(this.#place, loadingView(texts.loading));
    }, 200);
    try {
      const cursor = more ? this.#cursor : null;
      const page = await listUploads({ name: this.#name, cursor, limit: PAGE }, signal);
      clearTimeout(late);
      this.#uploads = more ? [...this.#uploads, ...page.uploads] : page.uploads;
      this.#cursor = page.cursor;
      this.#draw();
      announce(texts.shown(this.#uploads.length));
    } catch (error) {
      if (isAbort(error)) return;
      fill(this.#place, problemBox(error, { retry: () => void this.#load() }));
      if (asProblem(error).status !== 0) return;
      void connection.restored(signal).then(
        () => this.#load(),
        () => undefined, // the view was left
      );
    } finally {
      clearTimeout(late);
    }
  }

  #draw() {
    if (this.#uploads.length === 0) {
      fill(this.#place, this.#name ? h("p", { class: "soft" }, texts.none) : empty());
      fill(this.#foot);
      return;
    }
    fill(
      this.#list,
      this.#uploads.map((upload) =>
        uploadRow(upload, {
          keep: (keep) => void this.#keep(upload, keep),
          remove: () => void this.#remove(upload),
        }),
      ),
    );
    fill(this.#place, this.#list);
    fill(
      this.#foot,
      this.#cursor &&
        h("button", { type: "button", onclick: () => void this.#load({ more: true }) }, texts.more),
    );
  }

  /**
   * @param {StoredUpload} upload
   * @param {boolean} keep
   */
  async #keep(upload, keep) {
    try {
      const kept = await keepUpload(upload.id, keep);
      this.#uploads = this.#uploads.map((each) => (each.id === upload.id ? kept : each));
      const place = this.#list.querySelector(`[data-id="${CSS.escape(upload.id)}"]`);
      this.#draw();
      if (place) this.#focus(upload.id);
      announce(keep ? texts.nowKept : texts.notKept);
    } catch (error) {
      this.#tell(error);
    }
  }

  /** @param {StoredUpload} upload */
  async #remove(upload) {
    const name = inSentence(upload.name);
    const sure = { ...texts.sure, text: texts.sureText(name, upload.jobs.length) };
    if (!(await confirmed(sure))) return;
    try {
      await deleteUpload(upload.id);
      this.#uploads = this.#uploads.filter(({ id }) => id !== upload.id);
      this.#draw();
      moveFocus(this.#title);
      toast(texts.deleted(name), { kind: "good" });
    } catch (error) {
      this.#tell(error);
    }
  }

  /** @param {unknown} error */
  #tell(error) {
    if (isAbort(error)) return;
    const { kind, detail, title } = asProblem(error);
    const why = kind === "upload-in-use" ? texts.inUse : detail || title;
    toast(`${texts.failed}: ${why}`, { kind: "bad" });
  }

  /** @param {string} id of the upload whose switch had the focus */
  #focus(id) {
    const row = this.#list.querySelector(`[data-id="${CSS.escape(id)}"]`);
    row?.querySelector("input")?.focus();
  }
}

function empty() {
  return h(
    "div",
    { class: "state" },
    h("h2", null, texts.empty),
    h("p", null, texts.emptyHint),
    h("div", { class: "actions" }, h("a", { class: "button primary", href: "#/" }, texts.ask)),
  );
}

define("csv-stored", StoredPart);
