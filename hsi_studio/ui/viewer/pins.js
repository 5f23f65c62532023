// @ts-check
// The pixels and regions that are compared in the plot of spectra, as numbered discs in the picture; the plot has the same numbers and
// colours ('hsi:pins', from spectra_panel.js).

import { make } from '../web/dom.js';
import { inkOn } from './colours.js';

/** One a pin; told apart without colour vision by their numbers. */
export const PIN_COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#8c564b', '#7f3fbf', '#b5bd00', '#e31a1c', '#17becf', '#595959'];

/**
 * @param {ReturnType<typeof import('../web/component.js').panel>} component
 * @param {import('./pane.js').Pane} pane
 */
export function makePins({root, onPage}, pane) {
  const frame = root.querySelector('.hv-frame'), layer = make('div', 'hv-pins');
  layer.setAttribute('aria-hidden', 'true');
  frame.append(layer);
  /** @type {[number, number][]} */
  let pins = [];

  function paint() {
    const {scale, x0, y0} = pane.place();
    pins.forEach(([row, col], k) => {
      /** @type {HTMLElement} */ (layer.children[k]).style.transform = `translate(${(x0 + (col + 0.5) * scale).toFixed(1)}px, ${(y0 + (row + 0.5) * scale).toFixed(1)}px)`;
    });
  }
  onPage('hsi:pins', (wanted) => {
    pins = wanted.pins;
    layer.replaceChildren(...pins.map((_, k) => {
      const disc = make('i', '', String(k + 1));
      disc.style.background = PIN_COLOURS[k];
      disc.style.color = inkOn(PIN_COLOURS[k]);
      return disc;
    }));
    paint();
  });
  return {paint};
}
