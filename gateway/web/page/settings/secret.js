/** `<csv-webhook-secret>`: the secret with which webhooks are signed. */

import { copyButton } from "../components/copy_button.js";
import { fill, h } from "../core/element.js";
import { moveFocus } from "../core/focus.js";
import { formatAgo, formatTime } from "../core/format.js";
import { define, Part } from "../core/part.js";
import { confirmed } from "../jobs/confirm.js";
import { settings } from "../texts/settings.js";
import { createSecret, secretTimes } from "./api.js";
import { loadInto, tellFailure } from "./loading.js";

const texts = settings.webhooks;

class SecretPart extends Part {
  /** @override */
  start() {
    void loadInto({
      place: this,
      signal: this.signal,
      load: () => secretTimes(this.signal),
      draw: (times) => this.#draw(times),
    });
  }

  /**
   * @param {import("./api.js").SecretTimes} times
   * @param {string} [made] the secret, if it was just created
   */
  #draw({ created_at, previous_until }, made) {
    const say = [
      texts.secret,
      created_at === null ? texts.none : texts.since(formatAgo(created_at)),
      previous_until !== null && texts.both(formatTime(previous_until)),
    ];
    const name = created_at === null ? texts.create : texts.replace;
    const create = () => void this.#create(created_at !== null);
    fill(
      this,
      h("p", null, say.filter(Boolean).join(" ")),
      made && secretBox(made),
      h("div", { class: "actions" }, h("button", { type: "button", onclick: create }, name)),
    );
  }

  /** @param {boolean} replaces */
  async #create(replaces) {
    if (replaces && !(await confirmed({ ...texts.sure, text: texts.sureText }))) return;
    try {
      const made = await createSecret();
      this.#draw(made, made.secret);
      const heading = this.querySelector("h3");
      if (heading) moveFocus(heading);
    } catch (error) {
      tellFailure(error);
    }
  }
}

/** @param {string} secret */
function secretBox(secret) {
  return h(
    "div",
    { class: "notice notice-good" },
    h("h3", { class: "notice-title" }, texts.made),
    h("p", null, texts.once),
    h(
      "div",
      { class: "code-box" },
      h("pre", null, secret),
      copyButton(() => secret),
    ),
  );
}

define("csv-webhook-secret", SecretPart);
