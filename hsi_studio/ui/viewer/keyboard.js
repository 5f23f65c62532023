// @ts-check
// Keys in the picture, only while it has the focus. viewer.html lists them for the user.

const ARROWS = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]};

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
  stage.addEventListener('keydown', (event) => {
    if (event.target !== stage || event.altKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    let done = true;
    if (event.ctrlKey || event.metaKey) {
      if (key === 'z') { if (event.shiftKey) redo(); else undo(); } else if (key === 'y') redo(); else done = false;
    } else if (key in ARROWS) {
      const by = event.shiftKey ? 10 : 1;
      step(ARROWS[key][0] * by, ARROWS[key][1] * by);
    } else if (/^[1-9]$/.test(key)) choose(Number(key));
    else if (key in keys) keys[key]();
    else done = false;
    if (done) { event.preventDefault(); event.stopPropagation(); }
  });
}
