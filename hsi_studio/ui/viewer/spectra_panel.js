// @ts-check
// What is compared in the plot of spectra: up to 12 pinned pixels and drawn regions, numbered alike in the picture, the
// form that all are shown in, and what the library has that is like the last pixel. The plot itself is spectrum.js; the
// figures come from spectra_routes.py. Nothing here is stored: pins belong to the page.

import { tell } from '../web/component.js';
import { button, make } from '../web/dom.js';
import { counted } from '../web/formats.js';
import { PIN_COLOURS } from './pins.js';

const MOST = 12;
const FORMS = [['values', 'As measured'], ['continuum', 'Continuum removed'], ['derivative', 'First derivative']];

/**
 * @param {HTMLElement} plot  the bar goes before it, the list behind it
 * @param {ReturnType<typeof import('../web/component.js').panel>['onPage']} onPage
 * @param {() => void} draw
 */
export function makeSpectra(plot, onPage, draw) {
  const bar = make('div', 'hsi-specbar'), chips = make('div', 'hsi-specpins'), shelf = make('div', 'hsi-specshelf'), said = make('p', 'hsi-hint');
  const form = /** @type {HTMLSelectElement} */ (make('select'));
  form.setAttribute('aria-label', 'Form of the spectra');
  form.replaceChildren(...FORMS.map(([id, title]) => new Option(title, id)));
  const pin = button('', 'Pin', 'Keep this pixel in the plot and number it in the picture', addPixel);
  const region = button('', 'Region', 'Draw a region: its mean and standard deviation', drawRegion);
  const like = button('', 'Look up', 'The spectra of the Earth library that are most like this pixel', lookUp);
  const csv = button('', 'CSV', 'Save the spectra of this pixel and the pinned ones', save);
  for (const one of [pin, region, like, csv]) /** @type {HTMLButtonElement} */ (one).type = 'button';
  bar.append(pin, region, form, like, csv);
  plot.before(bar);
  plot.after(chips, said, shelf);
  bar.hidden = said.hidden = true;

  let project = '', pixel = null, waiting = false, asked = 0, found = null, matches = null;
  /** @type {{at?: [number, number], outline?: [number, number][]}[]} one of the two */
  let kept = [];
  const isPixel = (one) => 'at' in one;
  const pixels = () => kept.filter(isPixel).map((one) => one.at);
  const mean = (values) => values.reduce((sum, v) => sum + v, 0) / values.length - 0.5;  // of corners, to a pixel's place
  const middle = (outline) => /** @type {[number, number]} */ ([mean(outline.map((c) => c[0])), mean(outline.map((c) => c[1]))]);
  const say = (text) => { said.textContent = text; said.hidden = !text; };

  async function ask(path, options) {
    const answer = await fetch(`/hsi/${path}`, {cache: 'no-store', ...options}).catch(() => null), body = answer && await answer.json().catch(() => null);
    if (!answer?.ok) throw new Error(typeof body?.detail === 'string' ? body.detail : 'The server did not answer: check that it runs.');
    return body;
  }
  async function refresh() {
    const mine = ++asked, own = form.value !== 'values' && pixel;
    show();
    tell('hsi:pins', {pins: kept.map((one) => (isPixel(one) ? one.at : middle(one.outline)))});
    if (!project || (!kept.length && !own)) { found = null; draw(); return; }
    const ordered = [...kept.filter(isPixel), ...kept.filter((one) => !isPixel(one))];
    try {
      const body = await ask(`spectra/${encodeURIComponent(project)}`, {
        method: 'POST', headers: {'Content-Type': 'application/json'},
        body: JSON.stringify({pixels: [...pixels(), ...(own ? [pixel] : [])], regions: ordered.filter((o) => !isPixel(o)).map((o) => o.outline), form: form.value}),
      });
      if (mine !== asked) return;
      const count = pixels().length, last = own ? body.lines.splice(count, 1)[0] : null;
      found = {...body, last, names: ordered.map((one) => (isPixel(one) ? `row ${one.at[0]}, column ${one.at[1]}` : 'region'))};
      say('');
    } catch (error) { if (mine === asked) { say(error.message); if (kept.length && !isPixel(kept.at(-1))) kept.pop(); } }
    draw();
  }
  function show() {
    kept = [...kept.filter(isPixel), ...kept.filter((one) => !isPixel(one))];  // pixels have the first numbers
    chips.replaceChildren(...kept.map((one, k) => {
      const chip = make('span', 'hsi-specpin'), dot = make('i', '', String(k + 1));
      dot.style.background = PIN_COLOURS[k];
      const what = isPixel(one) ? `${one.at[0]}, ${one.at[1]}` : 'region';
      chip.append(dot, what, button('', '×', `Take ${k + 1} out of the plot`, () => { kept.splice(k, 1); refresh(); }));
      return chip;
    }));
    bar.hidden = !pixel && !kept.length;
  }
  function full() {
    if (kept.length < MOST) return false;
    say(`${MOST} are compared already: take one out first.`);
    return true;
  }
  function addPixel() {
    if (!pixel || full() || pixels().some(([r, c]) => r === pixel[0] && c === pixel[1])) return;
    kept.push({at: pixel});
    refresh();
  }
  function drawRegion() {
    if (full()) return;
    waiting = true;
    tell('hsi:draw', {});
  }
  onPage('hsi:region', ({polygon}) => {
    if (!waiting) return;
    waiting = false;
    if (!polygon) return;
    kept.push({outline: polygon});
    refresh();
  });
  function save() {
    const all = [...pixels(), ...(pixel && !pixels().some(([r, c]) => r === pixel[0] && c === pixel[1]) && pixels().length < MOST ? [pixel] : [])];
    if (!all.length) { say('Pin a pixel first: regions are not in the table.'); return; }
    const link = document.createElement('a');
    link.href = `/hsi/spectra/${encodeURIComponent(project)}.csv?pixels=${all.map((one) => one.join(',')).join(';')}&form=${form.value}`;
    link.download = 'spectra.csv';
    link.click();
  }
  async function lookUp() {
    if (!pixel) return;
    const [row, col] = pixel;
    try {
      const body = await ask(`matches/${encodeURIComponent(project)}/${row}/${col}`);
      if (!pixel || pixel[0] !== row || pixel[1] !== col) return;
      matches = {...body, shown: -1};
      list();
      say('');
    } catch (error) { say(error.message); }
  }
  function list() {
    if (!matches) { shelf.replaceChildren(); return; }
    const head = make('strong', '', 'Most like this pixel'), rows = make('ol');
    rows.append(...matches.matches.map((one, k) => {
      const item = make('li'), name = button('', `${one.kind}${one.measured ? '' : ' (simulated)'}`, `${one.name}, ${one.source}: draw it in the plot`, () => {
        matches.shown = matches.shown === k ? -1 : k;
        list(); draw();
      });
      name.setAttribute('aria-pressed', String(matches.shown === k));
      item.append(name, make('b', '', `${one.angle.toFixed(1)}°`));
      return item;
    }));
    const words = `Spectral angle over ${counted(matches.bands, 'band')}; a drawn one is brought to the pixel's brightness. Earth library (C. Anderson, MIT). ${matches.note}`;
    shelf.replaceChildren(head, rows, make('p', 'hsi-hint', words.trim()));
  }
  form.addEventListener('change', refresh);
  onPage('hsi:pixel', (at) => {
    if (at.project !== project) { project = at.project; kept = []; found = null; }
    pixel = [at.row, at.col];
    matches = null;
    list();
    if (form.value !== 'values') refresh(); else show();
  });
  return {
    /** Whether all are shown in another form than measured. */
    changed: () => form.value !== 'values',
    unit: () => (form.value === 'values' || !found ? '' : found.unit),
    scene: () => found?.scene,
    /** What the plot draws besides: [{x, y, name, color, low?, high?, dash?}]. */
    lines() {
      const out = found ? found.lines.map((line, k) => ({...line, x: found.x, color: PIN_COLOURS[k], name: `${k + 1} · ${found.names[k]}${line.count ? ` (mean of ${line.count})` : ''}`})) : [];
      const like = matches?.matches[matches.shown];
      if (like && form.value === 'values') out.push({x: matches.x, y: like.y, name: `${like.kind}, ${like.angle}°`, color: '#8a8f98', dash: 'dash'});
      return out;
    },
    /** The last pixel in another form, or null. */
    last: () => (form.value !== 'values' && found?.last ? {x: found.x, y: found.last.y} : null),
  };
}
