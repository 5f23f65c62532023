// @ts-check
// The rail of steps and the page's address: the open step stands in it (`?step=words`, `?step=words.query` with a tab inside
// it), so a reload opens the same one and Back goes to the one before.
//
// Gradio makes what is in a tab when it is first opened, which took up to half a second. So each step is made before, in
// moments in which the page has nothing to do (`fillSteps`); opening one only shows it.

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

/**
 * Open a step and a part of it that folds (an accordion of Gradio's), and bring it into view.
 * @param {string} name @param {string} id  of the part
 */
export function openFold(name, id, tries = 0) {
  if (!tries) openStep(name);
  const head = document.querySelector(`#${id} > button`);
  if (!head?.checkVisibility()) {
    if (tries < TRIES) setTimeout(openFold, EVERY_MS, name, id, tries + 1);
    return;
  }
  if (!head.classList.contains("open")) /** @type {HTMLElement} */ (head).click();
  head.scrollIntoView({ block: "start", behavior: "smooth" });
}

/** As `openStep`, for an address that says so already. @param {string} name */
function follow(name) {
  moving++;
  openStep(name);
  setTimeout(() => moving--, 400);
}

/** The step that is open. */
const openNow = () => STEP.exec(document.querySelector(`${RAIL} [id^=hsi-step-][aria-selected=true]`)?.id || '')?.[1] || '';

const QUIET_MS = 1200, BETWEEN_MS = 150;

/**
 * Make the steps that are closed, one at a time, once the picture stands: by the event with which Gradio's own tabs have
 * it done. Where a later Gradio does not hear it, a step is made when it is opened, as always.
 * @param {(event: string, data: object) => void} dispatch
 */
export function fillSteps(dispatch) {
  const later = window.requestIdleCallback || ((work) => setTimeout(work, 50));
  const tabs = (/** @type {any} */ (window).gradio_config?.components || []).filter((one) => one.type === "tabitem" && one.props.elem_id);
  function next() {
    if (document.hidden) { setTimeout(next, QUIET_MS); return; }
    const one = tabs.shift(); // a step before the tabs in it
    if (!one) return;
    dispatch("gradio_tab_select", { component_id: one.id });
    setTimeout(() => later(next, { timeout: 4000 }), BETWEEN_MS);
  }
  (function whenSeen(tries = 0) {
    if (document.querySelector('.hsi-viewer[data-ready="1"]') || tries > 40) setTimeout(() => later(next, { timeout: 4000 }), QUIET_MS);
    else setTimeout(whenSeen, 250, tries + 1);
  })();
}

/** Once a page. */
export function watchSteps() {
  let first = '';
  document.addEventListener('click', (event) => {
    const tab = /** @type {Element} */ (event.target).closest?.(`${RAIL} [role=tab]`);
    const step = tab && STEP.exec(tab.id)?.[1], part = tab && PART.exec(tab.id)?.[1];
    // the step a part lies in: pressed at once after its step, that one is not told as open yet
    const around = part && tab.parentElement?.closest('[id^=hsi-step-]')?.id.slice('hsi-step-'.length);
    const name = step || (part && `${around}.${part}`);
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
