// @ts-check
// The dock below the picture: Accuracy, Spectra with pins, the confusion matrix, curves, what was done, and where the map
// comes from; at the right end what is known now (status.js). One part at a time; its tab pressed again closes it, for a larger picture. Which one is open stands in the
// address. What a part shows is asked for when it is looked at (dock_routes.py); the spectra are a panel of their own
// (spectrum.js), which stands below this one in the page.

import { makeMatrix } from "../tabs/map/matrix.js";
import { noteAddress, placeOf } from "../web/address.js";
import { loadSheet, make } from "../web/dom.js";
import { makeCurvePart } from "./dock_curve.js";
import { makeHistory, makeOrigin } from "./dock_lists.js";
import { makeStatus } from "./status.js";

const PARTS = [
  ["accuracy", "Accuracy", "How good the map is, and on which pixels that was measured"],
  ["spectra", "Spectra", "Spectra of the pixel clicked last, of pins and of your classes"],
  ["matrix", "Matrix", "Which classes are taken for which"],
  ["curves", "Curves", "Accuracy over the number of labels; curves of trainings"],
  ["history", "History", "What was done to this project"],
  ["origin", "Origin", "This map, its model, its labels, its scene"],
];

/**
 * @param {HTMLElement} strip  the accuracy strip: the first part
 * @param {ReturnType<typeof import("../web/component.js").panel>["onPage"]} onPage
 */
export function makeDock(strip, onPage) {
  const main = document.getElementById("hsi-main");
  const bar = make("div", "hsi-dock-bar"), matrix = makeMatrix(), curves = makeCurvePart(), history = makeHistory(), origin = makeOrigin();
  const asked = { curves, history, origin };
  let project = "", open = "", evidence = "", waiting = 0;
  loadSheet(new URL("../tabs/map/map.css", import.meta.url).href, "The style of the matrix could not be loaded: reload the page.")
    .catch((error) => console.error(error));
  const row = make("div", "hsi-dock-row"), facts = make("span", "hsi-now"), status = makeStatus(facts);
  bar.setAttribute("role", "tablist");
  bar.setAttribute("aria-label", "Below the picture");
  row.append(bar, facts);

  /** @type {Record<string, HTMLElement>} */
  const bodies = {};
  for (const [name, node] of /** @type {[string, HTMLElement][]} */ ([["accuracy", strip], ["matrix", matrix.node], ["curves", curves.node], ["history", history.node], ["origin", origin.node]])) {
    const body = make("div", `hsi-dock-part hsi-dock-${name}${name === "matrix" ? " hsi-evidence" : ""}`);
    body.id = `hsi-dock-part-${name}`;
    body.setAttribute("role", "tabpanel");
    body.setAttribute("aria-labelledby", `hsi-dock-${name}`);
    body.tabIndex = 0; // so that the keyboard can scroll it
    bodies[name] = body;
    if (name === "accuracy") strip.before(row, body);
    else bodies.accuracy.parentElement.append(body);
    body.append(node);
  }
  const tabs = PARTS.map(([name, title, hint]) => {
    const tab = make("button", "hsi-dock-tab", title);
    tab.type = "button";
    tab.id = `hsi-dock-${name}`;
    tab.title = hint;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", name === "spectra" ? "hsi-spectrum" : `hsi-dock-part-${name}`);
    tab.addEventListener("click", () => choose(open === name ? "" : name));
    tab.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!by) return;
      event.preventDefault();
      event.stopPropagation();
      const next = tabs[(tabs.indexOf(tab) + by + tabs.length) % tabs.length];
      choose(next.id.replace("hsi-dock-", ""));
      next.focus();
    });
    bar.append(tab);
    return tab;
  });

  /** @param {string} name  "" = closed */
  function choose(name, noted = true) {
    open = name;
    if (main) main.dataset.dock = name || "closed";
    for (const [part, body] of Object.entries(bodies)) body.hidden = part !== name;
    tabs.forEach((tab, k) => {
      const on = PARTS[k][0] === name;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on || (!name && !k) ? 0 : -1;
    });
    const spectra = name === "spectra" && document.getElementById("hsi-spectrum"); // Gradio's own box, which scrolls too
    if (spectra) {
      spectra.tabIndex = 0;
      spectra.setAttribute("role", "tabpanel");
      spectra.setAttribute("aria-labelledby", "hsi-dock-spectra");
    }
    if (noted) noteAddress({ dock: name === "accuracy" ? undefined : name || "closed" });
    look();
  }

  /** Ask for what the open part shows. */
  async function look() {
    clearTimeout(waiting);
    if (open === "matrix") matrix.draw(evidence ? JSON.parse(evidence) : null);
    const part = asked[open], mine = project, name = open;
    if (!part || !project || document.hidden) return;
    const answer = await fetch(`/hsi/dock/${encodeURIComponent(project)}/${{ curves: "curve" }[name] || name}`, { cache: "no-store" }).catch(() => null);
    const body = answer && await answer.json().catch(() => null);
    if (mine !== project || name !== open) return;
    part.draw(answer?.ok ? body : { problem: body?.detail || "The server did not answer: check that it runs." }, project);
  }
  const soon = () => { clearTimeout(waiting); waiting = setTimeout(look, 150); };

  onPage("hsi:show", (texts) => {
    if (texts["hsi-evidence"] !== undefined && texts["hsi-evidence"] !== evidence) {
      evidence = texts["hsi-evidence"];
      if (open === "matrix") soon();
    }
  });
  onPage("hsi:status", ({ pending, job }) => {
    if (pending !== undefined) status.saved(pending);
    if (job !== undefined) status.job(job);
  });
  onPage("hsi:seen", soon);
  onPage("hsi:dock", ({ part }) => { if (part !== open) choose(part); });
  const wanted = placeOf(window.location.href).dock || "accuracy";
  choose(wanted === "closed" || PARTS.some(([name]) => name === wanted) ? wanted.replace("closed", "") : "accuracy", false);
  return {
    /** The project that is shown, and the map's accuracy in a few words. @param {string} id @param {string} brief */
    of(id, brief) {
      status.accuracy(brief);
      if (id !== project) { project = id; evidence = ""; soon(); }
    },
  };
}
