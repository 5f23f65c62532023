// @ts-check
// The class map on its way from the server: fetched by the viewer, only the box that changed, one request at a time.

import { readPatch } from './class_map.js';

/**
 * What changed since `token`; null = there is no map any longer. Fails with a sentence when the server refuses.
 * @param {string} url  of the map or its confidence, without its ending
 * @param {string} token
 */
export async function fetchPatch(url, token) {
  const answer = await fetch(`${url}.bin?since=${encodeURIComponent(token)}`, {cache: 'no-store'});
  if (!answer.ok) throw new Error(`The map could not be fetched (${answer.status}).`);
  return answer.status === 204 ? null : readPatch(answer.headers, await answer.arrayBuffer());
}

/**
 * @param {ReturnType<typeof import('./raster.js').makeRaster>} raster
 * @param {import('./pane.js').Pane} pane
 * @param {{painted: (rev: number) => void, done: () => void, gone: () => void, say: (text: string) => void}} page
 */
export function makeMapFeed(raster, pane, page) {
  let wanted = null, pulling = false, again = false, generation = 0;

  async function pull() {
    if (pulling) { again = true; return; }
    pulling = true;
    try {
      do {
        again = false;
        if (!wanted) break;
        const mine = generation, patch = await fetchPatch(wanted.url, raster.tokens().index);
        if (mine !== generation) { again = true; continue; }
        if (!patch) continue;  // the next value says that it is gone
        if (raster.tokens().rev != null && patch.rev < raster.tokens().rev) continue;  // never back in time
        if (!raster.applyPatch(patch, 'index')) { raster.clearMap(); again = true; continue; }
        page.painted(patch.rev);
        await pullConfidence();
        page.done();
      } while (again);
    } catch (error) { page.say(error.message); } finally { pulling = false; }
  }
  async function pullConfidence() {  // small scenes always (for the readout), large ones when it is shown
    const {h, w} = pane.scene() || {};
    if (!wanted || !raster.tokens().index || (!raster.layer.confidence && h * w > 1e6)) return;
    const mine = generation, patch = await fetchPatch(wanted.url.replace('/map/', '/conf/'), raster.tokens().conf);
    if (patch && mine === generation) raster.applyPatch(patch, 'conf');
  }

  return {
    pullConfidence,
    extra: () => wanted?.extra || [],
    /** Another scene: what is on its way is not for it. */
    reset() { wanted = null; generation++; },
    /** The value's `map`: another kind of map may go back to an older revision, the same kind never does. */
    take(next) {
      if (!next) {
        if (!wanted) return;
        wanted = null; generation++;
        raster.clearMap();
        page.gone();
      } else if (wanted && next.kind !== wanted.kind) {
        wanted = next; generation++;
        raster.clearMap();
        pull();
      } else if (pane.scene() && (!wanted || wanted.rev !== next.rev || wanted.url !== next.url)) {
        if (wanted && typeof next.rev === 'number' && next.rev < wanted.rev) return;
        wanted = next;
        pull();
      }
    },
  };
}
