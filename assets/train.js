// The Train tab: settings of a new run, the run in focus with its curves, the project's runs.
//
// What is shown comes from the run folders, asked for by `GET /hsi/train/…` (ui/tabs/train/routes.py): about once a second
// while something runs or waits, every two seconds otherwise, not at all while the tab is hidden and nothing runs. So
// a reload, a second tab and another browser all show the same. Controls go through Gradio events:
//
//   start {method, params (JSON text), prompts, seed}      act {do: pause | resume | cancel | show | delete, run}
//
// value from Python: {project, said: {text, bad}, focus: run id to put in focus}

const BUSY_MS = 800, IDLE_MS = 2000;
const root = element.querySelector(".hsi-train");
let project = "", specs = [], setup = null, runs = [], seen = { setup: "", runs: "" };
let focus = "", wish = "", pinned = false, planWanted = 0, planTimer = 0, pollTimer = 0, polling = false;
let overlaid = new Set(), cursor = new Map(), finished = new Map(), before = new Map();
const previews = new Map(), codes = new Map(); // run id → {step, words}; its command line and Python lines

const visible = () => root.offsetParent !== null && !document.hidden;
const base = () => `/hsi/train/${encodeURIComponent(project)}`;
const run = (id) => runs.find((one) => one.id === id) || null;
const store = () => `hsi-train-${project}`;

// ── settings of a new run ──────────────────────────────────────────────────────────────────────

const head = make("div", "tr-head");
const toggle = button("tr-toggle", "", "", () => open(panel.hidden));
const start = button("hsi-small hsi-primary tr-start", "Train on my labels", "", () => {
  const wrong = form.wrong() || (complaint(SEED, seed.value) && `Seed: ${complaint(SEED, seed.value)}`);
  if (wrong) return say(wrong, true);
  start.disabled = true;
  say("", false);
  trigger("start", {
    method: form.method().name, params: JSON.stringify(form.differences()), prompts: prompts.value, seed: Number(seed.value),
  });
});
start.id = "hsi-train-start";
head.append(toggle, start);
const said = make("p", "tr-said");
said.setAttribute("role", "alert");
const panel = make("div", "tr-panel");
panel.id = "hsi-train-settings";
toggle.setAttribute("aria-controls", panel.id);
const open = (yes) => {
  panel.hidden = !yes;
  toggle.setAttribute("aria-expanded", String(yes));
};

const SEED = { whole: true, min: 0, max: 2 ** 32 - 1 };
const labelled = (text, control, cls = "") => {
  const box = make("label", `tr-labelled ${cls}`);
  box.append(make("span", "", text), control);
  return box;
};
const method = make("select", "tr-method"), prompts = make("select"), seed = make("input"), heights = make("input");
method.id = "hsi-method";
Object.assign(seed, { type: "number", min: 0, step: 1, value: 0 });
heights.type = "checkbox";
const aboutMethod = make("p", "hsi-hint"), promptsBox = labelled("Prompts", prompts), promptWords = make("p", "hsi-hint");
const heightsBox = make("label", "tr-switch"), heightsWords = make("span", "");
heightsBox.append(heights, heightsWords);
const choices = make("div", "tr-row tr-choices");
choices.append(promptsBox, labelled("Seed", seed, "tr-seed"), heightsBox);
const form = makeForm(() => {
  summarise();
  keep();
  plan();
});
const labels = make("div", "tr-labels"), device = make("p", "tr-device"), forecast = make("p", "tr-forecast");
forecast.setAttribute("aria-live", "polite");
const drawLabels = button("hsi-small tr-draw", "Draw labels from the reference …", "",
  () => document.dispatchEvent(new CustomEvent("hsi:draw-labels")));
const code = makeCode();
panel.append(
  labelled("Method", method), aboutMethod, form.dial, choices, promptWords, labels, device, forecast, form.advanced, code.node,
);

method.addEventListener("change", () => useMethod(method.value));
for (const input of [prompts, seed]) input.addEventListener("change", () => { summarise(); keep(); plan(); });
heights.addEventListener("change", () => form.set("use_dsm", heights.checked));

function useMethod(name, values) {
  const spec = specs.find((s) => s.name === name) || specs[0];
  method.value = spec.name;
  aboutMethod.textContent = spec.about;
  promptsBox.hidden = promptWords.hidden = !spec.needs.includes("text");
  form.use(spec, values);
}
function summarise() {
  const spec = form.method(), count = form.changedFromBase();
  heightsBox.hidden = !form.has("use_dsm");
  heights.disabled = !setup?.heights;
  heights.checked = Boolean(form.value("use_dsm")) && Boolean(setup?.heights);
  heightsWords.textContent = setup && !setup.heights ? "Heights: this scene has none" : "Use the heights";
  promptWords.textContent = promptsBox.hidden ? "" : setup?.prompts.find((p) => p.name === prompts.value)?.words || "";
  toggle.replaceChildren(
    make("span", "tr-caret"), make("b", "", "New run"),
    make("span", "", [spec.title, form.effort(), count ? `${count} changed` : ""].filter(Boolean).join(" · ")),
  );
}
function keep() {
  if (project) sessionStorage.setItem(store(), JSON.stringify([form.method().name, prompts.value, seed.value, form.saved()]));
}
function remember() {
  try {
    const [name, style, number, saved] = JSON.parse(sessionStorage.getItem(store()));
    form.restore(saved, specs);
    seed.value = number;
    if (setup.prompts.some((p) => p.name === style)) prompts.value = style;
    useMethod(name);
  } catch { // nothing kept, or by an older version
    const latest = runs[0];
    if (latest) useSettings(latest);
    else useMethod(specs[0].name);
  }
}
function useSettings(one) {
  if (!specs.some((s) => s.name === one.method)) return say(`The method ${one.method} is not installed here.`, true);
  seed.value = one.seed;
  const words = one.prompts.split("@")[0]; // a set's version of then is in the run; here it is as it is now
  if (setup.prompts.some((p) => p.name === words)) prompts.value = words;
  useMethod(one.method, one.changed);
}

