/** Short messages that go away by themselves. */

import { h } from "../core/element.js";
import { announce } from "../core/focus.js";
import { texts } from "../texts.js";

const SHOWN = 6000;

/**
 * Shows a message for six seconds, longer while the pointer or the focus is on it.
 * @param {string} text
 * @param {object} [options]
 * @param {"good" | "bad" | "info"} [options.kind]
 * @param {{label: string, run: () => void}} [options.action] a button, such as "Undo"
 */
export function toast(text, { kind = "info", action } = {}) {
  const list =
    document.querySelector(".toasts") ?? document.body.appendChild(h("div", { class: "toasts" }));
  let timer = 0;
  const close = () => {
    clearTimeout(timer);
    box.remove();
  };
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(close, SHOWN);
  };
  const stay = () => clearTimeout(timer);
  const act = () => {
    close();
    action?.run();
  };
  const box = h(
    "div",
    {
      class: `toast toast-${kind}`,
      onmouseenter: stay,
      onmouseleave: wait,
      onfocusin: stay,
      onfocusout: wait,
    },
    h("p", null, text),
    action && h("button", { type: "button", class: "small", onclick: act }, action.label),
    h("button", { type: "button", class: "small quiet", onclick: close }, texts.frame.dismiss),
  );
  list.append(box);
  announce(text, { urgent: kind === "bad" });
  wait();
}
