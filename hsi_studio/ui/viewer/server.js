// @ts-check
// What the page asks the server by plain routes (label_routes.py, change_routes.py): labels, the map that follows them,
// spectra, and whether something changed elsewhere. Answers go to the panels as `hsi:show` (component.js).

import { tell } from '../web/component.js';

const LOOK_MS = 2000;

/**
 * @param {string} base
 * @param {object} page
 * @param {() => boolean} page.alive
 * @param {() => string} page.project
 * @param {(text: string) => void} page.say
 * @param {(numbers: number[]) => void} page.lost  clicks that did not reach the server
 * @param {() => void} page.turned  the server went, or is back
 */
export function makeServer(base, page) {
  const acts = [];
  let sending = false, following = false, again = false, spectrumAt = 0, seen = '', down = false;

  async function reach(path, options = {}) {  // tells the page when the server goes, and when it is back
    let answer, gone;
    try { answer = await fetch(`${base}/${path}`, {cache: 'no-store', ...options}); } catch (error) { gone = error; }
    const news = Boolean(gone) !== down;
    down = Boolean(gone);
    if (news) page.turned();
    if (gone) throw gone;
    return answer;
  }
  async function ask(path, options = {}) {
    const answer = await reach(path, options);
    const body = await answer.json().catch(() => null), detail = body?.detail;
    if (!answer.ok) throw new Error(typeof detail === 'string' ? detail : `The server refused this (${answer.status}): load the page again.`);
    return body;
  }
  const show = (texts) => tell('hsi:show', texts);
  const here = (path) => `${path}/${encodeURIComponent(page.project())}`;

  // One request at a time: what was done meanwhile goes together in the next one, in its order.
  function act(what) {
    acts.push({project: page.project(), what});
    if (!sending) send();
  }
  async function send() {
    sending = true;
    while (acts.length) {
      const project = acts[0].project, batch = [];
      while (acts.length && acts[0].project === project && batch.length < 500) batch.push(acts.shift().what);
      try {
        const body = await ask(`acts/${encodeURIComponent(project)}`, {
          method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({acts: batch}),
        });
        if (project === page.project()) { show(body.show); follow(); }
      } catch (error) {
        page.lost(batch.map((one) => one.n).filter(Boolean));
        page.say(error instanceof TypeError ? 'The server did not answer: check that it runs, then click again.' : error.message);
      }
    }
    sending = false;
  }

  // Until the map and its accuracy are those of the labels now; the newest labels count.
  async function follow() {
    if (following) { again = true; return; }
    following = true;
    try {
      do {
        again = false;
        for (let body = {done: false, mapped: false, seen: '', show: {}}; !body.done && !again && page.alive() && page.project();) {
          const project = page.project();
          body = await ask(`${here('follow')}?report=${Boolean(body.mapped)}`);
          if (project !== page.project()) { again = true; break; }
          show(body.show);
          seen = `${project} ${body.seen}`;
        }
      } while (again && page.alive());
      tell('hsi:seen');
    } catch (error) {
      if (!(error instanceof TypeError)) page.say(error.message);
    } finally { following = false; }
  }

  async function spectrum(row, col) {  // of two answers the one to the later question counts
    const mine = ++spectrumAt;
    tell('hsi:pixel', {project: page.project(), row, col});
    try {
      const body = await ask(`${here('spectrum')}/${row}/${col}`);
      if (mine === spectrumAt) show(body.show);
    } catch (error) { if (!(error instanceof TypeError)) page.say(error.message); }
  }

  // Has another tab, browser or process changed what this page shows?
  async function look() {
    const project = page.project();
    if (project && !document.hidden && !following && !sending) {
      const answer = await reach(here('seen')).catch(() => null);
      if (answer?.ok && project === page.project()) {
        const now = `${project} ${await answer.text()}`;
        if (now !== seen && !following && !sending) await follow();
      }
    }
    if (page.alive()) setTimeout(look, LOOK_MS);
  }
  setTimeout(look, LOOK_MS);
  /** The maps that can be shown; with `wanted`, after showing that one (layer_routes.py). @param {object} [wanted] */
  const layers = (wanted) => ask(here('layers'), wanted && {
    method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(wanted),
  });
  /** @param {Array<[number, number]>} shown  places that were passed over @returns {Promise<{row: number, col: number, between: string[]}>} */
  const next = (shown) => ask(`${here('next')}?shown=${shown.map((one) => one.join(',')).join(';')}`);
  return {act, follow, spectrum, layers, next};
}
