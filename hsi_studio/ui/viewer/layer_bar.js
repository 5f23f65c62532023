// @ts-check
// The bar over the picture: every layer of the project. Of the maps one is shown, and one beside it; what is chosen here is
// the project's (studio/displayed_map.py), so accuracy, hover, legend and export are that map's. The picture under them and
// the answer to a question over them have rows of their own (plain_row.js).

import { button, make } from '../web/dom.js';
import { makePlainRow } from './plain_row.js';

const FEW = 30; // test pixels, below which a percentage says more than is known: "4 of 4", not "100.0"
const OTHER = '. These are other pixels than those of the map that is shown: ↔ compares both on the same';

/**
 * @typedef {{id: string, kind: string, title: string, ready: boolean, shown: "" | "left" | "right", oa: string, pixels: number, away: boolean, heat?: any}} Layer
 * @typedef {{layers: Layer[], job: import('./status.js').Job | null}} Answer
 * @typedef {{on: boolean, opacity: number}} Look
 */

/**
 * @param {HTMLElement} box
 * @param {object} page
 * @param {() => Promise<Answer>} page.list
 * @param {(wanted: {left?: string, right?: string}) => Promise<Answer>} page.choose
 * @param {(wanted: {left?: string, right?: string}) => void} page.chosen  another map is wanted now
 * @param {(job: Answer['job']) => void} page.job  the training that runs
 * @param {(text: string) => void} page.say
 * @param {{look: () => Look, tick: (on: boolean) => void, fade: (opacity: number) => void}} page.picture
 * @param {{look: (heat: any) => Look, tick: (heat: any, on: boolean) => void, fade: (opacity: number) => void, away: () => void}} page.query
 */
export function makeLayerBar(box, page) {
  /** @type {Layer[]} */
  let layers = [];
  let asked = 0, choosing = 0, inSight = '';
  const maps = make('span', 'hv-maps'), heatOf = () => layers.find((layer) => layer.kind === 'query')?.heat;
  maps.setAttribute('role', 'group');
  maps.setAttribute('aria-label', 'Maps');
  const picture = makePlainRow('picture', {slider: 'Opacity of the picture', tick: 'shown under the map, or not'}, page.picture);
  const query = makePlainRow('query', {
    slider: 'Opacity of the heat map', tick: 'its heat map is shown, or not', away: 'Take the heat map away',
  }, {tick: (on) => page.query.tick(heatOf(), on), fade: page.query.fade, away: page.query.away});
  box.append(picture.node, query.node, maps);

  /** Of several answers the last that was asked for counts. @param {() => Promise<Answer>} ask @param {boolean} aloud */
  async function take(ask, aloud) {
    const mine = ++asked;
    try {
      const body = await ask();
      if (mine !== asked) return false;
      layers = body.layers;
      page.job(body.job);
      render();
      return true;
    } catch (error) {
      if (aloud || !(error instanceof TypeError)) page.say(error.message);
      return false;
    }
  }

  /** What is chosen here. The list is not asked for meanwhile: it may be answered first, without the choice.
   * @param {{left?: string, right?: string}} wanted @param {boolean} here  by a press in the bar */
  async function choose(wanted, here) {
    choosing++;
    const taken = await take(() => page.choose(wanted), here).finally(() => choosing--);
    if (taken && here) page.chosen(wanted);
    return taken;
  }

  /** @param {Layer} layer */
  function chip(layer) {
    const group = make('span', 'hv-layer'), left = layer.shown === 'left', right = layer.shown === 'right';
    const here = layers.find((one) => one.shown === 'left'), other = Boolean(layer.oa && here?.oa && here !== layer && here.pixels !== layer.pixels);
    const words = layer.oa ? `${layer.title}: overall accuracy ${layer.oa} % on ${layer.pixels.toLocaleString('en-GB')} pixels${layer.away ? ' away from its labels' : ''}` : layer.title;
    const show = button('hv-layername', '', `Show ${words}${layer.ready ? '' : ' (it is made first)'}${other ? OTHER : ''}`, () => choose({left: layer.id}, true));
    const figure = layer.oa && layer.pixels < FEW ? `${Math.round(Number(layer.oa) / 100 * layer.pixels)} of ${layer.pixels}` : layer.oa;
    show.append(make('span', '', layer.title));
    show.setAttribute('aria-label', `Show ${[layer.title, figure].filter(Boolean).join(' ')}`);
    if (figure) show.append(' ', make('b', other ? 'hv-other' : '', figure)); // a figure of other pixels does not stand as its equal
    show.setAttribute('aria-pressed', String(left));
    group.append(show);
    if (!left) {
      const beside = button('hv-beside', '↔', right ? `Take ${layer.title} away from beside the map` : `Put ${layer.title} beside the map that is shown`, () => choose({right: right ? '' : layer.id}, true));
      beside.setAttribute('aria-pressed', String(right));
      group.append(beside);
    }
    return group;
  }

  /** The rows of the picture and the answer, which stay as elements: one of their sliders may be held just now. */
  function looks() {
    const title = (kind) => layers.find((layer) => layer.kind === kind)?.title || '';
    picture.show(title('picture'), page.picture.look());
    query.show(title('query'), page.query.look(heatOf()));
  }

  function render() {
    box.hidden = false; // from the start: one that came with the first map would move the picture under the pointer
    const at = box.scrollLeft, focused = document.activeElement?.closest?.('.hv-layer');
    const place = focused ? [...maps.querySelectorAll('.hv-layer')].indexOf(focused) : -1;
    const chips = layers.filter((layer) => layer.kind !== 'picture' && layer.kind !== 'query').map(chip);
    maps.replaceChildren(make('span', 'hv-layershead', 'Map'), ...chips);
    looks();
    box.scrollLeft = at;
    const now = layers.find((layer) => layer.shown === 'left')?.id || '';
    if (now !== inSight) { // what is newly shown is seen in the bar, too
      inSight = now;
      const chip = /** @type {HTMLElement | undefined} */ (maps.querySelector('.hv-layername[aria-pressed=true]')?.parentElement);
      if (chip && (chip.offsetLeft < at || chip.offsetLeft + chip.offsetWidth > at + box.clientWidth)) box.scrollLeft = chip.offsetLeft - 40;
    }
    if (place >= 0) /** @type {HTMLElement} */ (maps.querySelectorAll('.hv-layer')[place]?.firstElementChild)?.focus({preventScroll: true});
  }

  return {
    looks,
    /** Ask again: a run may have ended, a model may have come. */
    refresh() { if (!choosing) take(page.list, false); },
    /** The title of what is shown, "" = nothing. */
    shown: () => layers.find((layer) => layer.shown === 'left')?.title || '',
    /** Show a layer that the address names; false: it was not. @param {string} id */
    show: (id) => choose({left: id}, false),
    /** Another project: nothing of it is known yet. */
    clear() { asked++; layers = []; render(); },
  };
}
