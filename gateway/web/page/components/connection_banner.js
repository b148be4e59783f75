/** A banner for as long as the server does not answer. */

import { connection } from "../api/connection.js";
import { fill, h } from "../core/element.js";
import { announce } from "../core/focus.js";
import { texts } from "../texts.js";

/** Returns the banner, which shows and hides itself. */
export function connectionBanner() {
  const title = h("strong");
  const hint = h("span");
  const retry = h(
    "button",
    { type: "button", class: "small", onclick: () => connection.retry() },
    texts.connection.retry,
  );
  const banner = h(
    "section",
    { class: "banner", "aria-label": texts.connection.name, hidden: true },
    h("p", null, title, " ", hint),
    retry,
  );
  let timer = 0;

  const count = () => {
    if (connection.state === "away") {
      const seconds = Math.ceil((connection.nextCheck - Date.now()) / 1000);
      fill(hint, texts.connection.awayHint(Math.max(0, seconds)));
    } else {
      fill(hint, texts.connection.offlineHint);
    }
  };
  connection.addEventListener("change", () => {
    const { state } = connection;
    clearInterval(timer);
    const was = !banner.hidden;
    banner.hidden = state === "online";
    if (state === "online") {
      if (was) announce(texts.connection.back);
      return;
    }
    fill(title, texts.connection[state]);
    count();
    timer = setInterval(count, 1000);
    announce(texts.connection[state], { urgent: true });
  });
  return banner;
}
