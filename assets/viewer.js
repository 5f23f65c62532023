// The viewer: one scene, its class map and its labels. Gradio gives `element`, `trigger`, `props` and `watch`;
// viewer_raster.js, viewer_beside.js, viewer_heat.js, viewer_region.js, viewer_labels.js, viewer_controls.js and viewer_server.js stand before this file in the same function.
// The messages to and from Python are described in hsi_studio/ui/viewer/component.py.
//
// Pixels: column c, row r; the scene's corner (0, 0) is Leaflet's latlng (0, 0) and latlng (−r, c) is the corner
// of pixel (r, c). A value never re-creates the map: zoom and position survive everything but another scene.

const root = element.querySelector('.hsi-viewer');
const base = props.base || '/hsi';
const block = element.closest('[id^="hsi-"], .block') || element;

function mark(name, value) { for (const node of [root, block]) { if (value == null) delete node.dataset[name]; else node.dataset[name] = value; } }

function withLeaflet() {  // one copy a page, from our own server
  if (window.L?.CRS) return Promise.resolve(window.L);
  window.__hsiLeaflet ??= new Promise((resolve, reject) => {
    const sheet = Object.assign(document.createElement('link'), {rel: 'stylesheet', href: `${base}/leaflet/leaflet.css`});
    const script = Object.assign(document.createElement('script'), {src: `${base}/leaflet/leaflet.js`});
    script.onload = () => resolve(window.L);
    script.onerror = () => reject(new Error('The map library could not be loaded from this server: reload the page.'));
    document.head.append(sheet, script);
  });
  return window.__hsiLeaflet;
}

