/** The composition root of the page: its frame, and which view is shown at which place. */

import { connection, watchNetwork } from "./api/connection.js";
import { frame } from "./components/frame.js";
import { failedView, loadingView, unknownView } from "./components/states.js";
import { fill, h } from "./core/element.js";
import { replaceFirst } from "./core/first.js";
import { announce, moveFocus } from "./core/focus.js";
import { currentPlace, matchPath, onPlace } from "./core/router.js";
import { backoff, pause } from "./core/wait.js";
import { texts } from "./texts.js";

/**
 * A view.
 * @typedef {object} Route
 * @property {string} pattern
 * @property {string} title
 * @property {string} section which entry of the navigation is marked
 * @property {() => Promise<unknown>} load defines its element
 * @property {(parameters: Record<string, string>) => HTMLElement} make
 */

/** @type {readonly Route[]} */
const ROUTES = [
  {
    pattern: "/",
    title: texts.home.title,
    section: "/",
    load: () => import("./home/view.js"),
    make: () => h("csv-home"),
  },
  {
    pattern: "/jobs",
    title: texts.jobs.title,
    section: "/jobs",
    load: () => import("./jobs/list_view.js"),
    make: () => h("csv-jobs"),
  },
  {
    pattern: "/jobs/:id",
    title: texts.jobs.jobTitle,
    section: "/jobs",
    load: () => import("./jobs/job_view.js"),
    make: ({ id }) => h("csv-job", { "job-id": id }),
  },
  {
    pattern: "/uploads",
    title: texts.stored.title,
    section: "/uploads",
    load: () => import("./uploads/list_view.js"),
    make: () => h("csv-stored"),
  },
  {
    pattern: "/ask/:uploads",
    title: texts.ask.title,
    section: "",
    load: () => import("./uploads/ask_view.js"),
    make: ({ uploads }) => h("csv-ask-again", { uploads }),
  },
  {
    pattern: "/settings",
    title: texts.settings.title,
    section: "/settings",
    load: () => import("./settings/view.js"),
    make: () => h("csv-settings"),
  },
  {
    pattern: "/help",
    title: texts.help.title,
    section: "/help",
    load: () => import("./help/view.js"),
    make: () => h("csv-help"),
  },
];

const TRIES = 6;

const shown = frame();
/** The path of the view that is shown, and a number for each change of view. */
let path = "";
let turn = 0;

/** @param {{again?: boolean, first?: boolean}} [options] */
async function show({ again = false, first = false } = {}) {
  const place = currentPlace();
  if (place.path === path && !again) return; // only the query has changed: the view reads it
  path = place.path;
  turn += 1;
  const mine = turn;
  const found = find(path);
  shown.mark(found?.route.section ?? "");
  const title = found?.route.title ?? texts.frame.notFound;
  document.title = path === "/" ? texts.frame.title : texts.frame.titleOf(title);
  if (!found) {
    fill(shown.main, unknownView());
  } else {
    const late = setTimeout(() => {
      if (mine === turn) fill(shown.main, loadingView());
    }, 200);
    try {
      await found.route.load();
      if (mine === turn) fill(shown.main, found.route.make(found.parameters));
    } catch (error) {
      if (mine === turn)
        fill(
          shown.main,
          failedView(error, () => show({ again: true })),
        );
    } finally {
      clearTimeout(late);
    }
  }
  if (mine !== turn || first) return;
  scrollTo(0, 0);
  moveFocus(shown.main.querySelector("h1") ?? shown.main);
  announce(title);
}

/** @param {string} wanted */
function find(wanted) {
  for (const route of ROUTES) {
    const parameters = matchPath(route.pattern, wanted);
    if (parameters) return { route, parameters };
  }
  return null;
}

/** Loads the panel of uploads, also if the connection is lost at first. */
async function loadUploads() {
  for (let failures = 1; ; failures += 1) {
    try {
      await import("./upload/panel.js");
      return;
    } catch (error) {
      if (failures === TRIES) throw error;
      connection.lost(); // asks for the health of the service until it answers
      await connection.restored();
      await pause(backoff(failures));
    }
  }
}

watchNetwork();
const wasFocused = replaceFirst(shown.parts);
onPlace(() => void show());
void show({ first: true }).then(() => {
  if (wasFocused) shown.main.querySelector("button")?.focus();
  return loadUploads();
});
