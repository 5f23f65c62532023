// @ts-check
// A row of the bar for a layer that is no map: the picture under the maps, the answer to a question over them. A tick
// shows and hides it, a slider says how much of it is seen; both are this page's alone, the map that is measured stays.

import { button, make } from '../web/dom.js';

/**
 * @param {string} kind  a class of its own
 * @param {{slider: string, tick: string, away?: string}} words  what the controls are for
 * @param {{tick: (on: boolean) => void, fade: (opacity: number) => void, away?: () => void}} actions
 */
export function makePlainRow(kind, words, actions) {
  const node = make('span', `hv-plain hv-plain-${kind}`), label = make('label'), tick = make('input'), name = make('span'), slider = make('input');
  tick.type = 'checkbox';
  tick.addEventListener('change', () => actions.tick(tick.checked));
  Object.assign(slider, {type: 'range', min: '0', max: '100', className: 'hv-fade', title: words.slider});
  slider.setAttribute('aria-label', words.slider);
  slider.addEventListener('input', () => { tell(Number(slider.value)); actions.fade(Number(slider.value) / 100); });
  label.append(tick, name);
  node.append(label, slider);
  if (words.away) node.append(button('hv-away', '×', words.away, () => actions.away?.()));
  node.hidden = true;

  /** @param {number} percent */
  function tell(percent) { slider.setAttribute('aria-valuetext', `${percent} percent`); }

  return {
    node,
    /** @param {string} title  "" = there is no such layer now @param {{on: boolean, opacity: number}} look */
    show(title, {on, opacity}) {
      node.hidden = !title;
      name.textContent = title;
      label.title = `${title}: ${words.tick}`;
      tick.checked = on;
      const percent = Math.round(opacity * 100);
      if (Number(slider.value) !== percent) slider.value = String(percent);
      tell(percent);
    },
  };
}
