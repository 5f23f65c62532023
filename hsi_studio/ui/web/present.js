// @ts-check
// Presenting: the picture, the legend and one line of large figures fill the room; the panel is away. The key P and the
// button in the title line switch it, Escape ends it.

import { tell } from './component.js';

const CLASS = 'hsi-present';

export const presenting = () => document.body.classList.contains(CLASS);

/** @param {boolean} [on] */
export function present(on = !presenting()) {
  if (on === presenting()) return;
  document.body.classList.toggle(CLASS, on);
  tell('hsi:present', { on });
}
