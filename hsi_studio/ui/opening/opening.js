// @ts-check
// Opening, on every page: the sheet with the start view or the plan of what was given, and one place for progress.
//
//   drop | choose ─▶ upload ─▶ POST openings ─▶ (asks every 300 ms) ─▶ plan in the sheet ─▶ Open ─▶ done: `opened`
//
// The sheet is in the way only while it asks something; sending, reading and opening go on beside the page, in a card that
// says how far they are and stops them at once. The routes are in `routes.py`.

import { button, loadSheet, make } from "../web/dom.js";
import { remaining } from "../web/formats.js";
import { openStep } from "../web/steps.js";
import { planOf } from "./plan.js";
import { startOf } from "./shelf.js";
import { filesOf, upload } from "./upload.js";

const ASK_MS = 300;
const WORKING = ["sending", "taking", "reading", "opening"];
const OWN_DROPS = ".block:has(input[type=file])"; // where Gradio takes files itself

/**
 * @param {object} page
 * @param {(done: {project: string, notes: string[]}) => void} page.opened
 * @param {() => string} page.here  the project that is open; "" for none
 */
export function makeOpening(page) {
  document.getElementById("hsi-opening")?.remove(); // of a page that was built before
  document.getElementById("hsi-opening-card")?.remove();
  loadSheet(new URL("./opening.css", import.meta.url).href, "the style of the sheet could not be loaded");
  const sheet = make("dialog", "hsi-dialog hsi-opening"), title = make("h3"), content = make("div", "hsi-opening-content");
  const row = make("div", "hsi-dialog-row"), close = button("hsi-small", "Close", "", () => leave());
  const open = button("hsi-small hsi-primary", "Open", "", () => send("open"));
  const head = make("div", "hsi-opening-head");
  sheet.id = "hsi-opening";
  sheet.setAttribute("aria-labelledby", "hsi-opening-title");
  title.id = "hsi-opening-title";
  open.dataset.part = "open";
  close.dataset.part = "close";
  head.append(title);
  row.append(close, open);
  sheet.append(head, content, row);
  const card = make("div", "hsi-opening-card"), words = make("span"), bar = make("progress"), stop = button("hsi-small", "Cancel", "", () => cancel());
  card.id = "hsi-opening-card";
  card.setAttribute("role", "status");
  card.hidden = true;
  stop.dataset.part = "cancel";
  bar.max = 1;
  card.append(words, bar, stop);
  document.body.append(sheet, card);

  let state = /** @type {any} */ (null), sending = /** @type {(() => void) | null} */ (null), turn = 0, must = false, named = "";

  sheet.addEventListener("cancel", (event) => { // Escape
    event.preventDefault();
    leave();
  });

  async function ask(path, body) {
    const options = body === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    let answer;
    try {
      answer = await fetch(`/hsi/${path}`, { cache: "no-store", ...options });
    } catch {
      throw new Error("The server did not answer: check that it runs, then try again.");
    }
    const value = await answer.json().catch(() => null);
    if (!answer.ok) throw new Error(typeof value?.detail === "string" ? value.detail : `The server refused this (${answer.status}): load the page again.`);
    return value;
  }

  // ── the start view ────────────────────────────────────────────────────────────────────────────

  /** @param {{must?: boolean, problem?: string}} [how]  must: nothing is open, so there is nothing to go back to */
  async function start({ must: forced = false, problem = "" } = {}) {
    must = forced;
    state = null;
    title.textContent = must ? "What do you want to map?" : "Open";
    close.hidden = row.hidden = must;
    close.textContent = "Close";
    open.hidden = true;
    content.replaceChildren(make("p", "hsi-hint", "One moment …"));
    if (!sheet.open) sheet.showModal();
    try {
      const shelf = await ask("shelf");
      if (state === null && sheet.open) showShelf(shelf, problem);
    } catch (error) {
      content.replaceChildren(make("p", "hsi-plan-note is-bad", error.message));
    }
  }

  function showShelf(shelf, problem = "") {
    const more = button("hsi-small", "More scenes of the catalogue", "", () => {
      leave();
      openStep("scene");
    });
    content.replaceChildren(startOf(shelf, { take, begin, act, here: page.here, named: problem ? named : "" }));
    if (problem) content.prepend(make("p", "hsi-plan-note is-bad", problem));
    if (!must) content.querySelector(".hsi-cards")?.after(more);
    /** @type {HTMLElement | null} */ (content.querySelector(problem && named ? "[name=path]" : "button"))?.focus();
  }

  async function act(project, what) {
    try {
      const shelf = await ask(`shelf/${encodeURIComponent(project)}`, what);
      if (what.do === "delete" && project === page.here()) window.location.assign("/");
      else showShelf(shelf);
      if (shelf.said) content.prepend(make("p", "hsi-plan-note", shelf.said));
    } catch (error) {
      start({ must, problem: error.message });
    }
  }

  // ── one opening ───────────────────────────────────────────────────────────────────────────────

  /** @param {File[]} files */
  async function take(files) {
    const mine = ++turn, began = Date.now();
    if (sheet.open) sheet.close();
    working({ text: `Sending ${files.length === 1 ? files[0].name : `${files.length} files`}`, fraction: 0, seconds_left: null });
    const job = upload(files, (done, total) => {
      const took = (Date.now() - began) / 1000;
      if (mine === turn) working({
        text: `Sending ${megabytes(done)} of ${megabytes(total)}`, fraction: total ? done / total : null,
        seconds_left: took > 1 && done ? (took * (total - done)) / done : null,
      });
    });
    sending = job.stop;
    try {
      const paths = await job.paths;
      if (mine === turn) await begin({ files: paths });
    } catch (error) {
      if (mine === turn && error.name !== "AbortError") failed(error.message);
    }
  }

  /** @param {{path?: string, files?: string[], scene?: string, project?: string}} what */
  async function begin(what) {
    const mine = ++turn;
    named = what.path || "";
    sending = null;
    if (sheet.open) sheet.close();
    working({ text: "Looking at it", fraction: null, seconds_left: null });
    try {
      follow(await ask("openings", what), mine);
    } catch (error) {
      if (mine === turn) failed(error.message);
    }
  }

  async function follow(value, mine) {
    for (;;) {
      if (mine !== turn) return;
      state = value;
      render();
      if (!WORKING.includes(value.stage)) return;
      await new Promise((resolve) => setTimeout(resolve, ASK_MS));
      if (mine !== turn) return;
      try {
        value = await ask(`openings/${value.id}`);
      } catch (error) {
        if (mine === turn) failed(error.message);
        return;
      }
    }
  }

  function render() {
    if (WORKING.includes(state.stage)) {
      if (state.stage === "opening" && sheet.open) sheet.close();
      content.inert = true;
      open.disabled = true;
      working(state.progress);
      return;
    }
    card.hidden = true;
    content.inert = false;
    if (state.stage === "done") {
      if (sheet.open) sheet.close();
      must = false;
      page.opened({ project: state.project, notes: state.notes });
    } else if (state.stage === "plan" || state.stage === "failed") showPlan();
    else if (sheet.open) sheet.close();
  }

  function showPlan() {
    const choices = state.files.length + state.variables.length > 1; // of files' roles, of the variable
    if (!state.look && (!state.files.length || (named && !choices))) { // a project, a scene of the catalogue, a mistyped path
      if (state.files.length) ask(`openings/${state.id}/cancel`, {}).catch(() => {});
      failed(state.problem);
      return;
    }
    title.textContent = state.look ? `What ${state.look.file} is taken for` : `${state.name} cannot be opened as it is`;
    close.hidden = row.hidden = false;
    close.textContent = "Cancel";
    open.hidden = false;
    open.disabled = !state.look || Boolean(state.look.asks);
    open.title = state.look?.asks ? "Answer the question first" : "";
    content.replaceChildren(planOf(state, { change }));
    if (!sheet.open) sheet.showModal();
    (open.disabled ? /** @type {HTMLElement | null} */ (content.querySelector(".hsi-plan-question button")) : open)?.focus();
  }

  function change(what) {
    send("change", { said: {}, roles: {}, ...what });
  }

  async function send(what, body = {}) {
    const mine = ++turn;
    try {
      follow(await ask(`openings/${state.id}/${what}`, body), mine);
    } catch (error) {
      if (mine !== turn) return;
      state = { ...state, problem: error.message };
      render();
    }
  }

  /** Stop what is going on; the page knows at once, the server hears of it. */
  function cancel() {
    turn++;
    sending?.();
    sending = null;
    card.hidden = true;
    content.inert = false;
    if (state && state.stage !== "done") ask(`openings/${state.id}/cancel`, {}).catch(() => {});
    if (sheet.open) sheet.close();
    state = null;
    if (must || !page.here()) start({ must: true });
  }

  /** Close the sheet: of a plan too, which is then given up. */
  function leave() {
    if (state) cancel();
    else if (!must) sheet.close();
  }

  function failed(text) {
    card.hidden = true;
    content.inert = false;
    start({ must: must || !page.here(), problem: text });
  }

  function working(progress) {
    const left = remaining(progress.seconds_left);
    words.textContent = [progress.text, left].filter(Boolean).join(" · ");
    if (progress.fraction == null) bar.removeAttribute("value");
    else bar.value = progress.fraction;
    (sheet.open ? sheet : document.body).append(card); // a sheet that is open lies over everything else
    card.hidden = false;
  }

  // ── drops ─────────────────────────────────────────────────────────────────────────────────────

  const cover = make("div", "hsi-drop-cover", "Drop the files to see what they are");
  const isFiles = (event) => event.dataTransfer?.types.includes("Files") && !event.target.closest?.(OWN_DROPS);
  const alive = () => sheet.isConnected;
  let over = 0;
  const hear = (name, work) => document.addEventListener(name, (event) => {
    if (alive() && isFiles(event)) work(event);
    else cover.remove();
  }, true);
  hear("dragover", (event) => {
    event.preventDefault();
    (sheet.open ? sheet : document.body).append(cover);
    clearTimeout(over);
    over = window.setTimeout(() => cover.remove(), 400); // dragleave comes for every element on the way
  });
  hear("drop", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    cover.remove();
    const files = await filesOf(event.dataTransfer);
    if (files.length) take(files);
  });

  return { start };
}

/** @param {number} n */
const megabytes = (n) => `${(n / 2 ** 20).toFixed(n < 10 * 2 ** 20 ? 1 : 0)} MiB`;
