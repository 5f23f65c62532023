// @ts-check
// Label markers and the crosshair: a canvas above the picture, redrawn in one go (2,000 markers take about 2 ms).

import { inkOn } from './colours.js';
import { labelSet } from './label_set.js';
import { cleared } from './pane.js';

const MANY = 150;

/**
 * @param {HTMLCanvasElement} canvas
 * @param {import('./pane.js').Pane} pane
 * @param {(count: number) => void} onPending
 */
export function makeLabels(canvas, pane, onPending) {
  const context = canvas.getContext('2d');
  const set = labelSet(() => { onPending(set.pendingCount()); schedule(); });
  const sprites = new Map();
  let cross = null, hover = null, frame = 0, hidden = false;

  function sprite(k, radius, state, dpr) {
    const info = set.classes()[k], name = `${k},${info.color},${radius},${state},${dpr}`;
    let sheet = sprites.get(name);
    if (sheet) return sheet;
    if (sprites.size > 500) sprites.clear();
    sheet = document.createElement('canvas');
    const side = Math.ceil((radius + 3) * 2 * dpr), middle = side / 2;
    sheet.width = sheet.height = side;
    const pen = sheet.getContext('2d'), r = radius * dpr;
    const ring = (by, colour, line) => { pen.beginPath(); pen.arc(middle, middle, by, 0, 2 * Math.PI); pen.strokeStyle = colour; pen.lineWidth = line * dpr; pen.stroke(); };
    pen.globalAlpha = state === 'leaving' ? 0.35 : 1;
    ring(r + 1 * dpr, 'rgba(0,0,0,.65)', 1.6);
    pen.beginPath(); pen.arc(middle, middle, r, 0, 2 * Math.PI);
    pen.fillStyle = info.color;
    if (state === 'coming') pen.globalAlpha = 0.55;
    pen.fill();
    pen.globalAlpha = state === 'leaving' ? 0.35 : 1;
    if (state === 'coming') pen.setLineDash([2.5 * dpr, 2 * dpr]);
    ring(r, '#fff', 1.5);
    if (radius >= 7) {
      pen.fillStyle = inkOn(info.color);
      pen.font = `600 ${Math.round((k >= 9 ? 9 : 10.5) * dpr)}px system-ui, sans-serif`;
      pen.textAlign = 'center'; pen.textBaseline = 'alphabetic';
      const box = pen.measureText(String(k + 1));
      pen.fillText(String(k + 1), middle, middle + (box.actualBoundingBoxAscent - box.actualBoundingBoxDescent) / 2);
    }
    sprites.set(name, sheet);
    return sheet;
  }

  function draw() {
    const {w, h} = pane.size(), {width, dpr} = cleared(canvas, pane);
    const scene = pane.scene();
    if (!scene || !width) return;
    const view = pane.place(), at = (row, col) => [view.x0 + (col + 0.5) * view.scale, view.y0 + (row + 0.5) * view.scale];
    const points = set.points(), classes = set.classes();
    const many = points.size > MANY && view.scale < 12;  // numbers would hide the fields they lie in
    const radius = many ? 3 : view.scale < 1 ? 6 : 8;
    const stamp = (row, col, k, state) => {
      const [x, y] = at(row, col);
      if (!classes[k] || x < -14 || y < -14 || x > w + 14 || y > h + 14) return;
      const sheet = sprite(k, radius, state, dpr);
      context.drawImage(sheet, Math.round(x * dpr - sheet.width / 2), Math.round(y * dpr - sheet.height / 2));
    };
    if (cross) crosshair(view, dpr);
    if (hidden) return;
    for (const [place, p] of points) {
      const waiting = set.pendingAt(place);
      if (!waiting) stamp(p[0], p[1], p[2], 'there'); else if (waiting.id === null) stamp(p[0], p[1], p[2], 'leaving');
    }
    for (const entry of set.pending().values()) if (entry.id !== null) stamp(entry.row, entry.col, classes.findIndex((c) => c.id === entry.id), 'coming');
    if (hover) outline(hover, view, dpr, 'rgba(255,255,255,.9)');
  }

  function outline(pixel, view, dpr, colour) {
    if (view.scale < 3 || (view.scale < 14 && set.classIdAt(pixel.row, pixel.col) !== null)) return;  // not across a number
    const left = Math.round((view.x0 + pixel.col * view.scale) * dpr), top = Math.round((view.y0 + pixel.row * view.scale) * dpr);
    const side = Math.round(view.scale * dpr);
    context.lineWidth = 1;
    context.strokeStyle = 'rgba(0,0,0,.75)';
    context.strokeRect(left - 0.5, top - 0.5, side + 1, side + 1);
    context.strokeStyle = colour;
    context.strokeRect(left + 0.5, top + 0.5, side - 1, side - 1);
  }

  function crosshair(view, dpr) {
    const x = Math.round((view.x0 + (cross.col + 0.5) * view.scale) * dpr) + 0.5, y = Math.round((view.y0 + (cross.row + 0.5) * view.scale) * dpr) + 0.5;
    const gap = Math.max(13, view.scale * 0.5 + 5) * dpr, arm = 22 * dpr;
    for (const [colour, line] of /** @type {[string, number][]} */ ([['rgba(0,0,0,.7)', 3 * dpr], ['#fff', 1.2 * dpr]])) {
      context.strokeStyle = colour; context.lineWidth = line;
      context.beginPath();
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) { context.moveTo(x + dx * gap, y + dy * gap); context.lineTo(x + dx * (gap + arm), y + dy * (gap + arm)); }
      context.stroke();
    }
    outline(cross, view, dpr, '#fff');
  }

  function schedule() { if (!frame) frame = requestAnimationFrame(() => { frame = 0; draw(); }); }

  return {
    ...set, draw, schedule,
    /** Show the markers, or hide them to see what is under them. */
    toggle() { hidden = !hidden; schedule(); return !hidden; },
    setCross(pixel) { cross = pixel; schedule(); },
    setHover(pixel) { if (hover?.row !== pixel?.row || hover?.col !== pixel?.col) { hover = pixel; schedule(); } },
    wish(row, col, id, n) { set.wish(row, col, id, n, performance.now()); draw(); },  // on the screen at once
    reset() { cross = hover = null; set.reset(); },
    cross: () => cross,
    hover: () => hover,
  };
}
