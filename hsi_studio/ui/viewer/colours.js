// @ts-check
// Colours of the picture's layers. Nothing here needs a page.

const INFERNO = [[0, 0, 4], [40, 11, 84], [101, 21, 110], [159, 42, 99], [212, 72, 66], [245, 125, 21], [250, 193, 39], [252, 255, 164]];

/** Red, green and blue, 0 to 255. @param {string} hex  #rrggbb @returns {[number, number, number]} */
export function rgbOf(hex) {
  const v = parseInt(hex.slice(1), 16);
  return [v >> 16, (v >> 8) & 255, v & 255];
}

/** A pixel of a canvas as one number, little-endian: ABGR. @param {number} r @param {number} g @param {number} b @param {number} a */
export const abgr = (r, g, b, a) => ((a << 24) | (b << 16) | (g << 8) | r) >>> 0;

/** Black or white, whichever reads better on a colour (relative luminance, WCAG 2.1). @param {string} hex */
export function inkOn(hex) {
  const [r, g, b] = rgbOf(hex).map((c) => { const s = c / 255; return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4; });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18 ? '#111' : '#fff';
}

/** The colour map inferno, which stays ordered without colour vision. @param {number} share  0 to 1 @returns {number[]} */
export function inferno(share) {
  const at = Math.min(0.9999, Math.max(0, share)) * (INFERNO.length - 1), k = Math.floor(at), part = at - k;
  return INFERNO[k].map((from, i) => Math.round(from + part * (INFERNO[k + 1][i] - from)));
}

/**
 * A colour for each of a heat map's bytes: strong from the threshold on, a hint below it, none for 255 (no data).
 * @param {number} threshold  0 to 1
 */
export function heatPalette(threshold) {
  const table = new Uint32Array(256);
  for (let v = 0; v < 255; v++) {
    const share = v / 254, [r, g, b] = inferno(0.25 + 0.75 * share);
    const alpha = share >= threshold ? 215 : share > 0.04 ? Math.round(60 * share / Math.max(threshold, 0.05)) : 0;
    table[v] = abgr(r, g, b, alpha);
  }
  return table;
}

/**
 * A colour for each value of a class map: 0 is no class, k + 1 the class ids[k]; a class without a colour shows nothing.
 * @param {string[]} ids
 * @param {Map<string, string>} colours  class id → #rrggbb
 */
export function classPalette(ids, colours) {
  const palette = new Uint32Array(ids.length + 1);
  ids.forEach((id, k) => {
    const hex = colours.get(id);
    if (!hex) return;
    const [r, g, b] = rgbOf(hex);
    palette[k + 1] = abgr(r, g, b, 255);
  });
  return palette;
}

/** The same colour, as faint as the class is doubtful; squared, so that doubt shows sooner. @param {number} colour @param {number} byte  0 to 254, 255 = not known */
export function faded(colour, byte) {
  const sure = byte === 255 ? 0 : byte / 254;
  return ((colour & 0xffffff) | (Math.round(255 * sure * sure) << 24)) >>> 0;
}
