// @ts-check
// What the layers of the picture know of the viewer: the scene, and where its pixels are on the screen.

/** @typedef {ReturnType<typeof makePane>} Pane */

/**
 * @param {any} map  Leaflet's
 * @param {HTMLElement} stage  the element that the picture fills
 * @param {() => any} scene  {id, h, w, b, transform, …}, see component.py; null = none
 */
export function makePane(map, stage, scene) {
  /** CSS pixels a scene pixel, and where the scene's corner is in the picture, in CSS pixels. */
  function place() {
    const origin = map.getPixelOrigin(), shift = map.containerPointToLayerPoint([0, 0]);
    return {scale: 2 ** map.getZoom(), x0: -origin.x - shift.x, y0: -origin.y - shift.y};
  }
  /** Where a pixel's centre is on the page, in CSS pixels. @param {number} col @param {number} row */
  function toClient(col, row) {
    const box = stage.getBoundingClientRect(), {scale, x0, y0} = place();
    return {x: box.left + x0 + (col + 0.5) * scale, y: box.top + y0 + (row + 0.5) * scale};
  }
  return {
    scene, place, toClient,
    /** Device pixels a CSS pixel. */
    dpr: () => window.devicePixelRatio || 1,
    /** Of the picture, CSS pixels. */
    size: () => ({w: stage.clientWidth, h: stage.clientHeight}),
    /** The pixel under a pointer, with the place in the picture; null beside the scene. @param {MouseEvent} event */
    pixelAt(event) {
      const box = stage.getBoundingClientRect(), {scale, x0, y0} = place();
      const x = event.clientX - box.left, y = event.clientY - box.top;
      const col = Math.floor((x - x0) / scale), row = Math.floor((y - y0) / scale), {h, w} = scene() || {h: 0, w: 0};
      return row >= 0 && col >= 0 && row < h && col < w ? {row, col, x, y} : null;
    },
    /** Whether a pixel is in the picture, `edge` CSS pixels or more from its border. */
    shows({row, col}, edge) {
      const at = toClient(col, row), box = stage.getBoundingClientRect();
      return at.x >= box.left + edge && at.x <= box.right - edge && at.y >= box.top + edge && at.y <= box.bottom - edge;
    },
    /** The pixel in the middle of the picture. */
    middle() {
      const {scale, x0, y0} = place();
      return {row: Math.floor((stage.clientHeight / 2 - y0) / scale), col: Math.floor((stage.clientWidth / 2 - x0) / scale)};
    },
  };
}

/** The elements of the template by their `data-part`. @param {HTMLElement} root @returns {(name: string) => HTMLElement} */
export const partsOf = (root) => (name) => root.querySelector(`[data-part=${name}]`);

/** A canvas as large as the picture, in device pixels, and empty. @param {HTMLCanvasElement} canvas @param {Pane} pane */
export function cleared(canvas, pane) {
  const size = pane.size(), dpr = pane.dpr(), width = Math.round(size.w * dpr), height = Math.round(size.h * dpr);
  if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
  canvas.getContext('2d').clearRect(0, 0, width, height);
  return {width, height, dpr};
}