function drawSetup() {
  const chosen = prompts.value || "p5";
  prompts.replaceChildren(...setup.prompts.map((p) => new Option(p.title, p.name)));
  if (setup.prompts.some((p) => p.name === chosen)) prompts.value = chosen;
  labels.replaceChildren(make("h4", "", setup.labels.title));
  const list = make("ul", "tr-counts");
  for (const info of setup.labels.classes) {
    const item = make("li"), dot = make("span", "tr-dot");
    dot.style.background = info.color;
    item.append(dot, make("span", "", info.name), make("b", "", String(info.count)));
    list.append(item);
  }
  labels.append(list);
  for (const text of setup.labels.words) labels.append(make("p", "hsi-hint", text));
  if (setup.draw) labels.append(drawLabels);
  device.textContent = setup.device;
}

// Forecast and command line of the settings as they are, a moment after the last change.
function plan() {
  clearTimeout(planTimer);
  planTimer = setTimeout(async () => {
    const mine = ++planWanted, query = new URLSearchParams({
      method: form.method().name, params: JSON.stringify(form.differences()), prompts: prompts.value || "p5", seed: seed.value || "0",
    });
    const got = await answer(`${base()}/plan?${query}`);
    if (!got || mine !== planWanted) return;
    forecast.textContent = got.words;
    forecast.classList.toggle("tr-wrong", got.bad);
    code.show(got.cli, got.python);
  }, 350);
}
function say(text, bad) {
  said.textContent = text;
  said.classList.toggle("tr-wrong", bad);
}

// ── the run in focus, the list ─────────────────────────────────────────────────────────────────

const act = (what, id) => trigger("act", { do: what, run: id });
const curves = makeCurves();
const card = makeRunCard(curves, act, (one) => { useSettings(one); open(true); start.focus(); });
const list = makeRunList(
  (id) => { pinned = true; look(id); },
  (id, on) => { (on ? overlaid.add(id) : overlaid.delete(id)); paint(true); soon(); },
  act,
);
const none = make("p", "hsi-hint tr-none",
  "Trains on the pixels you labelled, in a process of its own: go on labelling, close the page, come back later.");
root.append(head, said, panel, none, card.node, list.node);

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
  start.textContent = busy ? "Add to the queue" : "Train on my labels";
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
    if (!specs.length) {
      specs = (await answer("/hsi/train-methods")) || [];
      method.replaceChildren(...specs.map((s) => new Option(s.title, s.name)));
    }
    const got = specs.length ? await answer(`${base()}?${new URLSearchParams({ ...seen, follow })}`) : null;
    if (got && asked === project) take(got, ids);
  } finally {
    polling = false;
  }
}
async function answer(address) { // null when the server is away (Gradio's page says so and comes back) or refuses
  try {
    const got = await fetch(address, { signal: AbortSignal.timeout(10_000) });
    return got.ok ? await got.json() : null;
  } catch {
    return null;
  }
}
function take(got, ids) {
  seen = got.seen;
  if (got.setup) { setup = got.setup; drawSetup(); }
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
  if (!form.method()) {
    remember();
    open(!runs.length);
  } else if (got.setup) { summarise(); plan(); }
  const latest = runs.find(isActive) || runs[0];
  if (wish && run(wish)) { look(wish); wish = ""; }
  if (latest && (!run(focus) || (!pinned && isActive(latest) && !isActive(run(focus))))) look(latest.id);
  for (const one of runs) {
    if (isActive(one) && before.has(one.id) && !isActive({ state: before.get(one.id) })) finished.delete(one.id);
    const ended = one.state === "done" && isActive({ state: before.get(one.id) || "done" });
    // the map one has waited for, unless she is labelling or looks at another run's
    if (ended && visible() && !runs.some((r) => r.shown && r.id !== one.id)) act("show", one.id);
  }
  before = new Map(runs.map((one) => [one.id, one.state]));
  paint();
  root.dataset.ready = "1";
}
function soon(ms = 30) {
  clearTimeout(pollTimer);
  pollTimer = setTimeout(async () => {
    if (!element.isConnected) return;
    const busy = runs.some(isActive);
    try {
      if (visible() || (busy && !document.hidden)) await poll();
    } finally { // whatever went wrong is in the console; the page goes on following
      soon(wanted().some((id) => !isActive(run(id))) ? 30 : busy ? BUSY_MS : visible() ? IDLE_MS : 400);
    }
  }, ms);
}

function fromPython() {
  const value = readValue();
  if (value.project && value.project !== project) {
    project = value.project;
    [setup, runs, focus, pinned, listed] = [null, [], "", false, ""];
    seen = { setup: "", runs: "" };
    overlaid = new Set();
    cursor = new Map();
    finished = new Map();
    before = new Map();
    delete root.dataset.ready;
    if (form.method()) useMethod(form.method().name);
  }
  if (value.said) say(value.said.text, value.said.bad);
  if (value.focus) {
    pinned = false;
    open(false);
    wish = value.focus;
  }
  start.disabled = false;
  soon();
}
open(true);
onValue(fromPython);
fromPython();
