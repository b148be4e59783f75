/** The texts of the settings: saved specs, and webhooks (settings/). */

export const settings = Object.freeze({
  title: "Settings",
  loading: "Loading …",
  more: "Load more",
  failed: "That did not work",
  specs: {
    title: "Saved specs",
    lead: "Questions that were saved under a name, for programs and the command line.",
    empty: "No specs are saved. Save one beside a question, or from a terminal:",
    command: "csvmill specs save plays-by-song --group-by Song --sum Plays",
    changed: "changed ",
    show: "Show",
    showOf: (/** @type {string} */ name) => `Show the spec ${name}`,
    json: (/** @type {string} */ name) => `The spec ${name} as JSON`,
    use: "Ask this of a file",
    useOf: (/** @type {string} */ name) => `Ask ${name} of a file`,
    remove: "Delete",
    removeOf: (/** @type {string} */ name) => `Delete the spec ${name}`,
    sure: { title: "Delete this spec?", act: "Delete", keep: "Keep it" },
    sureText: (/** @type {string} */ name) =>
      `Programs that ask for ${name} are refused from now on. Jobs that were asked by it stay as they are.`,
    deleted: (/** @type {string} */ name) => `${name} is deleted.`,
    changedMeanwhile: "Another user has changed this spec. The new version is shown.",
  },
  webhooks: {
    title: "Webhooks",
    lead: "URLs that are notified when a job ends. They are set with the upload, the request or the API key.",
    secret: "Messages are signed with a secret, which receivers need to verify them.",
    none: "There is no secret yet, so jobs cannot use webhooks.",
    since: (/** @type {string} */ time) => `The secret was created ${time}.`,
    both: (/** @type {string} */ time) => `The previous secret stays valid until ${time}.`,
    create: "Create a secret",
    replace: "Replace the secret",
    sure: { title: "Replace the secret?", act: "Replace", keep: "Keep it" },
    sureText:
      "For a day, messages are signed with both. Give the new secret to all receivers in this time.",
    made: "The new secret",
    once: "It is shown only now. Give it to the receivers of webhooks.",
    messages: "Messages",
    state: "Show",
    /** @type {Record<string, string>} */
    filters: { "": "All", failed: "Given up", pending: "Waiting", delivered: "Delivered" },
    /** @type {Record<string, string>} */
    states: { pending: "Waiting", delivered: "Delivered", failed: "Given up" },
    /** @type {Record<string, string>} */
    types: {
      "job.succeeded": "Job succeeded",
      "job.failed": "Job failed",
      "job.cancelled": "Job cancelled",
    },
    job: "Open the job",
    jobOf: (/** @type {string} */ url, /** @type {string} */ ago) =>
      `Open the job of the message to ${url}, ${ago}`,
    sent: (/** @type {number} */ times) => {
      if (times === 0) return "not sent yet";
      return times === 1 ? "sent once" : `sent ${times} times`;
    },
    next: (/** @type {string} */ time) => `next attempt ${time}`,
    again: "Send again",
    againOf: (/** @type {string} */ url, /** @type {string} */ ago) =>
      `Send the message to ${url} again, ${ago}`,
    resent: "The message is sent again.",
    empty: "No messages yet",
    emptyHint: "A message appears here when a job that names a URL has ended.",
    noneOfState: "There are no such messages.",
    shown: (/** @type {number} */ count) =>
      `${count} ${count === 1 ? "message" : "messages"} shown`,
  },
});
