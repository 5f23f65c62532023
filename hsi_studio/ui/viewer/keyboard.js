// @ts-check
// Keys of the picture. They work wherever the focus is, but for where one types or where a control has the key for itself;
// viewer.html lists them for the user.

import { TYPING } from '../web/dom.js';

const ARROWS = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]};
const CONTROL = 'a, button, summary, input, [role=tab], [role=slider], [role=button], [role=radio], [role=option], [tabindex]';

/**
 * Whose a key is: the picture's alone ("picture"), the picture's unless a control uses it ("page"), not ours ("other").
 * @param {Element | null} target  what has the focus
 * @param {Element} stage
 */
export function whoseKey(target, stage) {
  if (target === stage) return 'picture';
  if (target?.closest(TYPING)) return 'other';
  return target?.closest(CONTROL) ? 'page' : 'picture';
}

/**
 * @param {HTMLElement} stage
 * @param {object} actions
 * @param {(rows: number, cols: number) => void} actions.step  move the crosshair
 * @param {(key: number) => void} actions.choose  a class by its key
 * @param {() => void} actions.undo
 * @param {() => void} actions.redo
 * @param {Record<string, () => void>} actions.keys  what the other keys do, letters in lower case
 */
export function listenToKeys(stage, {step, choose, undo, redo, keys}) {
  /** @param {KeyboardEvent} event */
  function pressed(event) {
    if (!stage.isConnected) { document.removeEventListener('keydown', pressed); return; }
    if (event.altKey || event.defaultPrevented || !stage.clientWidth) return;
    const whose = whoseKey(/** @type {Element} */ (event.target), stage), alone = whose === 'picture';
    if (whose === 'other') return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    let done = true;
    if (event.ctrlKey || event.metaKey) {
      if (key === 'z') { if (event.shiftKey) redo(); else undo(); } else if (key === 'y') redo(); else done = false;
    } else if (key in ARROWS && alone) {
      const by = event.shiftKey ? 10 : 1;
      step(ARROWS[key][0] * by, ARROWS[key][1] * by);
    } else if (/^[1-9]$/.test(key)) choose(Number(key));
    else if (key in keys && (alone || key === 'Escape' || (key.length === 1 && key !== ' '))) keys[key]();
    else done = false;
    if (done) { event.preventDefault(); event.stopPropagation(); }
  }
  document.addEventListener('keydown', pressed);
}
