// @ts-check
// A class map in the page and how it changes: the server sends only the box that differs from what the page has
// (`tile_routes.py`). Nothing here needs a page.

/**
 * @typedef {object} ClassMap
 * @property {number | null} rev  revision shown
 * @property {Uint8Array | Uint16Array | null} index  (h × w) 0 = no class, k + 1 = ids[k]
 * @property {string[]} ids
 * @property {Uint8Array | Uint16Array | null} conf  (h × w) 0 to 254, 255 = not known
 * @property {string} token  of the class map, which names what the server sent last
 * @property {string} confToken  of the confidence
 */

/**
 * @typedef {object} Patch
 * @property {number[]} box  row, column, height, width; a height of 0: nothing changed
 * @property {string} baseToken  what it changes; "" = it is the whole map
 * @property {string} token  what it makes of it
 * @property {number} bytes  a value, 1 or 2
 * @property {number} rev
 * @property {string[]} ids
 * @property {ArrayBuffer} buffer
 */

/** @returns {ClassMap} */
export const emptyMap = () => ({ rev: null, index: null, ids: [], conf: null, token: '', confToken: '' });

/**
 * What the server answered.
 * @param {{get: (name: string) => string | null}} headers
 * @param {ArrayBuffer} buffer
 * @returns {Patch}
 */
export function readPatch(headers, buffer) {
  const head = (name) => headers.get(`X-Hsi-${name}`) || '';
  return {
    box: head('Box').split(',').map(Number), baseToken: head('Base'), token: head('Token'), bytes: Number(head('Bytes')),
    rev: Number(head('Rev')), ids: head('Classes').split(',').filter(Boolean), buffer,
  };
}

/**
 * Put a patch where it belongs. False: it does not fit what the page has, which stays as it is; ask for the whole map.
 * @param {ClassMap} map
 * @param {Patch} patch
 * @param {"index" | "conf"} layer
 * @param {number} height  of the scene
 * @param {number} width
 */
export function putPatch(map, patch, layer, height, width) {
  const [row, col, h, w] = patch.box;
  const shown = layer === 'index' ? map.token : map.confToken;
  if (patch.baseToken && patch.baseToken !== shown) return false;
  const Values = patch.bytes === 2 ? Uint16Array : Uint8Array;
  if (!patch.baseToken) {
    if (h !== height || w !== width) return false;
    map[layer] = new Values(h * w);
  }
  if (h && w) {
    const part = new Values(patch.buffer);
    for (let r = 0; r < h; r++) map[layer].set(part.subarray(r * w, (r + 1) * w), (row + r) * width + col);
  }
  if (layer === 'index') { map.token = patch.token; map.rev = patch.rev; map.ids = patch.ids; } else map.confToken = patch.token;
  return true;
}
