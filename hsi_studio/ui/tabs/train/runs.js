// @ts-check
// One run in focus (what it does, how long still, what to do when it failed) and the list of the project's runs.

import { button, make } from "../../web/dom.js";
import { counted, remaining, when } from "../../web/formats.js";
import { makeCode } from "./code.js";

const ACTIVE = ["queued", "starting", "running", "pausing"];
export const isActive = (run) => Boolean(run) && ACTIVE.includes(run.state);
const STATES = {
  queued: "In the queue", starting: "Starting", running: "Training", pausing: "Pausing", paused: "Paused", done: "Finished",
  cancelled: "Stopped", failed: "Failed", interrupted: "Interrupted",
};
const NEXT = { // what to do, where the run's own reason does not say it
  failed: "Change what the message names and train again (“Use settings” brings this run's), or resume from the last checkpoint.",
  cancelled: "“Use settings” brings its settings back to train again.",
};
const RESUMABLE = ["paused", "interrupted", "failed"];

// The run in focus. `act(what, run)` sends a control to Python; `useSettings(run)` fills the form.
export function makeRunCard(curves, act, useSettings) {
  const box = make("section", "tr-run");
  box.setAttribute("aria-label", "Run");
  const head = make("div", "tr-run-head"), state = make("span", "tr-state"), title = make("h3", "");
  head.append(state, title);
  const line = make("p", "tr-run-words"), track = make("div", "tr-track"), fill = make("div", "tr-fill");
  line.setAttribute("role", "status");
  track.append(fill);
  track.setAttribute("role", "progressbar");
  track.setAttribute("aria-label", "Progress of the run");
  const problem = make("p", "tr-problem"), next = make("p", "hsi-hint"), about = make("p", "hsi-hint tr-about");
  problem.setAttribute("role", "alert");
  let run = null, asked = "", picture = "", painted = [];
  const control = (text, what, cls = "hsi-small") => {
    const node = button(cls, text, "", () => { asked = what; act(what, run.id); paint(...painted); });
    node.dataset.do = what;
    return node;
  };
  const pause = control("Pause", "pause"), resume = control("Resume", "resume", "hsi-small hsi-primary");
  const stop = control("Stop", "cancel"), show = control("Show its map", "show");
  const settings = button("hsi-small", "Use settings", "Bring this run's settings into the form", () => useSettings(run));
  const buttons = make("div", "tr-row tr-buttons");
  buttons.append(pause, resume, stop, show, settings);
  const preview = make("figure", "tr-preview"), image = make("img"), caption = make("figcaption", "hsi-hint");
  preview.append(image, caption);
  preview.hidden = true;
  image.addEventListener("load", () => (preview.hidden = false));
  image.addEventListener("error", () => (preview.hidden = true));
  const log = make("details", "tr-details"), logTitle = make("summary", "", "Log"), logList = make("ol", "tr-log");
  log.append(logTitle, logList);
  const code = makeCode();
  box.append(head, line, track, problem, next, buttons, curves.node, preview, log, code.node, about);

  // `address`: of the project's feed; `previewed`: the newest preview; `lines`: {cli, python}
  function paint(given, address, previewed, lines) {
    painted = [given, address, previewed, lines];
    run = given;
    box.hidden = !run;
    if (!run) return;
    const busy = isActive(run), progress = busy ? run.progress : null;
    if (!busy || (asked === "pause" && run.state === "pausing")) asked = "";
    box.dataset.state = state.dataset.state = run.state;
    box.dataset.run = run.id;
    state.textContent = STATES[run.state] || run.state;
    title.textContent = `${run.title} · ${when(run.created)}`;
    const left = progress && progress.seconds_left !== null ? `, ${remaining(progress.seconds_left)}` : "";
    const share = progress && progress.fraction !== null ? `, ${Math.floor(100 * progress.fraction)} %` : "";
    const queue = run.position > 0 ? `${run.position === 1 ? "Next in the queue" : `Number ${run.position} in the queue`}. ` : "";
    line.textContent = asked === "cancel" ? "Stopping …" : asked === "pause" || run.state === "pausing" ? "Pausing at the next checkpoint …"
      : busy ? queue + (progress ? `${progress.text}${share}${left}` : queue ? "" : "Starting …") : run.outcome;
    track.hidden = !busy || run.state === "queued";
    fill.style.width = `${100 * (progress?.fraction ?? 0)}%`;
    if (progress && progress.fraction !== null) track.setAttribute("aria-valuenow", String(Math.floor(100 * progress.fraction)));
    else track.removeAttribute("aria-valuenow");
    const said = RESUMABLE.includes(run.state) || (run.state === "queued" && run.reason) ? run.reason : "";
    problem.hidden = !said;
    problem.classList.toggle("is-calm", run.state === "paused" || run.state === "queued");
    problem.textContent = said;
    next.textContent = NEXT[run.state] || "";
    next.hidden = !next.textContent;
    pause.hidden = !["running", "starting"].includes(run.state);
    pause.disabled = stop.disabled = asked !== "";
    resume.hidden = !RESUMABLE.includes(run.state);
    resume.classList.toggle("hsi-primary", run.state !== "failed"); // there, first something has to change
    stop.hidden = !(busy || run.state === "paused");
    show.hidden = !run.has_map;
    show.textContent = run.shown ? "Its map is shown" : "Show its map";
    show.disabled = run.shown;
    about.textContent = run.about;
    const version = run.has_map ? "map" : previewed?.step;
    const source = version === undefined ? "" : `${address}/${run.id}/map.png?v=${version}-${run.colors}`;
    if (source !== picture) {
      picture = source;
      if (source) image.src = source;
      else preview.hidden = true;
      image.alt = !run.has_map ? "The map as the model would draw it now" : "The finished map";
    }
    caption.textContent = run.has_map ? "Map" : `Map preview${previewed ? `, ${previewed.words}` : ""}`;
    code.show(lines?.cli, lines?.python);
  }

  return {
    node: box, paint,
    refused() { asked = ""; if (run) paint(...painted); }, // what was asked will not come
    focus(id, entries) { // another run: its log from the start
      if (logList.dataset.run !== id) { logList.replaceChildren(); logList.dataset.run = id; log.open = false; }
      for (const [time, level, text] of entries) {
        const item = make("li", `tr-log-${level}`);
        item.append(make("time", "", new Date(1000 * time).toLocaleTimeString("en-GB")), make("span", "", text));
        logList.append(item);
      }
      while (logList.children.length > 500) logList.firstChild.remove();
      logTitle.textContent = `Log · ${counted(logList.children.length, "line")}`;
      log.hidden = !logList.children.length;
      if (entries.length) logList.scrollTop = logList.scrollHeight;
    },
  };
}

