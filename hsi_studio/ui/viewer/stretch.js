// @ts-check
// The stretch of the picture: a list, and behind "Adjust" sliders for the percentiles and gamma. A stretch is a short
// text, the one that stands in a tile's address (features/stretch.py): "2-98", "sigma", "equalise", "decorrelate", each
// with "g0.7" for a gamma.

import { make } from '../web/dom.js';

const LISTED = [
  ['2-98', '2–98 %'], ['1-99', '1–99 %'], ['5-95', '5–95 %'], ['0-100', 'Full range'], ['sigma', 'Mean ± 2 σ'],
  ['equalise', 'Equalised'], ['decorrelate', 'Decorrelated'],
];
const SENT_MS = 120;  // a slider that moves asks for a picture this often at most

/** @param {HTMLElement} select @param {(stretch: string) => void} choose */
export function makeStretch(select, choose) {
  const list = /** @type {HTMLSelectElement} */ (select);
  const button = /** @type {HTMLButtonElement} */ (make('button', 'hv-toggle', 'Adjust'));
  button.type = 'button';
  button.title = 'Percentiles and gamma of the stretch';
  button.setAttribute('aria-expanded', 'false');
  const panel = make('div', 'hv-adjust');
  panel.hidden = true;
  const low = slider('Dark end', 0, 49, 0.5, '%'), high = slider('Bright end', 51, 100, 0.5, '%'), gamma = slider('Gamma', 0.3, 3, 0.05, '');
  panel.append(low.row, high.row, gamma.row);
  const field = list.closest('label');
  field.after(button);
  list.closest('.hv-bar').after(panel);
  list.replaceChildren(...LISTED.map(([id, title]) => new Option(title, id)));
  let timer = 0;

  function slider(title, min, max, step, unit) {
    const row = make('label', 'hv-slider'), input = /** @type {HTMLInputElement} */ (make('input')), said = make('output');
    Object.assign(input, {type: 'range', min, max, step});
    input.setAttribute('aria-label', title);
    row.append(make('span', '', title), input, said);
    const tell = () => { said.textContent = `${Number(input.value).toFixed(unit ? 1 : 2)}${unit && ' '}${unit}`; };
    input.addEventListener('input', () => { tell(); clearTimeout(timer); timer = setTimeout(() => choose(text(input !== gamma.input)), SENT_MS); });
    return {row, input, set(value) { input.value = String(value); tell(); }};
  }
  /** @param {boolean} percent  whether the percentiles were moved */
  function text(percent) {
    const own = `${Number(low.input.value)}-${Number(high.input.value)}`, kind = list.value.split('g')[0];
    const base = percent || /^\d/.test(kind) ? own : list.value.replace(/g[\d.]+$/, '');
    const by = Number(gamma.input.value);
    return by === 1 ? base : `${base}g${by}`;
  }
  list.addEventListener('change', () => {
    const by = Number(gamma.input.value);
    choose(by === 1 ? list.value : `${list.value.replace(/g[\d.]+$/, '')}g${by}`);
  });
  button.addEventListener('click', () => {
    panel.hidden = !panel.hidden;
    button.setAttribute('aria-expanded', String(!panel.hidden));
    button.setAttribute('aria-pressed', String(!panel.hidden));
  });
  return {
    /** @param {string} stretch */
    show(stretch) {
      const [, base, by] = /^(.*?)(?:g([\d.]+))?$/.exec(stretch), percentiles = /^([\d.]+)-([\d.]+)$/.exec(base);
      for (const old of list.querySelectorAll('[data-own]')) old.remove();
      if (!LISTED.some(([id]) => id === base)) {
        const own = new Option(`${base.replace('-', '–')} %`, base);
        own.dataset.own = '1';
        list.append(own);
      }
      list.value = base;
      low.set(percentiles ? percentiles[1] : 2);
      high.set(percentiles ? percentiles[2] : 98);
      gamma.set(by || 1);
    },
  };
}