function start(L) {
  const stage = root.querySelector('[data-part=stage]');
  const map = L.map(stage, {
    crs: L.CRS.Simple, minZoom: -12, maxZoom: 6, zoomSnap: 0.25, zoomDelta: 1, wheelPxPerZoomLevel: 110,
    zoomAnimation: false, fadeAnimation: false, markerZoomAnimation: false, bounceAtZoomLimits: false,
    zoomControl: false, attributionControl: false, keyboard: false, boxZoom: false, doubleClickZoom: false, inertia: true,
  }).setView([0, 0], 0, {animate: false});

  let scene = null, project = null, classes = [], active = '', labelling = true, fitted = false, painted = false;
  let composite = '', stretch = [2, 98], mapWanted = null, pulling = false, pullAgain = false, generation = 0, n = 0, lastMessage = '';

  const pane = {
    scene: () => scene,
    dpr: () => window.devicePixelRatio || 1,
    size: () => ({w: stage.clientWidth, h: stage.clientHeight}),
    place() {
      const origin = map.getPixelOrigin(), shift = map.containerPointToLayerPoint([0, 0]);
      return {scale: 2 ** map.getZoom(), x0: -origin.x - shift.x, y0: -origin.y - shift.y};
    },
  };
  const raster = makeRaster(root.querySelector('[data-part=picture]'), pane, ({complete}) => {
    const now = complete && fitted;
    if (now !== painted) { painted = now; mark('ready', now ? '1' : null); }
  }, async (url) => {  // a picture the server refuses: say why
    const answer = await fetch(url).catch(() => null), body = answer && await answer.json().catch(() => null);
    controls.message(body?.detail || 'The picture could not be loaded: check the connection to the server.');
  });
  const beside = makeBeside(root, pane, fetchPatch, () => readout(read));
  const heat = makeHeat(root, pane, {
    close: () => trigger('heat_off', {}),
    fit: () => fit(),
    map: (on) => setLayer({on}),
    mapOn: () => raster.layer.on,
    message: (text) => controls.message(text),
    go: ([row, col, h, w]) => {
      const pad = 0.6 * Math.max(h, w, 12);
      map.fitBounds([[-(row + h + pad), col - pad], [-(row - pad), col + w + pad]], {animate: false, maxZoom: 3});
    },
  });
  const region = makeRegion(root, pane, stage, map, (text, kind) => controls.message(text, kind));
  const server = makeServer(base, {
    alive: () => root.isConnected,
    project: () => project,
    say: (text) => controls.message(text),
    lost: (numbers) => numbers.forEach((number) => labels.refuse(number)),
    turned: () => trigger('sync', {}),  // the server went, or is back: Gradio loads the page again when it was restarted
  });
  const labels = makeLabels(root.querySelector('[data-part=markers]'), pane, (count) => mark('pending', String(count)));
  const controls = makeControls(root, {
    composite(id) { composite = id; showComposite(true); },
    stretch(limits) { stretch = limits; showComposite(true); },
    toggleMap() { setLayer({on: !raster.layer.on}); },
    toggleConfidence() { setLayer({confidence: !raster.layer.confidence}); pullConfidence(); },
    toggleMode() { labelling = !labelling; controls.mode(labelling); },
    opacity(value) { setLayer({opacity: value, on: true}); },
    zoom(by) { map.setZoom(map.getZoom() + by); },
    fit, choose,
    goto(row, col) { if (row !== '' && col !== '') { moveCross(Number(row), Number(col)); stage.focus({preventScroll: true}); } },
  });

  // ── from screen to pixel and back ────────────────────────────────────────────────────────────
  function pixelAt(event) {
    const box = stage.getBoundingClientRect(), {scale, x0, y0} = pane.place();
    const x = event.clientX - box.left, y = event.clientY - box.top;
    const col = Math.floor((x - x0) / scale), row = Math.floor((y - y0) / scale);
    return scene && row >= 0 && col >= 0 && row < scene.h && col < scene.w ? {row, col, x, y} : null;
  }
  root.__toClient = block.__toClient = element.__toClient = (x, y) => {
    const box = stage.getBoundingClientRect(), {scale, x0, y0} = pane.place();
    return {x: box.left + x0 + (x + 0.5) * scale, y: box.top + y0 + (y + 0.5) * scale};
  };
  root.__zoom = block.__zoom = () => ({zoom: map.getZoom(), center: map.getCenter(), ...pane.place()});

  function fit() {
    if (!scene) return;
    map.invalidateSize({animate: false, pan: false});
    if (!stage.clientWidth || !stage.clientHeight) { fitted = false; return; }
    map.fitBounds([[-scene.h, 0], [0, scene.w]], {animate: false, padding: [6, 6]});
    fitted = true;
    moved();
  }
  function moved() {
    raster.paint();
    beside.paint();
    heat.paint();
    region.paint();
    labels.draw();
    controls.scalebar(scene?.gsd_m ? 2 ** map.getZoom() / scene.gsd_m : 0);
  }
  map.on('move zoom viewreset', moved);
  new ResizeObserver(() => {
    if (!stage.clientWidth) return;
    map.invalidateSize({animate: false, pan: false});
    if (scene && !fitted) fit(); else moved();
  }).observe(stage);
  (function watchRatio() {
    matchMedia(`(resolution: ${pane.dpr()}dppx)`).addEventListener('change', () => { moved(); watchRatio(); }, {once: true});
  })();

  // ── labelling ────────────────────────────────────────────────────────────────────────────────
  function act(pixel, looking) {
    if (!pixel || !scene) return;
    labels.setCross({row: pixel.row, col: pixel.col});
    if (looking || !labelling) { server.spectrum(pixel.row, pixel.col); describe(pixel); return; }
    if (!active) { controls.message('Add a class first: a click gives a pixel the chosen class.', 'hint'); server.spectrum(pixel.row, pixel.col); return; }
    send(pixel, active);
  }
  function send(pixel, id) {
    labels.wish(pixel.row, pixel.col, id, ++n);  // on the screen before anything else happens
    server.act({do: 'pick', row: pixel.row, col: pixel.col, class_id: id, n});
    server.spectrum(pixel.row, pixel.col);
    describe(pixel);
  }
  map.on('click', (event) => {
    const pixel = pixelAt(event.originalEvent);
    if (!pixel) return;
    const shift = event.originalEvent.shiftKey;
    act((!shift && labels.markerNear(pixel.x, pixel.y)) || pixel, shift);
  });
  setInterval(() => {
    const {ask, gone} = labels.overdue(performance.now());
    if (gone) controls.message(`The server did not confirm ${gone === 1 ? 'a click' : `${gone} clicks`}: check the connection and click again.`);
    if (ask) trigger('sync', {});
  }, 1500);

  function choose(id) {
    if (!id || id === active) return;
    active = id;
    showClasses();
    document.dispatchEvent(new CustomEvent('hsi:active', {detail: {id, from: root}}));
  }
  document.addEventListener('hsi:active', (event) => {  // chosen in the class list: the very next click must know
    if (!root.isConnected || event.detail.from === root || event.detail.id === active) return;
    active = event.detail.id;
    showClasses();
  });

  // ── readout ──────────────────────────────────────────────────────────────────────────────────
  const known = () => [...classes, ...(mapWanted?.extra || []), ...beside.extra()];  // classes of a model come after the project's
  const nameOf = (id) => known().find((c) => c.id === id);
  function describe(pixel) {
    const info = nameOf(labels.classIdAt(pixel.row, pixel.col)) || nameOf(raster.classAt(pixel.row, pixel.col));
    const count = labels.counts()[classes.indexOf(info)] || 0;
    const words = [`row ${pixel.row}`, `column ${pixel.col}`, info ? info.name : 'no class'];
    if (info) words.push(`${count} label${count === 1 ? '' : 's'}`);
    controls.say(words.join(', '));
    readout(pixel);
  }
  let read = null;
  function readout(pixel) {
    read = pixel;
    if (!pixel) { controls.readout([{text: scene ? `${scene.h} × ${scene.w} pixels, ${scene.b} bands` : '', quiet: true}]); return; }
    const items = [{text: `row ${pixel.row}, col ${pixel.col}`}];
    const marker = nameOf(labels.classIdAt(pixel.row, pixel.col)), mapped = nameOf(raster.classAt(pixel.row, pixel.col));
    if (marker) items.push({text: `${marker.name} (label)`, color: marker.color});
    if (mapped) {
      const sure = raster.confidenceAt(pixel.row, pixel.col);
      items.push({text: mapped.name + (sure == null ? '' : ` ${Math.round(sure * 100)} %`), color: mapped.color});
    }
    const other = nameOf(beside.classAt(pixel.row, pixel.col));
    if (other) {
      const sure = beside.confidenceAt(pixel.row, pixel.col);
      items.push({text: `${beside.title()}: ${other.name}` + (sure == null ? '' : ` ${Math.round(sure * 100)} %`), color: other.color});
    }
    if (scene.transform && scene.crs_name) {
      const [a, b, c, d, e, f] = scene.transform, x = pixel.col + 0.5, y = pixel.row + 0.5;
      const digits = Math.abs(a) < 0.01 ? 6 : Math.abs(a) < 1 ? 2 : 1;
      items.push({text: `${(a * x + b * y + c).toFixed(digits)}, ${(d * x + e * y + f).toFixed(digits)} · ${scene.crs_name}`, quiet: true});
    }
    controls.readout(items);
  }
  stage.addEventListener('pointermove', (event) => {
    const pixel = event.pointerType === 'touch' ? null : pixelAt(event);
    labels.setHover(pixel);
    readout(pixel || labels.cross());
  });
  stage.addEventListener('pointerleave', () => { labels.setHover(null); readout(labels.cross()); });

  // ── keyboard: only while the picture has the focus ───────────────────────────────────────────
  function moveCross(row, col) {
    if (!scene || !Number.isFinite(row) || !Number.isFinite(col)) return;
    const pixel = {row: Math.min(scene.h - 1, Math.max(0, Math.round(row))), col: Math.min(scene.w - 1, Math.max(0, Math.round(col)))};
    labels.setCross(pixel);
    const at = root.__toClient(pixel.col, pixel.row), box = stage.getBoundingClientRect(), edge = 24;
    if (at.x < box.left + edge || at.x > box.right - edge || at.y < box.top + edge || at.y > box.bottom - edge) map.setView([-(pixel.row + 0.5), pixel.col + 0.5], map.getZoom(), {animate: false});
    controls.parts.row.value = pixel.row; controls.parts.col.value = pixel.col;
    describe(pixel);
  }
  function middle() {
    const {scale, x0, y0} = pane.place();
    return {row: Math.floor((stage.clientHeight / 2 - y0) / scale), col: Math.floor((stage.clientWidth / 2 - x0) / scale)};
  }
  const ARROWS = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]};
  const KEYS = {
    '+': () => map.setZoom(map.getZoom() + 1), '=': () => map.setZoom(map.getZoom() + 1), '-': () => map.setZoom(map.getZoom() - 1),
    '0': fit, '[': () => setLayer({opacity: Math.max(0, raster.layer.opacity - 0.1)}), ']': () => setLayer({opacity: Math.min(1, raster.layer.opacity + 0.1), on: true}),
    m: () => setLayer({on: !raster.layer.on}), c: () => { setLayer({confidence: !raster.layer.confidence}); pullConfidence(); },
    l: () => { labelling = !labelling; controls.mode(labelling); }, '?': () => controls.help(), Escape: () => controls.help(false),
    Enter: () => act(labels.cross() || middle(), false), ' ': () => act(labels.cross() || middle(), false),
    Delete: removeHere, Backspace: removeHere,
  };
  function removeHere() {
    const cross = labels.cross(), id = cross && labels.classIdAt(cross.row, cross.col);
    if (id) send(cross, id); else controls.say('There is no label here.');
  }
  stage.addEventListener('keydown', (event) => {
    if (event.target !== stage || event.altKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    let done = true;
    if (event.ctrlKey || event.metaKey) {
      if (key === 'z') server.act({do: event.shiftKey ? 'redo' : 'undo'}); else if (key === 'y') server.act({do: 'redo'}); else done = false;
    } else if (key in ARROWS) {
      const from = labels.cross() || middle(), by = event.shiftKey ? 10 : 1;
      moveCross(from.row + ARROWS[key][0] * by, from.col + ARROWS[key][1] * by);
    } else if (/^[1-9]$/.test(key)) {
      choose((classes.find((c) => c.key === Number(key)) || classes[Number(key) - 1])?.id);
    } else if (key in KEYS) KEYS[key](); else done = false;
    if (done) { event.preventDefault(); event.stopPropagation(); }
  });
  stage.addEventListener('pointerdown', () => stage.focus({preventScroll: true}));

  // ── class map: fetched by the viewer, only the box that changed, one request at a time ─────────
  async function fetchPatch(url, token) {
    const answer = await fetch(`${url}.bin?since=${encodeURIComponent(token)}`, {cache: 'no-store'});
    if (!answer.ok) throw new Error(`The map could not be fetched (${answer.status}).`);
    const head = (name) => answer.headers.get(`X-Hsi-${name}`) || '';
    return {
      box: head('Box').split(',').map(Number), baseToken: head('Base'), token: head('Token'), bytes: Number(head('Bytes')),
      rev: Number(head('Rev')), ids: head('Classes').split(',').filter(Boolean), buffer: await answer.arrayBuffer(),
    };
  }
  async function pull() {
    if (pulling) { pullAgain = true; return; }
    pulling = true;
    try {
      do {
        pullAgain = false;
        if (!mapWanted) break;
        const mine = generation, patch = await fetchPatch(mapWanted.url, raster.tokens().index);
        if (mine !== generation) { pullAgain = true; continue; }
        if (raster.tokens().rev != null && patch.rev < raster.tokens().rev) continue;  // never back in time
        if (!raster.applyPatch(patch, 'index')) { raster.clearMap(); pullAgain = true; continue; }
        mark('mapRev', String(patch.rev));
        showState();
        await pullConfidence();
        readout(read);
      } while (pullAgain);
    } catch (error) { controls.message(error.message); } finally { pulling = false; }
  }
  async function pullConfidence() {  // small scenes always (for the readout), large ones when it is shown
    if (!mapWanted || !raster.tokens().index || (!raster.layer.confidence && scene.h * scene.w > 1e6)) return;
    const mine = generation, patch = await fetchPatch(mapWanted.url.replace('/map/', '/conf/'), raster.tokens().conf);
    if (mine === generation) raster.applyPatch(patch, 'conf');
  }
  function setLayer(changes) { raster.setLayer(changes); controls.layer(raster.layer, !!raster.tokens().index, true); mirror(); }
  function mirror() { beside.mirror({scene, picture: [base, composite, ...stretch], colours: known(), layer: raster.layer}); }

  // ── values from Python ───────────────────────────────────────────────────────────────────────
  function showComposite(chosenHere) {
    raster.setComposite(base, composite, ...stretch);
    controls.composites(scene.composites, composite, stretch);
    mirror();
    if (chosenHere) trigger('view', {composite, lo: stretch[0], hi: stretch[1]});
  }
  function showClasses() {
    controls.active(nameOf(active));
    controls.legend(classes, labels.counts(), active, props.legend !== false);
  }
  function showState() {
    const has = !!raster.tokens().index;
    const hint = scene && !has && !root.querySelector('[data-part=progress]:not([hidden])') && labels.labelled() < 2 && classes.length
      ? (labels.labelled() ? 'Label a second class to see the map' : 'Label two classes to see the map') : '';
    controls.state({empty: scene ? '' : 'Open a scene to begin', hint});
    controls.layer(raster.layer, has, true);
  }
  function setScene(next) {
    scene = next; generation++; fitted = painted = false; mapWanted = null;
    mark('ready', null); mark('mapRev', null);
    raster.setScene(next); labels.reset(); heat.show(null); region.clear();
    if (!next) return;
    composite = next.composites.find((c) => c.available)?.id || 'custom:1,1,1';
    showComposite(false);
    fit();
    readout(null);
  }
  function take(value) {
    if (!value) return;
    const another = 'project' in value && value.project !== project;
    if (another) project = value.project;
    if ('scene' in value && (another || (value.scene?.id ?? null) !== (scene?.id ?? null))) setScene(value.scene || null);
    if (value.view && scene) { composite = value.view.composite || composite; stretch = [value.view.lo ?? stretch[0], value.view.hi ?? stretch[1]]; showComposite(false); }
    if (value.classes) {
      classes = value.classes;
      labels.setClasses(classes);
    }
    if ('beside' in value || another) beside.show(value.beside || null);
    if ('heat' in value && scene) heat.show(value.heat);
    if (value.active) active = value.active;
    if (value.classes && !classes.some((c) => c.id === active)) active = classes[0]?.id || '';
    if (value.labels && labels.setLabels(value.labels)) {
      const news = root.dataset.journal !== String(value.labels.seq);
      mark('journal', String(value.labels.seq));
      if (news && labels.cross()) describe(labels.cross());
    }
    if ('map' in value) {
      if (!value.map) { if (mapWanted) { mapWanted = null; generation++; raster.clearMap(); mark('mapRev', null); } }
      else if (mapWanted && value.map.kind !== mapWanted.kind) { mapWanted = value.map; generation++; raster.clearMap(); pull(); }
      else if (scene && (!mapWanted || mapWanted.rev !== value.map.rev || mapWanted.url !== value.map.url)) {
        if (!(typeof value.map.rev === 'number' && mapWanted && value.map.rev < mapWanted.rev)) { mapWanted = value.map; pull(); }
      }
    }
    raster.setColours(known());
    mirror();
    if ('progress' in value) controls.progress(value.progress);
    if (value.message && (value.message !== lastMessage || labels.pendingCount())) { controls.message(value.message); (value.refused || [null]).forEach((number) => labels.refuse(number)); }
    if ('message' in value) lastMessage = value.message;
    showClasses();
    showState();
    if (another && project) server.follow();
  }

  controls.mode(true);
  controls.layer(raster.layer, false, true);
  onValue(() => take(readValue()));
  take(readValue());
  showState();
}

withLeaflet().then(start).catch((error) => {
  root.querySelector('[data-part=empty]').hidden = false;
  root.querySelector('[data-part=emptytext]').textContent = error.message;
});
