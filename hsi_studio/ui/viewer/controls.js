// @ts-check
// Toolbar, legend, readout, progress and help of the viewer: plain DOM, all text through textContent.

import { button, dot, make } from '../web/dom.js';
import { counted, lengthText, niceLength, percent, remaining } from '../web/formats.js';
import { inkOn } from './colours.js';

const KINDS = {custom: 3, mnf: 3, grey: 1};  // pictures of numbered bands or components: how many

/**
 * @param {HTMLElement} root
 * @param {Record<string, (...values: any[]) => void>} actions
 */
export function makeControls(root, actions) {
  /** @type {Record<string, any>} */
  const parts = {};
  for (const node of root.querySelectorAll('[data-part]')) parts[/** @type {HTMLElement} */ (node).dataset.part] = node;
  let messageTimer = 0;

  parts.composite.addEventListener('change', () => { showBands(parts.composite.value); actions.composite(chosen()); });
  parts.bands.addEventListener('change', () => actions.composite(chosen()));
  parts.mapon.addEventListener('click', () => actions.toggleMap());
  parts.confon.addEventListener('click', () => actions.toggleConfidence());
  parts.mode.addEventListener('click', () => actions.toggleMode());
  parts.opacity.addEventListener('input', () => actions.opacity(parts.opacity.value / 100));
  parts.zoomin.addEventListener('click', () => actions.zoom(1));
  parts.zoomout.addEventListener('click', () => actions.zoom(-1));
  parts.fit.addEventListener('click', () => actions.fit());
  parts.helpbutton.addEventListener('click', () => help());
  parts.helpclose.addEventListener('click', () => help(false));
  parts.next.addEventListener('click', () => actions.next());
  parts.goto.addEventListener('submit', (event) => { event.preventDefault(); actions.goto(parts.row.value, parts.col.value); });
  parts.help.addEventListener('keydown', (event) => { if (event.key === 'Escape') help(false); });

  function help(open = parts.help.hidden) {
    parts.help.hidden = !open;
    parts.helpbutton.setAttribute('aria-expanded', String(open));
    if (open) parts.helpclose.focus(); else parts.stage.focus({preventScroll: true});
  }

  function chosen() {
    const kind = parts.composite.value.split(':')[0];
    if (!KINDS[kind]) return parts.composite.value;
    const numbers = [...parts.bands.querySelectorAll('input')].slice(0, KINDS[kind]).map((i) => Number(i.value));
    return numbers.every((n) => Number.isFinite(n) && n > 0) ? `${kind}:${numbers.join(',')}` : parts.composite.value;
  }

  function showBands(id) {
    const [kind, text] = id.split(':');
    const one = KINDS[kind] === 1;
    parts.bands.hidden = !KINDS[kind];
    if (!KINDS[kind]) return;
    const values = text.split(',');
    [...parts.bands.querySelectorAll('label')].forEach((label, i) => {
      label.hidden = one && i > 0;
      label.querySelector('span').textContent = one ? 'Band' : 'RGB'[i];
      if (values[i]) label.querySelector('input').value = values[i];
    });
  }

  return {
    parts, help, showBands,
    composites(list, current) {
      const kind = current.split(':')[0];
      parts.composite.replaceChildren(...list.map((entry) => {
        const same = entry.id === current || (entry.id.includes(':') && entry.id.split(':')[0] === kind);
        const option = new Option(entry.available ? entry.title : `${entry.title} – not available`, same ? current : entry.id, same, same);
        option.disabled = !entry.available;
        if (entry.why) option.title = entry.why;
        return option;
      }));
      const entry = list.find((e) => e.id === current);
      parts.composite.title = entry?.why || '';
      showBands(current);
    },
    layer(layer, hasMap, hasConfidence) {
      parts.mapon.setAttribute('aria-pressed', String(layer.on));
      parts.confon.setAttribute('aria-pressed', String(layer.confidence));
      parts.mapon.disabled = parts.opacity.disabled = !hasMap;
      parts.confon.disabled = !hasMap || !hasConfidence;
      parts.opacity.value = Math.round(layer.opacity * 100);
      parts.opacity.setAttribute('aria-valuetext', `${Math.round(layer.opacity * 100)} percent`);
    },
    mode(labelling) {
      parts.mode.setAttribute('aria-pressed', String(labelling));
      parts.mode.title = labelling ? 'A click labels a pixel (L switches to looking only)' : 'A click only shows the spectrum (L switches to labelling)';
      root.classList.toggle('hv-looking', !labelling);
    },
    state({empty, hint}) {
      parts.empty.hidden = !empty;
      parts.emptytext.textContent = empty || '';
      parts.hint.hidden = !hint;
      parts.hint.textContent = hint || '';
    },
    progress(progress) {
      parts.progress.hidden = !progress;
      if (!progress) return;
      const fraction = progress.fraction;
      parts.progressfill.style.width = fraction == null ? '35%' : `${(fraction * 100).toFixed(1)}%`;
      parts.progress.classList.toggle('hv-unknown', fraction == null);
      parts.progresstext.textContent = [progress.text, fraction == null ? '' : percent(fraction), remaining(progress.seconds_left)].filter(Boolean).join(' · ');
    },
    message(text, kind = 'error') {
      clearTimeout(messageTimer);
      parts.message.hidden = !text;
      parts.message.dataset.kind = kind;
      parts.message.textContent = text || '';
      if (text) messageTimer = setTimeout(() => { parts.message.hidden = true; }, 7000);
    },
    readout(items) {
      parts.readout.replaceChildren(...items.map(({text, color, quiet}) => {
        const node = make('span', quiet ? 'hv-quiet' : '');
        if (color) node.append(dot(color, 'i', 'hv-dot'));
        node.append(text);
        return node;
      }));
    },
    say(text) { parts.live.textContent = text; },
    /** `own`: how many of the classes are the project's, the first ones; `amount`: of a class in the map that is shown, "" = no map. */
    legend(classes, own, counts, amount, active, solo, wanted) {
      parts.legend.hidden = !wanted || !classes.length;
      parts.legendlist.replaceChildren(...classes.map((info, k) => {
        const hint = k < own ? `Label with ${info.name}: ${counts[k] || 0} labels` : `${info.name}: a class of this map alone`;
        const item = make('li'), pick = button('hv-pick', '', hint, () => actions.choose(info.id)), alone = solo === info.id;
        pick.disabled = k >= own;
        const only = button('hv-solo', '◉', alone ? 'Show all classes again' : `Show ${info.name} alone`, () => actions.solo(alone ? '' : info.id));
        only.setAttribute('aria-pressed', String(alone));
        const number = dot(info.color, 'i', 'hv-dot'), name = make('span', '', info.name);
        number.style.color = inkOn(info.color);
        number.textContent = k < own ? String(k + 1) : '';
        name.title = info.name;
        pick.append(number, name, make('b', '', amount(info.id) || (k < own ? counted(counts[k] || 0, 'label') : '')));
        item.append(pick, only);
        item.classList.toggle('hv-out', Boolean(solo) && !alone);
        if (info.id === active) item.setAttribute('aria-current', 'true');
        return item;
      }));
    },
    active(info) {
      parts.activename.textContent = info ? info.name : 'No class';
      parts.activedot.style.background = info ? info.color : 'transparent';
      parts.active.hidden = !info;
    },
    scalebar(cssPerMetre) {
      parts.scale.hidden = !cssPerMetre;
      if (!cssPerMetre) return;
      const metres = niceLength(120 / cssPerMetre);
      parts.scale.style.width = `${metres * cssPerMetre}px`;
      parts.scale.textContent = lengthText(metres);
    },
  };
}
