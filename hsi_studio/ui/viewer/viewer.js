// @ts-check
// The viewer: one scene, its class map and its labels. The messages to and from Python are described in component.py.
//
// Pixels: column c, row r; the scene's corner (0, 0) is Leaflet's latlng (0, 0) and latlng (−r, c) is the corner
// of pixel (r, c). A value never re-creates the map: zoom and position survive everything but another scene.

import { panel, tell } from '../web/component.js';
import { noteAddress, placeOf, readAt, writeAt } from '../web/address.js';
import { loadSheet } from '../web/dom.js';
import { areaText } from '../web/formats.js';
import { present, presenting } from '../web/present.js';
import { makeControls } from './controls.js';
import { makeHeat } from './heat.js';
import { listenToKeys } from './keyboard.js';
import { makeLabelling } from './labelling.js';
import { makeLabels } from './labels.js';
import { makeLayerBar } from './layer_bar.js';
import { frameOn, leaflet } from './leaflet.js';
import { makeLooks } from './looks.js';
import { makeMapFeed } from './map_feed.js';
import { makePane, partsOf } from './pane.js';
import { makePins } from './pins.js';
import { makeRaster } from './raster.js';
import { makeNextPlace } from './next_place.js';
import { makeReadout } from './readout.js';
import { makeRegion } from './region.js';
import { makeServer } from './server.js';
import { makeStretch } from './stretch.js';
import { makeSwipe } from './swipe.js';

const WIDE = 600;  // pixels of a picture that has room for an open legend while presenting

/** @param {import('../web/component.js').Gradio} gradio */
export async function mount(gradio) {
  const component = panel(gradio, '.hsi-viewer'), {root} = component, part = partsOf(root);
  const style = loadSheet(new URL('viewer.css', import.meta.url).href, 'The style of the picture could not be loaded: reload the page.');
  try {
    const [L] = await Promise.all([leaflet(component.props.base || '/hsi'), style]);
    root.hidden = false;
    start(component, L);
  } catch (error) {
    console.error(error);
    root.hidden = part('empty').hidden = false;
    part('emptytext').textContent = error.message;
  }
}

