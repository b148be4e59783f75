/** Shows that an API key is in use, and forgets it. */

import { currentKey, keepKey, keys } from "../api/key.js";
import { h } from "../core/element.js";
import { announce } from "../core/focus.js";
import { texts } from "../texts.js";
import { icon } from "./icon.js";

/** Returns the button that forgets the key, shown while there is one. */
export function keyButton() {
  const button = h(
    "button",
    {
      type: "button",
      class: "quiet small",
      title: texts.key.forgetHint,
      onclick: () => {
        keepKey(null);
        announce(texts.key.forgotten);
        document.getElementById("main")?.focus();
      },
    },
    icon("key"),
    h("span", { class: "key-word" }, texts.key.forget),
  );
  const show = () => {
    button.hidden = !currentKey();
  };
  keys.addEventListener("change", show);
  keys.addEventListener("wanted", (event) => {
    const { reason } = /** @type {CustomEvent<{reason: string}>} */ (event).detail;
    void import("./key_dialog.js").then(({ openKeyDialog }) => openKeyDialog(reason));
  });
  show();
  return button;
}
