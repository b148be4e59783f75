/** Files that are dropped anywhere into the window, in every view. */

import { toast } from "../components/toast.js";
import { h } from "../core/element.js";
import { currentPlace, navigate } from "../core/router.js";
import { home as texts } from "../texts/home.js";
import { chosen } from "./chosen.js";
import { droppedFiles, hasFiles } from "./dropped.js";

/** Takes the files that are dropped, unless a part of a view has taken them. Called once. */
export function watchDrops() {
  const veil = h("div", { class: "home-veil", hidden: true }, h("p", null, texts.letGo));
  let depth = 0;
  /** @param {number} value */
  const enter = (value) => {
    depth = Math.max(0, value);
    if (!veil.isConnected) document.body.append(veil);
    veil.hidden = depth === 0;
  };
  /** @type {(type: "dragenter" | "dragleave" | "dragover" | "drop", listener: (event: DragEvent) => void) => void} */
  const on = (type, listener) =>
    window.addEventListener(type, (event) => {
      if (hasFiles(event)) listener(event);
    });
  on("dragenter", (event) => {
    event.preventDefault();
    enter(depth + 1);
  });
  on("dragleave", () => enter(depth - 1));
  on("dragover", (event) => {
    if (event.defaultPrevented) return;
    event.preventDefault();
    if (event.dataTransfer) event.dataTransfer.dropEffect = "copy";
  });
  on("drop", (event) => {
    enter(0);
    if (event.defaultPrevented) return;
    event.preventDefault(); // the browser would leave the page, and show the file
    if (event.dataTransfer) void take(event.dataTransfer);
  });
}

/** @param {DataTransfer} transfer */
async function take(transfer) {
  const { files, folders } = await droppedFiles(transfer);
  if (folders > 0) toast(texts.folders(folders), { kind: "bad" });
  else if (files.length === 0) toast(texts.nothing, { kind: "bad" });
  if (files.length === 0) return;
  chosen.add(files);
  if (currentPlace().path !== "/") navigate("/");
}
