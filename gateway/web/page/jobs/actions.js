/** What a person does with a job: cancel, try again, run again, delete, share. */

import { asProblem } from "../api/problem.js";
import { fragmentOf } from "../ask/fragment.js";
import { questionOf } from "../ask/question.js";
import { toast } from "../components/toast.js";
import { inSentence } from "../core/plain.js";
import { navigate } from "../core/router.js";
import { needStyle } from "../core/style.js";
import { jobs as texts } from "../texts/jobs.js";
import { askJob } from "../uploads/api.js";
import { cancelJob, deleteJob, deleteResult, retryJob } from "./api.js";
import { chosen } from "./confirm.js";
import { hasResult, keptUploads, skippingBadRows } from "./facts.js";
import { openShare } from "./share.js";

/** @typedef {import("./api.js").Job} Job */
/** @typedef {import("./facts.js").Action} Action */

await needStyle("actions");

const words = texts.actions;

/** What a button of an action says. @type {Record<Action, string>} */
export const LABELS = {
  cancel: words.cancel,
  retry: words.retry,
  share: words.share,
  ask: words.ask,
  again: words.again,
  delete: words.delete,
};

/** Which buttons warn by their colour. */
export const DANGEROUS = new Set(["delete", "cancel"]);

/**
 * Does what a person has asked for, after a question if data is lost, and tells how it went.
 * @param {Action} action
 * @param {Job} job
 * @returns {Promise<boolean>} whether the job may have changed
 */
export async function perform(action, job) {
  if (action === "again" || action === "ask") {
    runAgain(job);
    return false;
  }
  if (action === "share") {
    openShare(job);
    return false;
  }
  const { sure, run, done } = deeds(job)[action];
  const answer = sure ? await chosen(sure) : "act";
  if (answer === "") return false;
  try {
    await run(answer);
    toast(answer === "less" ? words.resultDeleted : done, { kind: "good" });
  } catch (error) {
    const problem = asProblem(error);
    if (problem.kind === "job-finished") toast(words.alreadyEnded);
    else toast(`${words.failed}: ${problem.detail || problem.title}`, { kind: "bad" });
  }
  return true;
}

/**
 * Opens the question of a job, to be changed: about the same files if the service has them, else
 * about the file that is given next.
 * @param {Job} job
 * @param {import("./api.js").Json | null} [question] another one than that of the job
 */
export function runAgain(job, question = job.aggregation) {
  const uploads = keptUploads(job);
  const path = uploads.length > 0 ? `/ask/${uploads.join(",")}` : "/";
  location.hash = fragmentOf(questionOf(question), path);
}

/**
 * Computes a job again with bad rows left out: at once if the service has its files.
 * @param {Job} job
 */
export async function runWithoutBadRows(job) {
  const aggregation = skippingBadRows(job.aggregation ?? {});
  const inputs = keptUploads(job);
  if (inputs.length === 0) {
    runAgain(job, aggregation);
    return;
  }
  try {
    const started = await askJob({ inputs, aggregation });
    navigate(`/jobs/${started.id}`);
  } catch (error) {
    const problem = asProblem(error);
    toast(`${words.failed}: ${problem.detail || problem.title}`, { kind: "bad" });
  }
}

/** @param {Job} job */
function deeds(job) {
  return {
    cancel: {
      sure: {
        title: words.cancelTitle,
        text: words.cancelText(inSentence(job.filename)),
        act: words.cancelDo,
        keep: words.cancelNot,
      },
      run: () => cancelJob(job.id),
      done: words.cancelled,
    },
    delete: {
      sure: {
        title: words.deleteTitle,
        text: words.deleteText(inSentence(job.filename)),
        act: words.deleteDo,
        ...(hasResult(job) ? { less: words.deleteResult } : {}),
        keep: words.deleteNot,
      },
      run: (/** @type {"act" | "less"} */ what) =>
        what === "less" ? deleteResult(job.id) : deleteJob(job.id),
      done: words.deleted,
    },
    retry: { sure: null, run: () => retryJob(job.id), done: words.retried },
  };
}
