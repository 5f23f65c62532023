// @ts-check
// The rail of steps and the page's address: the open step stands in it (`?step=words`), so a reload opens the same one and
// Back goes to the one before.

const PHONE = '(max-width: 760px)'; // there the rail is a bar at the bottom, and the panel lies below the picture (studio.css)
const RAIL = '#hsi-steps', NAME = /^hsi-step-(.+)-button$/;

/** The step's button; null while the rail is not on the page. @param {string} name @returns {HTMLElement | null} */
const buttonOf = (name) => document.getElementById(`hsi-step-${name}-button`);

/** @param {string} name */
export function openStep(name) { buttonOf(name)?.click(); }

/** The step an address names; "" = the first one. @param {string} address */
export const stepOf = (address) => new URL(address).searchParams.get('step') || '';

/** The address with another step. @param {string} address @param {string} name */
export function withStep(address, name) {
  const there = new URL(address);
  there.searchParams.set('step', name);
  return there.href;
}

/** Once a page. */
export function watchSteps() {
  let moving = false, first = '';
  document.addEventListener('click', (event) => {
    const tab = /** @type {Element} */ (event.target).closest?.(`${RAIL} [role=tab]`), name = tab && NAME.exec(tab.id)?.[1];
    if (!name || moving || name === stepOf(window.location.href)) return;
    window.history.pushState(null, '', withStep(window.location.href, name));
    const panel = document.querySelector(RAIL);
    if (window.matchMedia(PHONE).matches) setTimeout(() => panel?.scrollIntoView({block: 'start', behavior: 'smooth'}), 60);
  }, true);
  window.addEventListener('popstate', () => {
    moving = true;
    openStep(stepOf(window.location.href) || first);
    moving = false;
  });
  const wanted = stepOf(window.location.href);
  (function whenThere(tries = 0) { // the rail comes a moment after the title line
    const open = document.querySelector(`${RAIL} [role=tab][aria-selected=true]`);
    if (!open) { if (tries < 100) setTimeout(whenThere, 50, tries + 1); return; }
    first = NAME.exec(open.id)?.[1] || '';
    if (wanted && wanted !== first) { moving = true; openStep(wanted); moving = false; }
  })();
}
