// @ts-check
// The picture under the labels: base tiles, class map and confidence, painted on one canvas.
//
// Leaflet only says where pixels are; tiles are drawn here, so that every layer has the same grid at every
// zoom and device pixel ratio, nothing is blurred, and tile edges cannot show as seams.

import { emptyMap, putPatch } from './class_map.js';
import { classPalette, faded } from './colours.js';
import { cleared } from './pane.js';

const TILE = 256, CHUNK = 512, TILES_KEPT = 400, CHUNKS_KEPT = 96, OVERVIEW = 1536, TILE_VERSION = '1';

/**
 * @param {HTMLCanvasElement} canvas
 * @param {import('./pane.js').Pane} pane
 * @param {(state: {complete: boolean}) => void} onPainted
 * @param {(url: string) => void} onRefused  a tile could not be had
 */
export function makeRaster(canvas, pane, onPainted, onRefused) {
  const context = canvas.getContext('2d');
  let scene = null, folder = '', earlier = '', refused = '', frame = 0;
  const tiles = new Map();  // url → {image, ok}
  const layer = {on: true, opacity: 0.6, confidence: false}, under = {on: true, opacity: 1};  // the map; the picture below it
  /** @type {{token: string, of: Map<string, number>} | null} */
  let sized = null;
  let map = emptyMap(), overview = null;
  const chunks = new Map();  // "y,x" → the class map there as a picture

  function tile(prefix, z, x, y, load) {
    const url = `${prefix}${z}/${x}/${y}.png?v=${TILE_VERSION}`;
    let entry = tiles.get(url);
    if (entry) { tiles.delete(url); tiles.set(url, entry); return entry.ok ? entry.image : null; }
    if (!load) return null;
    entry = {image: new Image(), ok: false};
    entry.image.decoding = 'async';
    entry.image.onload = () => { entry.ok = true; schedule(); };
    entry.image.onerror = () => {
      entry.failed = true;
      setTimeout(() => tiles.delete(url), 5000);  // the next painting asks again
      if (prefix !== refused) { refused = prefix; onRefused(url); }
      schedule();
    };
    entry.image.src = url;
    tiles.set(url, entry);
    for (const old of tiles.keys()) { if (tiles.size <= TILES_KEPT) break; tiles.delete(old); }
    return null;
  }

  function schedule() { if (!frame) frame = requestAnimationFrame(() => { frame = 0; paint(); }); }

  // Paint the part of `source` (its pixels are `step` scene pixels, its corner lies at scene col0,row0) that is visible.
  function place(source, col0, row0, w, h, step, view) {
    const {scale, x0, y0, dpr, first, last} = view;
    const sx = Math.max(0, Math.floor((first.col - col0) / step)), sy = Math.max(0, Math.floor((first.row - row0) / step));
    const ex = Math.min(w, Math.ceil((last.col - col0) / step)), ey = Math.min(h, Math.ceil((last.row - row0) / step));
    if (ex <= sx || ey <= sy) return null;
    const device = (origin, cell) => Math.round((origin + cell * scale) * dpr);
    const left = device(x0, col0 + sx * step), right = device(x0, Math.min(col0 + ex * step, scene.w));
    const top = device(y0, row0 + sy * step), bottom = device(y0, Math.min(row0 + ey * step, scene.h));
    const across = (Math.min(col0 + ex * step, scene.w) - col0) / step - sx, down = (Math.min(row0 + ey * step, scene.h) - row0) / step - sy;
    const box = /** @type {[number, number, number, number]} */ ([left, top, right - left, bottom - top]);
    if (source) context.drawImage(source, sx, sy, across, down, ...box);
    return box;
  }

  function hatch(dpr) {
    const cell = Math.round(8 * dpr), swatch = document.createElement('canvas');
    swatch.width = swatch.height = cell;
    const pen = swatch.getContext('2d');
    const style = getComputedStyle(canvas);
    pen.fillStyle = style.getPropertyValue('--hsi-hatch-back').trim() || '#888';
    pen.fillRect(0, 0, cell, cell);
    pen.strokeStyle = style.getPropertyValue('--hsi-hatch-line').trim() || '#555';
    pen.lineWidth = Math.max(1, dpr);
    pen.beginPath();
    for (const shift of [-cell, 0, cell]) { pen.moveTo(shift, cell); pen.lineTo(shift + cell, 0); }
    pen.stroke();
    return context.createPattern(swatch, 'repeat');
  }

  function paint() {
    const {w: cssW, h: cssH} = pane.size(), {width, height, dpr} = cleared(canvas, pane);
    if (!scene || !width || !height) return;
    const {scale, x0, y0} = pane.place();
    const first = {col: Math.max(0, Math.floor(-x0 / scale)), row: Math.max(0, Math.floor(-y0 / scale))};
    const last = {col: Math.min(scene.w, Math.ceil((cssW - x0) / scale)), row: Math.min(scene.h, Math.ceil((cssH - y0) / scale))};
    if (last.col <= first.col || last.row <= first.row) return;
    const view = {scale, x0, y0, dpr, first, last};
    const missing = under.on ? paintBase(view, scale * dpr) : 0;
    if (under.on && under.opacity < 1) fade(under.opacity);
    if (layer.on && map.index) paintMap(view, scale * dpr);
    onPainted({complete: missing === 0});
  }

  /** All that is painted by now at once: tile by tile, the hatching below would be seen through the picture. @param {number} opacity */
  function fade(opacity) {
    context.globalCompositeOperation = 'destination-in';
    context.globalAlpha = opacity;
    context.fillStyle = '#000';
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.globalCompositeOperation = 'source-over';
    context.globalAlpha = 1;
  }

  function paintBase(view, deviceScale) {
    const level = deviceScale >= 1 ? 0 : Math.max(-12, -Math.floor(Math.log2(1 / deviceScale)));
    const step = 2 ** -level, span = TILE * step;
    const pattern = scene.valid_all ? null : hatch(view.dpr);
    context.imageSmoothingEnabled = deviceScale < 1;
    let missing = 0;
    for (let y = Math.floor(view.first.row / span); y * span < view.last.row; y++) {
      for (let x = Math.floor(view.first.col / span); x * span < view.last.col; x++) {
        const image = tile(folder, level, x, y, true);
        if (!image && !tiles.get(`${folder}${level}/${x}/${y}.png?v=${TILE_VERSION}`)?.failed) missing++;
        const stand = image || (earlier && tile(earlier, level, x, y, false));
        if (stand) {
          if (pattern) { const box = place(null, x * span, y * span, TILE, TILE, step, view); if (box) { context.fillStyle = pattern; context.fillRect(...box); } }
          place(stand, x * span, y * span, TILE, TILE, step, view);
        } else standIn(view, level, x, y, span);
      }
    }
    if (!missing) earlier = '';
    return missing;
  }

  // While a tile is on its way: the same ground from a coarser level, if that is there.
  function standIn(view, level, x, y, span) {
    for (let up = 1; up <= 6; up++) {
      const coarse = tile(folder, level - up, x >> up, y >> up, false);
      if (!coarse) continue;
      const step = 2 ** (up - level);
      const clip = {...view, first: {col: Math.max(view.first.col, x * span), row: Math.max(view.first.row, y * span)},
        last: {col: Math.min(view.last.col, (x + 1) * span), row: Math.min(view.last.row, (y + 1) * span)}};
      place(coarse, (x >> up) * TILE * step, (y >> up) * TILE * step, TILE, TILE, step, clip);
      return;
    }
  }

  // ── class map ────────────────────────────────────────────────────────────────────────────────

  let colours = new Map(), palette = new Uint32Array(1), paletteKey = '', solo = '';

  function setColours(classes) {
    colours = new Map(classes.map((c) => [c.id, c.color]));
    refreshPalette();
  }

  /** One class alone; "" = all. @param {string} id */
  function setSolo(id) { solo = id; refreshPalette(); }

  function refreshPalette() {
    const shown = solo ? new Map([[solo, colours.get(solo)]]) : colours, key = map.ids.map((id) => shown.get(id) || '-').join();
    if (key === paletteKey) return;
    paletteKey = key;
    palette = classPalette(map.ids, shown);
    chunks.clear();
    overview = null;
    schedule();
  }

  function picture(row0, col0, h, w, step) {
    const sheet = document.createElement('canvas');
    sheet.width = w; sheet.height = h;
    const pen = sheet.getContext('2d'), image = pen.createImageData(w, h), out = new Uint32Array(image.data.buffer);
    const conf = layer.confidence ? map.conf : null;
    for (let r = 0, o = 0; r < h; r++) {
      for (let c = 0, i = (row0 + r * step) * scene.w + col0; c < w; c++, i += step, o++) {
        let colour = palette[map.index[i]];
        if (conf && colour) {
          colour = faded(colour, conf[i]);
        }
        out[o] = colour;
      }
    }
    pen.putImageData(image, 0, 0);
    return sheet;
  }

  function paintMap(view, deviceScale) {
    context.globalAlpha = layer.opacity;
    context.imageSmoothingEnabled = false;
    const longest = Math.max(scene.h, scene.w);
    if (longest > OVERVIEW && deviceScale < 0.6) {
      const step = Math.ceil(longest / OVERVIEW);
      overview ||= picture(0, 0, Math.ceil(scene.h / step), Math.ceil(scene.w / step), step);
      place(overview, 0, 0, overview.width, overview.height, step, view);
    } else {
      for (let y = Math.floor(view.first.row / CHUNK); y * CHUNK < view.last.row; y++) {
        for (let x = Math.floor(view.first.col / CHUNK); x * CHUNK < view.last.col; x++) {
          const key = `${y},${x}`, h = Math.min(CHUNK, scene.h - y * CHUNK), w = Math.min(CHUNK, scene.w - x * CHUNK);
          let chunk = chunks.get(key);
          if (!chunk) chunks.set(key, chunk = picture(y * CHUNK, x * CHUNK, h, w, 1));
          place(chunk, x * CHUNK, y * CHUNK, w, h, 1, view);
        }
      }
      for (const old of chunks.keys()) { if (chunks.size <= CHUNKS_KEPT) break; chunks.delete(old); }
    }
    context.globalAlpha = 1;
  }

  // Put a patch of the class map (or of the confidence) where it belongs. False: it does not fit what is shown.
  function applyPatch(patch, name) {
    if (!putPatch(map, patch, name, scene.h, scene.w)) return false;
    const [row, col, h, w] = patch.box;
    if (h && w) {
      for (let y = Math.floor(row / CHUNK); y * CHUNK < row + h; y++) {
        for (let x = Math.floor(col / CHUNK); x * CHUNK < col + w; x++) chunks.delete(`${y},${x}`);
      }
      overview = null;
    }
    if (name === 'index') refreshPalette();
    paint();
    return true;
  }

  function forget() { map = emptyMap(); chunks.clear(); overview = null; paletteKey = ''; }

  return {
    paint, schedule, setColours, setSolo, applyPatch,
    setScene(next) {
      if (scene && next && scene.id !== next.id) { tiles.clear(); earlier = ''; }
      scene = next; forget(); folder = '';
      schedule();
    },
    setComposite(root, composite, stretch) {
      if (!scene) return;
      const next = `${root}/tile/${encodeURIComponent(scene.id)}/${encodeURIComponent(composite)}/${encodeURIComponent(stretch)}/`;
      if (next === folder) return;
      earlier = folder; folder = next;
      schedule();
    },
    setLayer(changes) {
      if ('confidence' in changes && changes.confidence !== layer.confidence) { chunks.clear(); overview = null; }
      Object.assign(layer, changes);
      schedule();
    },
    /** How much of the picture is seen. @param {{on?: boolean, opacity?: number}} changes */
    setUnder(changes) { Object.assign(under, changes); schedule(); },
    sceneId: () => scene?.id,
    clearMap() { forget(); schedule(); },
    tokens: () => ({index: map.token, conf: map.confToken, rev: map.rev}),
    /** How many pixels of the map each class has, by its id; null without a map. */
    sizes() {
      if (!map.index) return null;
      if (sized?.token !== map.token) {
        const counts = new Uint32Array(map.ids.length + 1);
        for (const k of map.index) counts[k]++;
        sized = {token: map.token, of: new Map(map.ids.map((id, k) => [id, counts[k + 1]]))};
      }
      return sized.of;
    },
    classAt(row, col) { const k = map.index ? map.index[row * scene.w + col] : 0; return k ? map.ids[k - 1] : null; },
    confidenceAt(row, col) { const v = map.conf ? map.conf[row * scene.w + col] : 255; return v === 255 ? null : v / 254; },
    layer, under,
  };
}
