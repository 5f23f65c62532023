// @ts-check
// The rail of steps and the page's address: the open step stands in it (`?step=words`, `?step=words.query` with a tab inside
// it), so a reload opens the same one and Back goes to the one before.

const PHONE = '(max-width: 760px)'; // there the rail is a bar at the bottom, and the panel lies below the picture (studio.css)
const RAIL = '#hsi-steps', STEP = /^hsi-step-(.+)-button$/, PART = /^hsi-part-(.+)-button$/;
const TRIES = 100, EVERY_MS = 50;

/** The step an address names; "" = the first one. @param {string} address */
export const stepOf = (address) => new URL(address).searchParams.get('step') || '';

/** The address with another step. @param {string} address @param {string} name */
export function withStep(address, name) {
  const there = new URL(address);
  there.searchParams.set('step', name);
  return there.href;
}

/** Press a tab when it is there: Gradio makes those inside a step a moment after it opened. @param {string} id */
function press(id, tries = 0) {
  const tab = document.getElementById(id);
  if (tab) tab.click();
  else if (tries < TRIES) setTimeout(press, EVERY_MS, id, tries + 1);
}

let moving = 0; // presses of ours, which are no news for the address

/** @param {string} name  "words", or "words.query" */
export function openStep(name) {
  const [step, part] = name.split('.');
  press(`hsi-step-${step}-button`);
  if (part) press(`hsi-part-${part}-button`);
}

/** As `openStep`, for an address that says so already. @param {string} name */
function follow(name) {
  moving++;
  openStep(name);
  setTimeout(() => moving--, 400);
}

/** The step that is open. */
const openNow = () => STEP.exec(document.querySelector(`${RAIL} [id^=hsi-step-][aria-selected=true]`)?.id || '')?.[1] || '';

/** Once a page. */
export function watchSteps() {
  let first = '';
  document.addEventListener('click', (event) => {
    const tab = /** @type {Element} */ (event.target).closest?.(`${RAIL} [role=tab]`);
    const step = tab && STEP.exec(tab.id)?.[1], part = tab && PART.exec(tab.id)?.[1];
    const name = step || (part && `${openNow()}.${part}`);
    if (!name || moving || name === stepOf(window.location.href)) return;
    window.history.pushState(null, '', withStep(window.location.href, name));
    if (step && window.matchMedia(PHONE).matches) {
      setTimeout(() => document.querySelector(RAIL)?.scrollIntoView({block: 'start', behavior: 'smooth'}), 60);
    }
  }, true);
  window.addEventListener('popstate', () => follow(stepOf(window.location.href) || first));
  const wanted = stepOf(window.location.href);
  (function whenThere(tries = 0) { // the rail comes a moment after the title line
    first = openNow();
    if (first && wanted && wanted !== first) follow(wanted);
    else if (!first && tries < TRIES) setTimeout(whenThere, EVERY_MS, tries + 1);
  })();
}
