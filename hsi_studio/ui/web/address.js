// @ts-check
// What of the page stands in its address beside the open step (steps.js): the map that is shown (`layer`), where the
// picture is (`at` = row, column of its middle, zoom), the map's opacity in percent, the open part of the dock. A reload, a
// link and Back find them again. Another layer is a step back; moving the picture is none.

/** @typedef {{layer?: string, at?: string, opacity?: string, dock?: string}} Place */

const NAMES = ["layer", "at", "opacity", "dock"];

/** What an address says. @param {string} address @returns {Place} */
export function placeOf(address) {
  const found = new URL(address).searchParams;
  return Object.fromEntries(NAMES.filter((name) => found.has(name)).map((name) => [name, found.get(name)]));
}

/** The address with other values; `undefined` leaves one out. @param {string} address @param {Place} changes */
export function withPlace(address, changes) {
  const there = new URL(address);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) there.searchParams.delete(name);
    else there.searchParams.set(name, value);
  }
  return there.href.replace(/%2C/g, ",").replace(/%3A/g, ":"); // both may stand in a query as they are
}

/** Where the picture is. @param {string | undefined} text @returns {{row: number, col: number, zoom: number} | null} */
export function readAt(text) {
  const numbers = (text || "").split(",").map(Number);
  if (!text || numbers.length !== 3 || !numbers.every(Number.isFinite)) return null;
  return { row: numbers[0], col: numbers[1], zoom: Math.max(-12, Math.min(6, numbers[2])) };
}

/** @param {number} row @param {number} col @param {number} zoom */
export const writeAt = (row, col, zoom) => [row.toFixed(1), col.toFixed(1), zoom.toFixed(2)].map((one) => String(Number(one))).join(",");

/** Put it into the address: as a step that Back takes back, or in place. @param {Place} changes @param {boolean} [step] */
export function noteAddress(changes, step = false) {
  const here = window.location.href, there = withPlace(here, changes);
  if (there === here) return;
  if (step) window.history.pushState(null, "", there);
  else window.history.replaceState(null, "", there);
}
