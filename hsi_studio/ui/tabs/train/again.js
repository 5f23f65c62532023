// @ts-check
// What of a run the form of a new one cannot have again. Nothing here needs a page.

/** A sentence; "" when the form has all of it.
 * @param {{prompts: string, prompt_set: string}} run
 * @param {{name: string, title: string}[]} prompts  those that can be chosen now
 * @param {boolean} reads  whether its method reads prompts */
export function notAgain(run, prompts, reads) {
  const there = prompts.find((one) => one.name === promptsOf(run));
  if (!reads || (there && !run.prompt_set)) return "";
  if (!there) return `Its prompts (${run.prompt_set || run.prompts}) are not here any more: choose others before you train.`;
  return there.title === run.prompt_set ? "" : `It was trained with ${run.prompt_set}; the form has ${there.title}.`;
}

/** A set as it is now: its version of then is in the run. @param {{prompts: string}} run */
export const promptsOf = (run) => run.prompts.split("@")[0];
