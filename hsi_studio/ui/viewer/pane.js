// @ts-check
// What the layers of the picture know of the viewer: the scene, and where its pixels are on the screen.

/**
 * @typedef {object} Pane
 * @property {() => any} scene  {id, h, w, b, transform, …}, see component.py; null = none
 * @property {() => number} dpr  device pixels a CSS pixel
 * @property {() => {w: number, h: number}} size  of the picture, CSS pixels
 * @property {() => {scale: number, x0: number, y0: number}} place  CSS pixels a scene pixel, and of the scene's corner
 */

/** The elements of the template by their `data-part`. @param {HTMLElement} root @returns {(name: string) => HTMLElement} */
export const partsOf = (root) => (name) => root.querySelector(`[data-part=${name}]`);

/** A canvas as large as the picture, in device pixels, and empty. @param {HTMLCanvasElement} canvas @param {Pane} pane */
export function cleared(canvas, pane) {
  const size = pane.size(), dpr = pane.dpr(), width = Math.round(size.w * dpr), height = Math.round(size.h * dpr);
  if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
  canvas.getContext('2d').clearRect(0, 0, width, height);
  return {width, height, dpr};
}
