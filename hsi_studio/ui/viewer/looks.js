// @ts-check
// Pictures that are measured: the list of spectral indices, the slider of a single band, the bar that says what a colour
// means, and the value under the pointer. Bands and indices of a scene come from /hsi/spectral, once a scene and only
// when they are needed; the bar from /hsi/look; values from /hsi/value (tile_routes.py).

import { make } from '../web/dom.js';

const ASK_MS = 60;  // the pointer has to rest this long before a value is asked for
const MEASURED = /^(index:|height$|above$|slope$)/;
const DOMAINS = {vegetation: 'Vegetation', water: 'Water', soil: 'Soil', urban: 'Built-up', burn: 'Burned', snow: 'Snow', clouds: 'Clouds'};

/** With a real minus. @param {number} value @param {number} [digits] */
export const short = (value, digits = 4) => String(Number(value.toPrecision(digits))).replace('-', '−');

/**
 * @param {HTMLElement} root
 * @param {string} base
 * @param {{scene: () => any, choose: (composite: string) => void, again: () => void, say: (text: string) => void}} page
 */
export function makeLooks(root, base, page) {
  const after = root.querySelector('[data-part=bands]'), frame = /** @type {HTMLElement} */ (root.querySelector('.hv-frame'));
  const band = /** @type {HTMLInputElement} */ (make('input', 'hv-bandslider')), index = /** @type {HTMLSelectElement} */ (make('select', 'hv-index'));
  Object.assign(band, {type: 'range', min: 0, step: 1, hidden: true, title: 'Band; ← and → go to the next one'});
  band.setAttribute('aria-label', 'Band');
  index.hidden = true;
  index.setAttribute('aria-label', 'Spectral index');
  after.after(band, index);
  const bar = make('div', 'hv-colourbar');
  bar.hidden = true;
  frame.append(bar);
  new ResizeObserver(() => {  // legend and scale stand above it (viewer.css)
    frame.style.setProperty('--hv-colourbar', bar.offsetHeight ? `${bar.offsetHeight + 6}px` : '0px');
  }).observe(bar);
  let facts = null, composite = '', shown = '', unit = '', barAt = 0, timer = 0;
  /** @type {{key: string, text: string}} */
  let known = {key: '', text: ''};
  /** @type {{key: string, text: string}} */
  let raised = {key: '', text: ''};  // the height, whatever the picture shows

  const where = (...parts) => [base, ...parts.map((part) => encodeURIComponent(part))].join('/');
  async function ask(...parts) {
    const answer = await fetch(where(...parts)).catch(() => null), body = answer && await answer.json().catch(() => null);
    if (!answer?.ok) throw new Error(body?.detail || 'The server did not answer: check that it runs.');
    return body;
  }
  async function spectral() {
    const scene = page.scene();
    if (facts?.id === scene.id) return facts;
    const found = await ask('spectral', scene.id);
    facts = {id: scene.id, ...found, usable: found.good.flatMap((good, k) => (good ? [k] : []))};
    facts.usable.sort((a, b) => facts.axis[a] - facts.axis[b]);
    return facts;
  }
  const nearest = (value) => facts.usable.reduce((best, k, at) => (Math.abs(facts.axis[k] - value) < Math.abs(facts.axis[facts.usable[best]] - value) ? at : best), 0);
  const bandText = (at) => { const k = facts.usable[at]; return facts.unit ? `band ${k + 1}, ${facts.axis[k]} ${facts.unit}` : `band ${k + 1}`; };

  band.addEventListener('input', () => {
    band.setAttribute('aria-valuetext', bandText(Number(band.value)));
    clearTimeout(timer);
    timer = setTimeout(() => page.choose(`grey:${facts.axis[facts.usable[Number(band.value)]]}`), 80);
  });
  index.addEventListener('change', () => page.choose(`index:${index.value}`));

  async function fill(kind, name) {
    await spectral();
    if (kind === 'grey') {
      band.max = String(facts.usable.length - 1);
      const at = nearest(Number(name));
      band.value = String(at);
      band.setAttribute('aria-valuetext', bandText(at));
    }
    if (kind !== 'index') return;
    if (index.dataset.scene !== facts.id) {
      index.dataset.scene = facts.id;
      const groups = new Map();
      for (const one of facts.indices) {
        if (!groups.has(one.domain)) groups.set(one.domain, make('optgroup'));
        const option = new Option(`${one.name} · ${one.title}`, one.name);
        groups.get(one.domain).append(option);
      }
      for (const [domain, group] of groups) group.label = DOMAINS[domain] || domain;
      index.replaceChildren(...groups.values());
    }
    index.value = name;
    index.title = facts.indices.find((one) => one.name === name)?.formula || '';
  }

  async function colourBar(stretch) {
    const mine = ++barAt, scene = page.scene();
    bar.hidden = true;
    if (!MEASURED.test(composite)) return;
    const said = await ask('look', scene.id, composite, stretch);
    if (mine !== barAt) return;
    unit = said.unit;
    const head = make('div', 'hv-barhead', said.unit ? `${said.title}, ${said.unit}` : said.title), strip = make('div', 'hv-barstrip'), ends = make('div', 'hv-barends');
    head.title = head.textContent;
    strip.style.background = `linear-gradient(to right, ${said.colors.join(', ')})`;
    strip.setAttribute('role', 'img');
    strip.setAttribute('aria-label', `Colours from ${short(said.ticks[0])} to ${short(said.ticks.at(-1))} ${said.unit}`);
    ends.append(...said.ticks.map((tick) => make('span', '', short(tick, 3))));
    const one = facts?.indices.find((i) => `index:${i.name}` === composite);
    const words = [];
    if (one) words.push(one.formula, one.bands + (one.constants ? `; ${one.constants}` : ''));
    if (said.note) words.push(said.note);
    bar.replaceChildren(head, strip, ends, ...words.map((text) => make('p', '', text)));
    bar.hidden = false;
  }

  return {
    setScene() { facts = null; known = {key: '', text: ''}; bar.hidden = band.hidden = index.hidden = true; index.replaceChildren(); delete index.dataset.scene; },
    /** @param {string} id @param {string} stretch */
    async show(id, stretch) {
      const fresh = id.split(':')[0] !== composite.split(':')[0];
      composite = id; unit = '';
      const key = `${page.scene().id} ${id} ${stretch}`;
      if (key === shown && bar.hidden === !MEASURED.test(id)) return;
      shown = key;
      known = {key: '', text: ''};
      const [kind, name] = id.split(':');
      band.hidden = kind !== 'grey';
      index.hidden = kind !== 'index';
      try {
        if (kind === 'grey' || kind === 'index') await fill(kind, name);
        if (kind === 'grey' && fresh && root.contains(document.activeElement)) band.focus({preventScroll: true});
        await colourBar(stretch);
      } catch (error) { page.say(error.message); }
    },
    /** The value under the pointer in words, "" until it is known. @param {number} row @param {number} col */
    at(row, col) { return [measured(row, col), height(row, col)].filter(Boolean).join(', '); },
  };

  /** @param {number} row @param {number} col */
  function height(row, col) {
    const scene = page.scene();
    if (!scene || composite === 'height' || !scene.composites.some((one) => one.id === 'height' && one.available)) return '';
    const key = `${scene.id} ${row} ${col}`;
    if (raised.key === key) return raised.text;
    raised = {key, text: ''};
    setTimeout(async () => {
      if (raised.key !== key) return;
      const said = await ask('value', scene.id, 'height', row, col).catch(() => null), value = said?.values[0];
      if (value == null || raised.key !== key) return;
      raised.text = `height ${short(value)} m`;
      page.again();
    }, ASK_MS);
    return '';
  }

  /** @param {number} row @param {number} col */
  function measured(row, col) {
    const scene = page.scene(), grey = composite.startsWith('grey:');
    if (!scene || (!grey && !MEASURED.test(composite))) return '';
    const key = `${scene.id} ${composite} ${row} ${col}`;
    if (known.key === key) return known.text;
    known = {key, text: ''};
    setTimeout(async () => {
      if (known.key !== key) return;
      const said = await ask('value', scene.id, composite, row, col).catch(() => null);
      if (!said || known.key !== key) return;
      const value = said.values[0];
      const label = {height: 'height', above: 'above ground', slope: 'slope'}[composite] || (grey ? 'value' : composite.replace('index:', ''));
      known.text = value === null ? `${label}: no value` : `${label} ${short(value)}${unit && ' '}${unit}`;
      page.again();
    }, ASK_MS);
    return '';
  }
}
