// @ts-check
// The answer to a question in words, as a heat map over the picture: strong above the threshold, a hint below it.
// value.heat from Python: {url, title, threshold, marks: [[row, col], …], kind, ends: [low, high], blind} or null; `url`
// gives one byte a pixel, 0–254, 255 = no data. kind "mask": pixels are in it or not. `ends` name 0 and 1. `query`: a
// question's answer, which has a row in the bar and can be hidden without being taken away. `blind`: somebody labels random
// pixels and must not see the map. The threshold follows the page's slider at once ('hsi:heat'), without asking the server;
// regions that are pointed at in the list ('hsi:place') are framed here. Colours: inferno, which stays ordered without
// colour vision.

import { heatPalette } from './colours.js';
import { cleared, partsOf } from './pane.js';

const HEAT_MAX = 4096;  // longest side of the sheet that is kept; larger scenes are thinned
/**
 * @param {ReturnType<typeof import('../web/component.js').panel>} component
 * @param {import('./pane.js').Pane} pane
 * @param {{close: (query: boolean) => void, changed: () => void, fit: () => void, map: (on: boolean) => void, mapOn: () => boolean, message: (text: string) => void, go: (box: number[]) => void}} actions
 */
export function makeHeat({root, onPage}, pane, actions) {
  const part = partsOf(root);
  const canvas = /** @type {HTMLCanvasElement} */ (part('heat')), legend = part('heatlegend'), context = canvas.getContext('2d');
  let value = null, bytes = null, sheet = null, step = 1, threshold = 0.5, frameBox = null, generation = 0, loaded = '';
  let mapWasOn = null, jumped = false, off = false, opacity = 1;

  part('heatclose').addEventListener('click', close);
  function close() { actions.close(Boolean(value?.query)); }

  /** What is seen of it; the map gives way, and comes back after it: two colourings on one picture say nothing. */
  function settle() {
    const on = Boolean(value) && !off;
    legend.hidden = canvas.hidden = !on;
    if (on && bytes) root.dataset.heat = value.url; else delete root.dataset.heat;
    if (on && mapWasOn === null) { mapWasOn = actions.mapOn(); actions.map(false); }
    if (!on && mapWasOn !== null) {
      if (mapWasOn) actions.map(true);
      mapWasOn = null;
    }
    paint();
    actions.changed();
  }

  function recolour() {
    const scene = pane.scene();
    if (!bytes || !scene) { sheet = null; return; }
    step = Math.max(1, Math.ceil(Math.max(scene.h, scene.w) / HEAT_MAX));
    const h = Math.ceil(scene.h / step), w = Math.ceil(scene.w / step);
    sheet = document.createElement('canvas');
    sheet.width = w; sheet.height = h;
    const pen = sheet.getContext('2d'), image = pen.createImageData(w, h), out = new Uint32Array(image.data.buffer), table = heatPalette(threshold);
    for (let r = 0, o = 0; r < h; r++) for (let c = 0, i = r * step * scene.w; c < w; c++, i += step, o++) out[o] = table[bytes[i]];
    pen.putImageData(image, 0, 0);
    part('heatmark').style.left = `${threshold * 100}%`;
    part('heatlow').textContent = threshold.toFixed(2);
  }

  function paint() {
    const {width, dpr} = cleared(canvas, pane), scene = pane.scene();
    if (!value || off || !scene || !width) return;
    const {scale, x0, y0} = pane.place();
    context.imageSmoothingEnabled = false;
    if (sheet) context.drawImage(sheet, x0 * dpr, y0 * dpr, sheet.width * step * scale * dpr, sheet.height * step * scale * dpr);
    const box = (row, col, h, w, colour, line) => {
      context.strokeStyle = colour; context.lineWidth = line * dpr;
      context.strokeRect((x0 + col * scale) * dpr, (y0 + row * scale) * dpr, w * scale * dpr, h * scale * dpr);
    };
    if (frameBox) { const [row, col, h, w] = frameBox; box(row, col, h, w, '#000', 4); box(row, col, h, w, '#fff', 2); }
    for (const [row, col] of value.marks || []) {
      const x = (x0 + (col + 0.5) * scale) * dpr, y = (y0 + (row + 0.5) * scale) * dpr, radius = Math.max(4, Math.min(9, scale * 0.6)) * dpr;
      for (const [colour, line] of /** @type {[string, number][]} */ ([['#000', 4], ['#fff', 2]])) {
        context.beginPath(); context.arc(x, y, radius, 0, 2 * Math.PI);
        context.strokeStyle = colour; context.lineWidth = line * dpr; context.stroke();
      }
    }
  }

  async function fetchBytes() {
    const mine = ++generation, scene = pane.scene();
    const answer = await fetch(value.url, {cache: 'no-store'}).catch(() => null);
    if (mine !== generation) return;
    if (!answer || !answer.ok) { actions.message('The heat map could not be fetched: ask again.'); return; }
    const found = new Uint8Array(await answer.arrayBuffer());
    if (mine !== generation || !scene || found.length !== scene.h * scene.w) return;
    bytes = found;
    recolour(); settle();
  }

  onPage('hsi:heat', (wanted) => {
    if (!value) return;
    threshold = wanted.threshold;
    recolour(); paint();
  });
  onPage('hsi:place', ({box, go}) => {
    frameBox = box;
    if (go && frameBox) { jumped = true; actions.go(frameBox); }
    paint();
  });

  /** @param {any} next  see above; null = none */
  function show(next) {
    value = next;
    if (!next) {
      bytes = sheet = null; frameBox = null; loaded = ''; generation++; off = false;
      settle();
      return;
    }
    threshold = next.threshold;
    part('heattitle').textContent = part('heattitle').title = next.title;
    legend.dataset.kind = next.kind || '';
    const [low, from, high] = /** @type {NodeListOf<HTMLElement>} */ (legend.querySelectorAll('.hv-heatends > span'));
    [low.textContent, high.textContent] = next.ends || ['0 unlike', '1 alike'];
    from.hidden = Boolean(next.ends);
    if (loaded !== next.url && jumped) { jumped = false; actions.fit(); }  // the next answer lies elsewhere
    if (loaded !== next.url || next.marks?.length) off = false;  // news is seen; more about what was hidden is not
    if (loaded !== next.url) { loaded = next.url; bytes = null; sheet = null; frameBox = null; fetchBytes(); } else recolour();
    settle();
  }

  return {
    paint, show,
    /** Whether this answer is seen, and how much of it. @param {any} heat */
    look: (heat) => ({on: Boolean(value?.query) && value.url === heat?.url && !off, opacity}),
    /** Hide an answer, or show it again: in place of another colouring, if need be. @param {any} heat @param {boolean} on */
    turn(heat, on) {
      if (on && heat && value?.url !== heat.url) { show(heat); return; }
      off = !on;
      settle();
    },
    /** @param {number} share  0 to 1 */
    fade(share) { opacity = share; canvas.style.opacity = String(share); actions.changed(); },
    /** Whether the map must not be seen. */
    blind: () => Boolean(value?.blind),
    at(row, col) { const scene = pane.scene(), v = bytes && scene ? bytes[row * scene.w + col] : 255; return v === 255 ? null : v / 254; },
  };
}
