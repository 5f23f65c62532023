// @ts-check
// The walk of `python app.py --demo`: a bar at the foot of the page, → and ← (or a presenter's Page keys) from station to
// station. The station stands in the address (`?walk=3`), and the server brings the project to it (ui/walk.py): a reload
// or a key more or less never leaves it in between.

import { tell } from "./component.js";
import { button, make, TYPING } from "./dom.js";
import { present } from "./present.js";
import { openStep } from "./steps.js";

const KEYS = { ArrowRight: 1, PageDown: 1, ArrowLeft: -1, PageUp: -1 };
const NAME = "walk";

/** The station an address names; null = no walk. @param {string} address */
export function stationOf(address) {
  const text = new URL(address).searchParams.get(NAME);
  return text === null ? null : Math.max(0, Math.trunc(Number(text)) || 0);
}

/** Begin, where the address says so. Once a page. */
export async function startWalk() {
  const first = stationOf(window.location.href);
  if (first === null) return;
  const answer = await fetch("/hsi/walk", { cache: "no-store" }).catch(() => null);
  if (!answer?.ok) return;
  const { stations } = await answer.json();
  const bar = make("aside", "hsi-walk"), place = make("b", "hsi-walk-at"), title = make("strong"), words = make("span"), made = make("em");
  const text = make("p", "hsi-walk-text");
  bar.setAttribute("aria-label", "Demonstration");
  text.setAttribute("role", "status");
  text.append(title, words, made);
  bar.append(place, text, button("hsi-small", "←", "The station before (←)", () => go(at - 1)), button("hsi-small hsi-primary", "→", "The next station (→)", () => go(at + 1)));
  document.body.append(bar);
  document.documentElement.style.setProperty("--hsi-walk", "66px");
  let at = Math.min(first, stations.length - 1), going = false, next = -1;

  async function go(/** @type {number} */ number) {
    number = Math.max(0, Math.min(stations.length - 1, number));
    if (going) { next = number; return; }
    going = true;
    at = number;
    const one = stations[at], there = new URL(window.location.href);
    there.searchParams.set(NAME, String(at));
    window.history.replaceState(null, "", there);
    place.textContent = `${at + 1} / ${stations.length}`;
    title.textContent = one.title;
    words.textContent = one.words;
    made.textContent = one.made;
    bar.dataset.at = String(at);
    bar.setAttribute("aria-busy", "true");
    const answer = await fetch(`/hsi/walk/${at}`, { method: "POST" }).catch(() => null), body = answer?.ok ? await answer.json() : null;
    if (!body || body.problem) words.textContent = body?.problem || "The server did not answer: check that it runs, then press → or ←.";
    present(one.present);
    openStep(one.step);
    tell("hsi:dock", { part: one.dock });
    tell("hsi:follow");
    bar.setAttribute("aria-busy", "false");
    going = false;
    if (next >= 0 && next !== at) { const wanted = next; next = -1; go(wanted); } else next = -1;
  }
  document.addEventListener("keydown", (event) => { // before the picture, whose crosshair the arrows move
    const by = KEYS[event.key];
    if (!by || event.ctrlKey || event.altKey || event.metaKey || /** @type {Element} */ (event.target).closest?.(`${TYPING}, [role=tab], [role=slider], [role=separator], input`)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    go((next >= 0 ? next : at) + by);
  }, true);
  go(at);
}
