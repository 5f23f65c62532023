// @ts-check
// A second class map beside the first: a swipe line over the picture, left of it the map as it is, right of it the
// other one. Both are whole pictures on the same grid, so zoom and position are always the same.
// value.beside from Python: {url, kind, title, mine, extra: [{id, name, color}]} or null; `mine` names the left map.

import { fetchPatch } from './map_feed.js';
import { partsOf } from './pane.js';
import { makeRaster } from './raster.js';

/**
 * @param {HTMLElement} root
 * @param {import('./pane.js').Pane} pane
 * @param {() => void} onReady  a new map is painted
 */
export function makeSwipe(root, pane, onReady) {
  const part = partsOf(root);
  const canvas = /** @type {HTMLCanvasElement} */ (part('beside')), line = part('swipe'), left = part('swipeleft'), right = part('swiperight');
  let raster = null, wanted = null, generation = 0, busy = false, again = false, share = 0.5, sheer = false;

  function place() {
    part('picture').style.clipPath = wanted && sheer ? `inset(0 ${(1 - share) * 100}% 0 0)` : '';  // it would be seen through the other one
    canvas.style.clipPath = `inset(0 0 0 ${share * 100}%)`;
    line.style.left = `${share * 100}%`;
    line.setAttribute('aria-valuenow', String(Math.round(share * 100)));
    left.style.maxWidth = `calc(${share * 100}cqw - 40px)`;
    right.style.maxWidth = `calc(${(1 - share) * 100}cqw - 40px)`;
    left.classList.toggle('hv-tucked', share < 0.18);
    right.classList.toggle('hv-tucked', share > 0.82);
  }
  function move(to) { share = Math.min(1, Math.max(0, to)); place(); }

  line.addEventListener('pointerdown', (event) => {
    event.preventDefault();
    line.setPointerCapture(event.pointerId);
    line.focus({preventScroll: true});
  });
  line.addEventListener('pointermove', (event) => {
    if (!line.hasPointerCapture(event.pointerId)) return;
    const box = canvas.getBoundingClientRect();
    move((event.clientX - box.left) / box.width);
  });
  line.addEventListener('dblclick', () => move(share > 0.5 ? 0 : 1));
  line.addEventListener('keydown', (event) => {
    const to = {ArrowLeft: share - 0.02, ArrowRight: share + 0.02, Home: 0, End: 1, ' ': share > 0.5 ? 0 : 1}[event.key];
    if (to === undefined) return;
    event.preventDefault(); event.stopPropagation();
    move(to);
  });

  async function pull() {
    if (busy) { again = true; return; }
    busy = true;
    try {
      do {
        again = false;
        if (!wanted || !raster) break;
        const mine = generation, patch = await fetchPatch(wanted.url, raster.tokens().index);
        if (mine !== generation) { again = true; continue; }
        if (!patch) continue;  // gone: the next value says so
        if (!raster.applyPatch(patch, 'index')) { raster.clearMap(); again = true; continue; }
        onReady();
        const sure = await fetchPatch(wanted.url.replace('/map/', '/conf/'), raster.tokens().conf);
        if (sure && mine === generation) raster.applyPatch(sure, 'conf');
      } while (again);
    } catch { again = false; } finally { busy = false; }  // the main map says when the server is away
  }

  place();
  return {
    // What the second picture shares with the first; called after every change, cheap when nothing did.
    mirror({scene, picture, under, colours, solo, layer}) {
      const before = sheer;
      sheer = !under.on || under.opacity < 1;
      if (sheer !== before) place();
      if (!wanted || !scene) return;
      raster ||= makeRaster(canvas, pane, () => {}, () => {});
      if (raster.sceneId?.() !== scene.id) { raster.setScene(scene); again = true; pull(); }
      raster.setComposite(...picture);
      raster.setUnder({...under});
      raster.setColours(colours);
      raster.setSolo(solo);
      raster.setLayer({...layer});
      raster.paint();
    },
    paint() { if (wanted) raster?.paint(); },
    show(value) {
      if ((value?.kind ?? null) === (wanted?.kind ?? null) && value?.url === wanted?.url) { wanted = value; if (value) words(value); return false; }
      wanted = value; generation++;
      canvas.hidden = line.hidden = !value;
      if (!value) { raster?.clearMap(); place(); return true; }
      words(value);
      move(share < 0.1 || share > 0.9 ? 0.5 : share);
      raster?.clearMap();
      queueMicrotask(pull);
      return true;
    },
    extra: () => wanted?.extra || [],
    classAt: (row, col) => (wanted && raster ? raster.classAt(row, col) : null),
    confidenceAt: (row, col) => raster.confidenceAt(row, col),
    title: () => wanted?.title || '',
  };
  function words(value) {
    left.textContent = left.title = value.mine; right.textContent = right.title = value.title;
    line.setAttribute('aria-label', `Line between two maps: left ${value.mine}, right ${value.title}. Arrow keys move it.`);
  }
}
