/** How the parts of the settings load, and tell what did not work. */

import { connection } from "../api/connection.js";
import { asProblem } from "../api/problem.js";
import { loadingView, problemBox } from "../components/states.js";
import { toast } from "../components/toast.js";
import { fill } from "../core/element.js";
import { isAbort } from "../core/wait.js";
import { settings as texts } from "../texts/settings.js";

/** Milliseconds after which it is said that something is loaded. */
const LATE = 200;

/**
 * Loads something and draws it, or what is wrong. It is loaded again when the service is back.
 * @template T
 * @param {object} about
 * @param {Element} about.place where it is drawn
 * @param {AbortSignal} about.signal ends it
 * @param {() => Promise<T>} about.load
 * @param {(found: T) => void} about.draw
 * @returns {Promise<void>}
 */
export async function loadInto({ place, signal, load, draw }) {
  const again = () => void loadInto({ place, signal, load, draw });
  const late = setTimeout(() => fill(place, loadingView(texts.loading)), LATE);
  try {
    const found = await load();
    clearTimeout(late);
    draw(found);
  } catch (error) {
    clearTimeout(late);
    if (isAbort(error) || signal.aborted) return;
    fill(place, problemBox(error, { retry: again }));
    if (asProblem(error).status !== 0) return;
    void connection.restored(signal).then(again, () => undefined); // or the view was left
  }
}

/**
 * Tells that something that a person asked for did not work.
 * @param {unknown} error
 */
export function tellFailure(error) {
  if (isAbort(error)) return;
  const { detail, title } = asProblem(error);
  toast(`${texts.failed}: ${detail || title}`, { kind: "bad" });
}
