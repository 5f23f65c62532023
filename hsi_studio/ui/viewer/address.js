// @ts-check
// What of the picture stands in the page's address: place, opacity of the map, which map. A reload brings all three back,
// Back the map before. Place and opacity replace the entry, for they change all the time; another map is a new one.

const LATER_MS = 400;

/** @param {string} address @returns {{view: [number, number, number] | null, opacity: number | null, layer: string}} */
export function readView(address) {
  const found = new URL(address).searchParams, view = (found.get('view') || '').split(',').map(Number);
  const share = found.has('opacity') ? Number(found.get('opacity')) / 100 : NaN;
  return {
    view: view.length === 3 && view.every(Number.isFinite) ? /** @type {[number, number, number]} */ (view) : null,
    opacity: share >= 0 && share <= 1 ? share : null,
    layer: found.get('layer') || '',
  };
}

/** The address with these; "" takes one out. @param {string} address @param {Record<string, string>} changes */
export function withView(address, changes) {
  const there = new URL(address);
  for (const [name, value] of Object.entries(changes)) { if (value) there.searchParams.set(name, value); else there.searchParams.delete(name); }
  return there.href;
}

/**
 * @param {object} page
 * @param {() => boolean} page.alive
 * @param {() => Record<string, string>} page.now  `view` and `opacity` as they are
 * @param {(layer: string) => void} page.show  another map, after Back
 */
export function keepInAddress(page) {
  let timer = 0, layer = '', quiet = true;
  const here = () => window.location.href;

  function back() {
    if (!page.alive()) { window.removeEventListener('popstate', back); return; }
    const wanted = readView(here()).layer;
    if (wanted && wanted !== layer) { layer = wanted; page.show(wanted); }
  }
  window.addEventListener('popstate', back);

  return {
    /** Place or opacity changed. */
    moved() {
      if (quiet) return;
      clearTimeout(timer);
      timer = setTimeout(() => { if (page.alive()) window.history.replaceState(window.history.state, '', withView(here(), page.now())); }, LATER_MS);
    },
    /** The map that is shown now. @param {string} next */
    shows(next) {
      if (next === layer) return;
      const there = withView(here(), {layer: next});
      if (layer && next && there !== here()) window.history.pushState(null, '', there);
      else window.history.replaceState(window.history.state, '', there);
      layer = next;
    },
    /** From here on the address follows. `fresh`: another project, whose pictures the address does not know. */
    follow(fresh) {
      quiet = false;
      if (!fresh) return;
      layer = '';
      window.history.replaceState(window.history.state, '', withView(here(), {view: '', opacity: '', layer: ''}));
    },
  };
}
