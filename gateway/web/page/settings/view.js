/** `<csv-settings>`: the saved specs and the webhooks of a tenant. */

import { fill, h } from "../core/element.js";
import { define, Part } from "../core/part.js";
import { needStyle } from "../core/style.js";
import { settings as texts } from "../texts/settings.js";
import "./messages.js";
import "./secret.js";
import "./specs.js";

await needStyle("settings");

class SettingsPart extends Part {
  /** @override */
  start() {
    const { specs, webhooks } = texts;
    fill(
      this,
      h("h1", null, texts.title),
      h(
        "section",
        { class: "card" },
        h("h2", null, specs.title),
        h("p", { class: "soft" }, specs.lead),
        h("csv-specs"),
      ),
      h(
        "section",
        { class: "card" },
        h("h2", null, webhooks.title),
        h("p", { class: "soft" }, webhooks.lead),
        h("csv-webhook-secret"),
        h("csv-messages"),
      ),
    );
  }
}

define("csv-settings", SettingsPart);
