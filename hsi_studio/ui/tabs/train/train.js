// @ts-check
// The Train tab: settings of a new run, the run in focus with its curves, the project's runs.
//
// What is shown comes from the run folders, asked for by `GET /hsi/train/…` (ui/tabs/train/routes.py): about once a second
// while something runs or waits, every two seconds otherwise, not at all while the tab is hidden and nothing runs. So
// a reload, a second tab and another browser all show the same. Controls go through Gradio events:
//
//   start {method, params (JSON text), prompts, seed}      act {do: pause | resume | cancel | show | ended | delete, run}
//
// value from Python: {project, said: {text, bad}, focus: run id to put in focus}

import { panel } from "../../web/component.js";
import { make } from "../../web/dom.js";
import { when } from "../../web/formats.js";
import { makeCurves } from "./curves.js";
import { makeNewRun } from "./new_run.js";
import { isActive, makeRunCard, makeRunList } from "./runs.js";

const BUSY_MS = 800, IDLE_MS = 2000;

async function answer(address) { // null when the server is away (Gradio's page says so and comes back) or refuses
  try {
    const got = await fetch(address, { signal: AbortSignal.timeout(10_000) });
    return got.ok ? await got.json() : null;
  } catch {
    return null;
  }
}

/** @param {import("../../web/component.js").Gradio} gradio */
export function mount(gradio) {
  const { root, trigger, readValue, onValue, onPage } = panel(gradio, ".hsi-train");
  let project = "", runs = [], seen = { setup: "", runs: "" };
  let focus = "", wish = "", pinned = false, pollTimer = 0, polling = false;
  let overlaid = new Set(), cursor = new Map(), finished = new Map(), before = new Map();
  const previews = new Map(), codes = new Map(); // run id → {step, words}; its command line and Python lines

  const visible = () => root.offsetParent !== null && !document.hidden;
  const base = () => `/hsi/train/${encodeURIComponent(project)}`;
  const run = (id) => runs.find((one) => one.id === id) || null;

  // ── the run in focus, the list ─────────────────────────────────────────────────────────────────

  const newRun = makeNewRun(trigger, { project: () => project, base, ask: answer });
  const act = (what, id) => trigger("act", { do: what, run: id });
  const curves = makeCurves();
  const card = makeRunCard(curves, act, (one) => {
    const other = newRun.useSettings(one);
    if (other) newRun.say(other, true);
    newRun.open(true);
    newRun.focus();
  });
  const list = makeRunList(
    (id) => { pinned = true; look(id); },
    (id, on) => { if (on) overlaid.add(id); else overlaid.delete(id); paint(true); soon(); },
    act,
  );
  const none = make("p", "hsi-hint tr-none",
    "Trains on the pixels you labelled, in a process of its own: go on labelling, close the page, come back later.");
  root.append(make("p", "hsi-hint tr-wait", "Asking which methods there are …"), ...newRun.nodes, none, card.node, list.node);

  function look(id) {
    if (focus !== id) {
      focus = id;
      card.focus(id, []);
      finished.delete(id); // read its log again
      cursor.delete(id);
      curves.forget(id);
      if (!codes.has(id)) answer(`${base()}/${id}/code`).then((got) => { if (got) { codes.set(id, got); paint(); } });
    }
    paint(true);
    soon();
  }

  let listed = "";
  function paint(always = false) {
    const one = run(focus), extra = [...overlaid].filter((id) => id !== focus && run(id));
    none.hidden = runs.length > 0;
    card.paint(one, base(), previews.get(focus), codes.get(focus));
    curves.show(
      [one, ...extra.map(run)].filter(Boolean).map((r) => ({ id: r.id, title: `${r.title}, ${when(r.created)}` })),
      one && !isActive(one) && finished.has(one.id)
        ? one.state === "done" ? "No curves: this method is fitted in one step." : "No curves: it ended before the first step." : "",
    );
    const now = JSON.stringify([runs.map((r) => ({ ...r, progress: 0 })), focus, extra]);
    if (always || now !== listed) list.draw(runs, focus, overlaid);
    listed = now;
    const busy = runs.some(isActive);
    newRun.queue(busy);
    root.dataset.active = String(busy);
  }

  // ── the feed ───────────────────────────────────────────────────────────────────────────────────

  function wanted() { // runs whose events are new to this page
    return [focus, ...overlaid].filter((id) => run(id) && (isActive(run(id)) || finished.get(id) !== run(id).state));
  }
  async function poll() {
    if (!project || polling) return;
    polling = true;
    const asked = project, ids = wanted(), follow = ids.map((id) => `${id}:${cursor.get(id) || 0}`).join(",");
    try {
      if (!newRun.hasMethods()) newRun.setMethods((await answer("/hsi/train-methods")) || []);
      const got = newRun.hasMethods() ? await answer(`${base()}?${new URLSearchParams({ ...seen, follow })}`) : null;
      if (got && asked === project) take(got, ids);
    } finally {
      polling = false;
    }
  }
  function take(got, ids) {
    seen = got.seen;
    if (got.setup) newRun.draw(got.setup);
    if (got.runs) runs = got.runs;
    for (const id of ids) {
      const events = got.events[id];
      if (events) {
        cursor.set(id, events.last);
        curves.add(id, events.metrics);
        if (events.preview) previews.set(id, events.preview);
        if (id === focus) card.focus(id, events.log);
      }
      if (!isActive(run(id))) finished.set(id, run(id)?.state);
    }
    if (!newRun.isReady()) {
      newRun.remember(runs[0]);
      newRun.open(!runs.length);
    } else if (got.setup) newRun.refresh();
    const latest = runs.find(isActive) || runs[0];
    if (wish && run(wish)) { look(wish); wish = ""; }
    if (latest && (!run(focus) || (!pinned && isActive(latest) && !isActive(run(focus))))) look(latest.id);
    for (const one of runs) {
      if (isActive(one) && before.has(one.id) && !isActive({ state: before.get(one.id) })) finished.delete(one.id);
      // its map takes no other one's place: a card beside the accuracy says how the two compare
      if (one.state === "done" && isActive({ state: before.get(one.id) || "done" })) act("ended", one.id);
    }
    before = new Map(runs.map((one) => [one.id, one.state]));
    paint();
    root.dataset.ready = "1";
  }
  function soon(ms = 30) {
    clearTimeout(pollTimer);
    pollTimer = setTimeout(async () => {
      if (!root.isConnected) return;
      const busy = runs.some(isActive);
      try {
        if (visible() || (busy && !document.hidden)) await poll();
      } finally { // whatever went wrong is in the console; the page goes on following
        soon(wanted().some((id) => !isActive(run(id))) ? 30 : busy ? BUSY_MS : visible() ? IDLE_MS : 400);
      }
    }, ms);
  }

  onPage("hsi:seen", () => { if (project) soon(); }); // another map may be shown now, chosen elsewhere

  function fromPython() {
    const value = readValue();
    if (value.project && value.project !== project) {
      project = value.project;
      [runs, focus, pinned, listed] = [[], "", false, ""];
      seen = { setup: "", runs: "" };
      overlaid = new Set();
      cursor = new Map();
      finished = new Map();
      before = new Map();
      delete root.dataset.ready;
      newRun.leave();
    }
    if (value.said) newRun.say(value.said.text, value.said.bad);
    if (value.said?.bad) card.refused();
    if (value.focus) {
      pinned = false;
      newRun.open(false);
      wish = value.focus;
    }
    newRun.answered();
    soon();
  }
  newRun.open(true);
  onValue(fromPython);
  fromPython();
}