/** @param {ReturnType<typeof panel>} component @param {any} L */
function start(component, L) {
  const {element, props, trigger, readValue, onValue, onPage} = component;
  const root = /** @type {any} */ (component.root), part = partsOf(root), base = props.base || '/hsi';
  const block = /** @type {any} */ (element.closest('[id^="hsi-"], .block') || element);
  const stage = part('stage'), map = frameOn(L, stage);
  let scene = null, project = null, classes = [], active = '', fitted = false, painted = false;
  let solo = '', composite = '', stretch = '2-98', lastMessage = '';

  function mark(name, value) { for (const node of [root, block]) { if (value == null) delete node.dataset[name]; else node.dataset[name] = value; } }

  let working = false;  // a training runs
  const pane = makePane(map, stage, () => scene);
  const canvas = (name) => /** @type {HTMLCanvasElement} */ (part(name));
  const say = (text, kind = 'error') => controls.message(text, kind);
  const raster = makeRaster(canvas('picture'), pane, ({complete}) => {
    const now = complete && fitted;
    if (now !== painted) { painted = now; mark('ready', now ? '1' : null); }
  }, async (url) => {  // a picture the server refuses: say why
    const answer = await fetch(url).catch(() => null), body = answer && await answer.json().catch(() => null);
    say(body?.detail || 'The picture could not be loaded: check the connection to the server.');
  });
  const swipe = makeSwipe(root, pane, () => readout.again());
  const heat = makeHeat(component, pane, {
    close: (query) => trigger('heat_off', {query}),
    changed: () => bar.looks(),
    fit: () => fit(),
    map: (on) => setLayer({on}),
    mapOn: () => raster.layer.on,
    message: say,
    go: ([row, col, h, w]) => {
      const pad = 0.6 * Math.max(h, w, 12);
      map.fitBounds([[-(row + h + pad), col - pad], [-(row - pad), col + w + pad]], {animate: false, maxZoom: 3});
    },
  });
  const pins = makePins(component, pane);
  const region = makeRegion(component, pane, stage, map, say);
  const server = makeServer(base, {
    alive: () => root.isConnected,
    project: () => project,
    say,
    lost: (numbers) => refuse(numbers),
    turned: () => trigger('sync', {}),  // the server went, or is back: Gradio loads the page again when it was restarted
  });
  const bar = makeLayerBar(part('layers'), {list: () => server.layers(), choose: (wanted) => server.layers(wanted), chosen: (wanted) => { noteChoice(wanted.left); server.follow(); }, job: (job) => { tell('hsi:status', {job}); working = Boolean(job); }, say,
    picture: {
      look: () => raster.under,
      tick(on) { setUnder({on}); say(on ? '' : 'The picture is hidden: its tick in the bar above shows it again.', 'hint'); },
      fade: (opacity) => setUnder({opacity, on: true}),
    },
    query: {
      look: heat.look, fade: heat.fade, away: () => trigger('heat_off', {query: true}),
      tick(value, on) {
        if (heat.blind()) { say('No answer is shown while you label random pixels.', 'hint'); bar.looks(); } else heat.turn(value, on);
      },
    },
  });
  onPage('hsi:seen', () => { if (project) bar.refresh(); });
  (function lookForMaps() {  // a run that ended changes what can be shown, not what is
    if (project && !document.hidden) bar.refresh();
    if (root.isConnected) setTimeout(lookForMaps, working ? 2000 : 8000);
  })();
  const labels = makeLabels(canvas('markers'), pane, (count) => { mark('pending', String(count)); tell('hsi:status', {pending: count}); });
  const controls = makeControls(root, {
    composite(id) { composite = id; showComposite(true); },
    toggleMap, toggleConfidence,
    toggleMode: () => labelling.toggle(),
    opacity(value) { setOpacity(value, heat.blind() ? {} : {on: true}); },
    zoom, fit, choose, solo(id) { solo = id; raster.setSolo(id); mirror(); showClasses(); },
    next: () => nextPlace(),
    goto(row, col) { if (row !== '' && col !== '') { labelling.moveTo(Number(row), Number(col)); stage.focus({preventScroll: true}); } },
  });
  part('legend').addEventListener('toggle', () => showClasses());
  const show = (id) => { composite = id; showComposite(true); };
  const adjust = makeStretch(part('stretch'), (wanted) => { stretch = wanted; showComposite(true); });
  const looks = makeLooks(root, base, {scene: () => scene, choose: show, again: () => readout.again(), say});
  onPage('hsi:band', ({value}) => { if (scene) show(`grey:${value}`); });  // a band clicked in the plot of spectra
  const feed = makeMapFeed(raster, pane, {
    painted(rev) { mark('mapRev', String(rev)); showState(); showClasses(); },
    done: () => readout.again(),
    gone: () => { mark('mapRev', null); showClasses(); },
    say,
  });
  const known = () => [...classes, ...feed.extra(), ...swipe.extra()];  // classes of a model come after the project's
  const nameOf = (id) => known().find((c) => c.id === id);
  const readout = makeReadout(pane, {labels, raster, swipe, controls, looks, classes: () => classes, nameOf, blind: heat.blind});
  /** @param {(number | null)[]} numbers  of acts that were not taken: the line below the picture no longer speaks of their labels */
  function refuse(numbers) { numbers.forEach((number) => labels.refuse(number)); readout.again(); }
  const labelling = makeLabelling(pane, map, {
    labels, server, readout, controls, active: () => active, ask: () => trigger('sync', {}), next: advance, blind: heat.blind,
  });
  const nextPlace = makeNextPlace({project: () => project, ask: server.next, go: (row, col) => { labelling.moveTo(row, col); stage.focus({preventScroll: true}); }, blind: heat.blind, say});

  // Each map has an opacity of its own, once it was given one; both sides of the swipe line too.
  const opacities = new Map();
  let kind = '', besideKind = '', going = '';  // `going`: the layer that was chosen, or that Back or Forward asked for, until it is there
  function setOpacity(value, more) {
    if (kind) opacities.set(kind, value);
    setLayer({opacity: value, ...more});
    note();
  }

  // ── the page's address: web/address.js ───────────────────────────────────────────────────────
  let asked = placeOf(window.location.href), whole = '', last = '', noteTimer = 0, settled = false;  // what it asks for, until that is done
  const here = () => { const {lat, lng} = map.getCenter(); return writeAt(-lat, lng, map.getZoom()); };
  function note() {
    if (!settled) return;
    clearTimeout(noteTimer);
    noteTimer = setTimeout(() => {
      if (!scene || !root.isConnected) return;
      const at = here(), opacity = String(Math.round(100 * raster.layer.opacity));
      noteAddress({at: at === whole ? undefined : at, opacity: opacity === '60' ? undefined : opacity});
    }, 400);
  }
  /** Another map is shown. */
  function noteLayer() {
    if (settled && !asked.layer && !going && kind) noteAddress({layer: kind});
  }
  /** One was chosen in the bar: a step that Back takes back. Noted before its pixels are there: a reload meanwhile shows it too.
   * @param {string | undefined} layer */
  function noteChoice(layer) {
    if (!settled || !layer) return;
    noteAddress({layer}, placeOf(window.location.href).layer !== undefined);
    goingTo(layer);
  }
  /** @param {string} layer */
  function notGoing(layer) { if (going === layer) going = ''; }
  /** @param {string} layer */
  function goingTo(layer) {
    going = layer;
    setTimeout(() => notGoing(layer), 20_000);  // it is gone, or takes long to make
  }
  /** @param {import('../web/address.js').Place} place */
  function goTo({at, opacity, layer}) {
    const place = readAt(at), part = Number(opacity);
    if (place && scene) map.setView([-place.row, place.col], place.zoom, {animate: false});
    if (!opacity || !(part >= 0 && part <= 100)) return;
    if (layer && layer !== kind) opacities.set(layer, part / 100);  // of the map that comes
    else setOpacity(part / 100);
  }
  /** The layer that the address asks for. */
  function goToLayer() {
    const wanted = asked.layer;
    asked = {};
    if (!wanted || wanted === (going || kind || 'live')) { noteLayer(); return; }
    goingTo(wanted);
    bar.show(wanted).then((taken) => { if (taken) server.follow(); else notGoing(wanted); });
  }
  window.addEventListener('popstate', () => {
    clearTimeout(noteTimer);
    asked = placeOf(window.location.href);
    if (!asked.at) fit();
    goTo({opacity: '60', ...asked});
    goToLayer();
  });

  // ── where the picture is ─────────────────────────────────────────────────────────────────────
  root.__toClient = block.__toClient = /** @type {any} */ (element).__toClient = pane.toClient;
  root.__zoom = block.__zoom = () => ({zoom: map.getZoom(), center: map.getCenter(), ...pane.place()});

  function fit() {
    if (!scene) return;
    map.invalidateSize({animate: false, pan: false});
    if (!stage.clientWidth || !stage.clientHeight) { fitted = false; return; }
    map.fitBounds([[-scene.h, 0], [0, scene.w]], {animate: false, padding: [6, 6]});
    fitted = true;
    whole = here();
    moved();
    if (!settled && project) { settled = true; goTo(asked); }
  }
  function zoom(by) { map.setZoom(map.getZoom() + by); }
  // So near that a point of the screen is one pixel of the scene at most; round the pointer, else the crosshair.
  function toPixels() {
    if (!scene) return;
    const at = labels.hover() || labels.cross() || pane.middle();
    map.setView([-(at.row + 0.5), at.col + 0.5], Math.max(0, Math.ceil(map.getZoom())), {animate: false});
  }
  function moved() {
    last = here();
    for (const layer of [raster, swipe, heat, region, pins]) layer.paint();
    labels.draw();
    controls.scalebar(scene?.along_m ? 2 ** map.getZoom() / scene.along_m : 0);
    note();
  }
  map.on('move zoom viewreset', moved);
  new ResizeObserver(() => {
    if (!stage.clientWidth) return;
    const all = last === whole;  // the whole scene stays whole
    map.invalidateSize({animate: false, pan: false});
    if (scene && (!fitted || all)) fit(); else moved();
  }).observe(stage);
  (function watchRatio() {
    matchMedia(`(resolution: ${pane.dpr()}dppx)`).addEventListener('change', () => { moved(); watchRatio(); }, {once: true});
  })();

  // ── the chosen class ─────────────────────────────────────────────────────────────────────────
  function choose(id) {
    if (!id || id === active) return;
    active = id;
    showClasses();
    tell('hsi:active', {id, from: root});
  }
  onPage('hsi:active', ({id, from}) => {  // chosen in the class list: the very next click must know
    if (from === root || id === active) return;
    active = id;
    showClasses();
  });
  let enough = 0;  // labels of a class, after which the next one is chosen; 0 = never
  onPage('hsi:advance', ({after}) => { enough = after; });
  /** @param {string} id  the class that has just got a label */
  function advance(id) {
    if (!enough || labels.countOf(id) !== enough) return;
    const from = classes.findIndex((c) => c.id === id), turn = [...classes.slice(from + 1), ...classes.slice(0, from)];
    const next = turn.find((c) => labels.countOf(c.id) < enough);
    if (next) { choose(next.id); say(`${enough} labels. Next: ${next.name}.`, 'hint'); }
    else say(`Every class has ${enough} labels.`, 'hint');
  }
  onPage('hsi:follow', () => server.follow());
  const openLegend = () => { /** @type {HTMLDetailsElement} */ (part('legend')).open = presenting() && root.clientWidth >= WIDE; };
  onPage('hsi:present', () => { openLegend(); setTimeout(fit, 60); });

  // ── pointer and keys ─────────────────────────────────────────────────────────────────────────
  stage.addEventListener('pointermove', (event) => {
    const pixel = event.pointerType === 'touch' ? null : pane.pixelAt(event);
    labels.setHover(pixel);
    readout.show(pixel || labels.cross());
  });
  stage.addEventListener('pointerleave', () => { labels.setHover(null); readout.show(labels.cross()); });
  stage.addEventListener('pointerdown', () => stage.focus({preventScroll: true}));

  function toggleMap() {
    if (heat.blind()) say('The map stays hidden while you label random pixels.', 'hint');
    else setLayer({on: !raster.layer.on});
  }
  function toggleConfidence() { setLayer({confidence: !raster.layer.confidence}); feed.pullConfidence(); }
  listenToKeys(stage, {
    step: labelling.step,
    choose: (key) => choose((classes.find((c) => c.key === key) || classes[key - 1])?.id),
    undo: () => server.act({do: 'undo'}), redo: () => server.act({do: 'redo'}),
    keys: {
      '+': () => zoom(1), '=': () => zoom(1), '-': () => zoom(-1), '0': fit,
      '[': () => setOpacity(Math.max(0, raster.layer.opacity - 0.1)),
      ']': () => setOpacity(Math.min(1, raster.layer.opacity + 0.1), {on: !heat.blind()}),
      n: () => tell('hsi:add-class'), w: () => nextPlace(), z: toPixels, m: toggleMap, c: toggleConfidence, l: labelling.toggle,
      h: () => say(labels.toggle() ? 'Label markers are shown.' : 'Label markers are hidden: H shows them again.', 'hint'), p: () => present(), '?': () => controls.help(), Escape: () => { controls.help(false); present(false); },
      Enter: labelling.actHere, ' ': labelling.actHere, Delete: labelling.removeHere, Backspace: labelling.removeHere,
    },
  });

  // ── values from Python ───────────────────────────────────────────────────────────────────────
  function setUnder(changes) { raster.setUnder(changes); bar.looks(); mirror(); }
  function setLayer(changes) { raster.setLayer(changes); controls.layer(raster.layer, !!raster.tokens().index, true); mirror(); }
  function mirror() { swipe.mirror({scene, picture: [base, composite, stretch], under: raster.under, colours: known(), solo, layer: {...raster.layer, opacity: opacities.get(besideKind) ?? raster.layer.opacity}}); }
  function showComposite(chosenHere) {
    raster.setComposite(base, composite, stretch);
    mark('composite', composite); mark('stretch', stretch);
    controls.composites(scene.composites, composite);
    adjust.show(stretch);
    looks.show(composite, stretch);
    mirror();
    if (chosenHere) trigger('view', {composite, stretch});
  }
  function showClasses() {
    controls.active(nameOf(active));
    const open = /** @type {HTMLDetailsElement} */ (part('legend')).open, sizes = open ? raster.sizes() : null;  // counting takes a while on large scenes
    controls.legend([...classes, ...feed.extra()], classes.length, labels.counts(), (id) => (sizes ? areaText(sizes.get(id) || 0, scene?.gsd_m) : ''), active, solo, props.legend !== false);
  }
  function showState() {
    const has = !!raster.tokens().index;
    const hint = scene && !has && part('progress').hidden && labels.labelled() < 2 && classes.length
      ? (labels.labelled() ? 'Label a second class to see the map' : 'Label two classes to see the map') : '';
    controls.state({empty: scene ? '' : 'Open a scene to begin', hint});
    controls.layer(raster.layer, has, true);
  }
  function setScene(next) {
    scene = next; fitted = painted = false;
    controls.parts.row.value = controls.parts.col.value = '';  // they were a place on the scene before
    feed.reset();
    mark('ready', null); mark('mapRev', null);
    raster.setScene(next); labels.reset(); heat.show(null); region.clear(); looks.setScene();
    if (!next) return;
    composite = next.composites.find((c) => c.available && c.id !== 'pca')?.id || 'custom:1,1,1';  // never principal components unasked
    showComposite(false);
    fit();
    readout.show(null);
  }
  function take(value) {
    const another = 'project' in value && value.project !== project;
    if (another) {
      if (project) { asked = {}; settled = true; noteAddress({layer: undefined, at: undefined, opacity: undefined}); }  // of the project before
      project = value.project; bar.clear(); opacities.clear(); solo = ''; raster.setSolo(''); setUnder({on: true, opacity: 1}); heat.fade(1);
    }
    if ('scene' in value && (another || (value.scene?.id ?? null) !== (scene?.id ?? null))) setScene(value.scene || null);
    if (value.view && scene) { composite = value.view.composite || composite; stretch = value.view.stretch || stretch; showComposite(false); }
    if (value.classes) {
      classes = value.classes;
      labels.setClasses(classes);
    }
    if ('beside' in value || another) { besideKind = value.beside?.kind || ''; swipe.show(value.beside || null); }
    if ('heat' in value && scene) { heat.show(value.heat); bar.refresh(); }
    if (value.active) active = value.active;
    if (value.classes && !classes.some((c) => c.id === active)) active = classes[0]?.id || '';
    if (value.labels && labels.setLabels(value.labels)) {
      const news = root.dataset.journal !== String(value.labels.seq);
      mark('journal', String(value.labels.seq));
      if (news && labels.cross()) readout.describe(labels.cross());
    }
    if ('map' in value) {
      const next = value.map?.kind || '';
      if (next !== kind && opacities.has(next)) setLayer({opacity: opacities.get(next)});
      kind = next;
      if (kind === going) going = '';
      noteLayer();
      feed.take(value.map);
    }
    raster.setColours(known());
    mirror();
    if ('progress' in value) controls.progress(value.progress);
    if (value.message && (value.message !== lastMessage || labels.pendingCount())) { say(value.message); refuse(value.refused || [null]); }
    if ('message' in value) lastMessage = value.message;
    if (value.notice) say(value.notice, 'hint');
    showClasses();
    showState();
    if (asked.layer && settled) goToLayer();
    if (another && project) server.follow();
  }

  openLegend();
  controls.layer(raster.layer, false, true);
  onValue(() => take(readValue()));
  take(readValue());
  showState();
}
