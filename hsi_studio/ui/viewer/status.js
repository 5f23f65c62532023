// @ts-check
// The right end of the line below the picture: the map's accuracy, whether all is saved, the training that runs with its time left.

import { make } from '../web/dom.js';
import { counted, percent, remaining } from '../web/formats.js';

/**
 * @typedef {{text: string, fraction: number | null, seconds_left: number | null, waiting: number}} Job
 */

/** "DiffCLIP fast 42 % · about 3 min left · 1 more waits". @param {Job} job */
export function jobText(job) {
  const share = job.fraction == null ? 'waits or starts' : percent(job.fraction);
  return [`${job.text} ${share}`, remaining(job.seconds_left), job.waiting ? `${job.waiting} more` : ''].filter(Boolean).join(' · ');
}

/** @param {HTMLElement} box */
export function makeStatus(box) {
  const oa = make('b', 'hsi-fact'), saved = make('span', 'hsi-fact hsi-saved'), job = make('span', 'hsi-fact hsi-job');
  box.append(oa, saved, job);
  oa.title = 'Overall accuracy of the map that is shown, with its 95 % interval';
  job.hidden = oa.hidden = saved.hidden = true;
  return {
    /** @param {string} text  "" = not measured */
    accuracy(text) { oa.textContent = text; oa.hidden = !text; },
    /** @param {number} pending  clicks that are not in the journal yet */
    saved(pending) {
      saved.hidden = false;
      saved.textContent = pending ? 'Saving …' : 'Saved';
      saved.title = pending ? `${counted(pending, 'click')} not confirmed by the server yet` : 'Every label is on disk';
    },
    /** @param {Job | null} one */
    job(one) {
      job.hidden = !one;
      if (one) job.textContent = job.title = jobText(one);
    },
  };
}
