// @ts-check
// A region drawn by hand around pixels, for whatever asks for one ('hsi:draw' on the document). Drag around the pixels;
// Escape gives up. The answer is 'hsi:region' with {polygon: [[row, col], …]} in pixels, (0, 0) the scene's corner. The
// outline stays until another region, another scene, or 'hsi:draw' with {off: true}.

import { tell } from '../web/component.js';

const LEAST_PX = 1.5;  // between two corners, on the screen

/**
 * @param {ReturnType<typeof import('../web/component.js').panel>} component
 * @param {import('./pane.js').Pane} pane
 * @param {HTMLElement} stage
 * @param {any} map  Leaflet's
 * @param {(text: string, kind?: string) => void} say
 */
export function makeRegion({root, onPage}, pane, stage, map, say) {
  const outline = root.querySelector('[data-part=region]');
  /** @type {[number, number][]} */
  let corners = [];
  let armed = false, pointer = null, last = null, justDrawn = false;

  function paint() {
    const {scale, x0, y0} = pane.place();
    outline.toggleAttribute('hidden', !corners.length);
    const points = corners.map(([row, col]) => `${(x0 + col * scale).toFixed(1)},${(y0 + row * scale).toFixed(1)}`);
    if (pointer === null && corners.length) points.push(points[0]);
    for (const one of outline.querySelectorAll('polyline')) one.setAttribute('points', points.join(' '));
  }
  function arm(on) {
    armed = on;
    root.classList.toggle('hv-drawing', on);
    if (on) { stage.focus({preventScroll: true}); say('Drag around the pixels. Escape gives up.', 'hint'); }
    else { map.dragging.enable(); say(''); }
  }
  function clear() { corners = []; pointer = null; paint(); }

  // Before Leaflet, which would move the picture, and before the click that would label.
  const caught = (event) => { event.preventDefault(); event.stopImmediatePropagation(); };
  stage.addEventListener('pointerdown', (event) => {
    if (!armed || event.button) return;
    caught(event);
    map.dragging.disable();
    stage.setPointerCapture(event.pointerId);
    pointer = event.pointerId; last = null; corners = [];
    add(event);
  }, true);
  stage.addEventListener('pointermove', (event) => { if (event.pointerId === pointer) { caught(event); add(event); } }, true);
  stage.addEventListener('pointerup', (event) => { if (event.pointerId === pointer) { caught(event); end(); } }, true);
  stage.addEventListener('pointercancel', (event) => { if (event.pointerId === pointer) { clear(); arm(false); } }, true);
  for (const kind of ['mousedown', 'mouseup', 'click', 'touchstart']) stage.addEventListener(kind, (event) => { if (armed || justDrawn) { event.stopImmediatePropagation(); } }, true);
  function add(event) {
    const box = stage.getBoundingClientRect(), {scale, x0, y0} = pane.place();
    const x = event.clientX - box.left, y = event.clientY - box.top;
    if (last && Math.hypot(x - last.x, y - last.y) < LEAST_PX) return;
    last = {x, y};
    corners.push([(y - y0) / scale, (x - x0) / scale]);
    paint();
  }
  function end() {
    pointer = null;
    justDrawn = true;
    setTimeout(() => { justDrawn = false; }, 50);  // the click that ends the drag labels nothing
    paint();
    const scene = pane.scene(), few = Math.max(1, Math.ceil(corners.length / 4000));
    const polygon = corners.filter((_, k) => k % few === 0);
    const rows = polygon.map((p) => p[0]), cols = polygon.map((p) => p[1]);
    arm(false);
    if (!scene || polygon.length < 3 || (Math.max(...rows) - Math.min(...rows) < 1 && Math.max(...cols) - Math.min(...cols) < 1)) {
      clear();
      say('That was too small for a region: drag around some pixels.', 'hint');
      arm(true);
      return;
    }
    tell('hsi:region', {polygon});
  }
  stage.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !armed) return;
    caught(event);
    clear(); arm(false);
    tell('hsi:region', {polygon: null});
  }, true);
  onPage('hsi:draw', (wanted) => {
    if (!pane.scene()) return;
    if (wanted.off) { if (armed) arm(false); clear(); return; }
    root.scrollIntoView({block: 'nearest'});
    clear(); arm(true);
  });
  return {paint, clear};
}