// All runs, newest first. `choose(id)` puts one in focus, `overlay(id, on)` adds its curves, `act` as above.
export function makeRunList(choose, overlay, act) {
  const box = make("section", "tr-runs"), title = make("h3", "", "Runs of this project"), list = make("ul", "tr-run-list");
  const live = make("label", "tr-live"), follow = make("input");
  box.setAttribute("aria-label", "Runs of this project");
  Object.assign(follow, { type: "radio", name: "hsi-map-shown" });
  follow.addEventListener("click", () => act("show", "")); // also when it is the chosen one: what is drawn may be behind
  live.append(follow, make("span", "", "Map shown follows the clicks"));
  box.append(title, live, list);
  let removing = "";

  function row(run, focus, overlaid) {
    const item = make("li", `tr-item${run.id === focus ? " is-focus" : ""}`);
    item.dataset.id = run.id;
    item.dataset.state = run.state;
    const shown = make("input"), pick = make("button", "tr-item-name"), lines = make("input"), state = make("span", "tr-state");
    Object.assign(shown, { type: "radio", name: "hsi-map-shown", checked: run.shown, disabled: !run.has_map && !isActive(run) });
    shown.setAttribute("aria-label", `Show the map of ${run.title}, ${when(run.created)}`);
    shown.title = shown.disabled ? "It has no map" : run.has_map ? "Show its map in the viewer" : "Show its previews in the viewer";
    shown.addEventListener("change", () => act("show", run.id));
    pick.type = "button";
    pick.setAttribute("aria-pressed", String(run.id === focus));
    pick.append(make("b", "", run.title), make("span", "hsi-hint", `${when(run.created)} · ${run.brief}`));
    pick.addEventListener("click", () => choose(run.id));
    state.dataset.state = run.state;
    state.textContent = run.state === "done" && run.accuracy ? run.accuracy : STATES[run.state] || run.state;
    state.title = run.state === "done" ? run.accuracy_words || "" : run.reason || "";
    const compare = make("label", "tr-compare");
    Object.assign(lines, { type: "checkbox", checked: run.id === focus || overlaid.has(run.id), disabled: run.id === focus });
    lines.setAttribute("aria-label", `Draw the curves of ${run.title}, ${when(run.created)}`);
    lines.addEventListener("change", () => overlay(run.id, lines.checked));
    compare.title = "Draw its curves";
    compare.append(lines, make("span", "", "curves"));
    item.append(shown, pick, state, compare);
    if (removing === run.id) {
      item.append(
        button("hsi-small hsi-danger", "Delete", `Delete this run and its map`, () => { removing = ""; act("delete", run.id); }),
        button("hsi-small", "Keep", "Keep the run", () => { removing = ""; again(); }),
      );
    } else {
      const remove = button("hsi-icon", "×", `Delete the run of ${when(run.created)}`, () => { removing = run.id; again(); });
      remove.hidden = isActive(run);
      item.append(remove);
    }
    return item;
  }

  let last = null;
  const again = () => draw(...last);
  function draw(runs, focus, overlaid) {
    last = [runs, focus, overlaid];
    box.hidden = !runs.length;
    const held = /** @type {HTMLElement} */ (document.activeElement?.closest(".tr-item"))?.dataset.id, kind = document.activeElement?.className;
    title.textContent = `Runs of this project · ${runs.length}`;
    list.replaceChildren(...runs.map((run) => row(run, focus, overlaid)));
    follow.checked = !runs.some((run) => run.shown);
    if (held) /** @type {HTMLElement} */ ([...list.querySelectorAll(`[data-id="${held}"] *`)].find((node) => node.className === kind && node.matches("button,input")))?.focus();
  }
  return { node: box, draw };
}
