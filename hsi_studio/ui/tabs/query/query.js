// The Query tab: a question in words, where it holds and why, labels from it; a map from class texts alone.
//
// value from Python: {project, serial, engines: [{id, title, note}], engine, examples: ["…"], text, state, progress, error,
//   classes: [{id, name, color, count}], answer: {seconds, threshold, taken: [{text, weight, cosine}], parts: ["…"], notes,
//   looking, regions: [{row, col, box, score, size, description, reasons: [{text, weight, grade, facts}]}]} | null,
//   map: {state, prompts, choices: [[words, value]], progress, error, ready, shown, figures, words, notes,
//   curve: [{clicks, oa, std, seeds, method}], curve_note}, proposal?: {pixels: [[row, col]], id}, said?, refused?,
//   described?: {name, sentences, phrases: [{text, evidence: ["…"]}], notes}, labelled?}
// event to Python: act {do: "ask" | "threshold" | "propose" | "cancel" | "add" | "heat" | "describe" | "describe region" | "map" | "show map", …}
// To the viewer: 'hsi:heat' {threshold} while the slider moves, 'hsi:place' {box, go} for the region pointed at.
// All text is set with textContent: questions and class names come from people.

const root = element.querySelector(".hsi-query");
const act = (what, more = {}) => trigger("act", { do: what, ...more });
const button = (cls, label, onclick, hint) => {
  const node = make("button", cls, label);
  node.type = "button";
  if (hint) node.title = hint;
  node.addEventListener("click", onclick);
  return node;
};
const heading = (text) => make("h4", "hsi-query-title", text);

// ── asking ─────────────────────────────────────────────────────────────────────────────────────
const form = make("form", "hsi-query-form");
const field = make("input", "hsi-query-field");
field.type = "search";
field.maxLength = 500;
field.placeholder = "What to look for, such as: metal roof";
field.setAttribute("aria-label", "What to look for");
const go = make("button", "hsi-small hsi-primary", "Find");
go.type = "submit";
const engine = make("select", "hsi-query-engine");
engine.setAttribute("aria-label", "What answers");
const engineNote = make("p", "hsi-hint");
const examples = make("div", "hsi-query-examples");
form.append(field, go);
const engineRow = make("label", "hsi-query-row");
engineRow.append(make("span", "", "Answered by"), engine);
const status = make("p", "hsi-query-status");
status.setAttribute("role", "status");
const bar = make("div", "hsi-query-bar");
bar.append(make("i"));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  chosen = null;
  act("ask", { text: field.value, engine: engine.value || "described" });
});
engine.addEventListener("change", showEngineNote);
function showEngineNote() {
  const one = (readValue().engines || []).find((e) => e.id === engine.value);
  engineNote.textContent = one ? `${one.note}.` : "";
}

// ── the answer ─────────────────────────────────────────────────────────────────────────────────
const answer = make("section", "hsi-query-answer");
const taken = make("p", "hsi-query-taken");
const notes = make("ul", "hsi-query-notes");
const slideRow = make("label", "hsi-query-row");
const slider = make("input");
slider.type = "range"; slider.min = 0; slider.max = 1; slider.step = 0.01;
slider.setAttribute("aria-label", "Threshold of likeness");
const slideText = make("output", "");
slideRow.append(make("span", "", "Found from"), slider, slideText);
slider.addEventListener("input", () => {
  slideText.textContent = Number(slider.value).toFixed(2);
  document.dispatchEvent(new CustomEvent("hsi:heat", { detail: { threshold: Number(slider.value) } }));
});
slider.addEventListener("change", () => act("threshold", { value: Number(slider.value) }));
const list = make("ol", "hsi-query-list");
const label = make("div", "hsi-query-label");
const heatOn = button("hsi-small", "Show the heat map again", () => act("heat"));
answer.append(taken, notes, slideRow, heatOn, list, label);

let chosen = null; // places that are ticked; null = all
let open = -1; // the region whose reasons are shown
let proposal = null, targetClass = "", each = 3, lastAsked = "";

function point(region, jump) {
  document.dispatchEvent(new CustomEvent("hsi:place", { detail: { box: region ? region.box : null, go: jump } }));
}

function phraseLine(description) {
  const line = make("p", "hsi-query-said");
  const phrases = description.phrases || [];
  if (!phrases.length) { line.textContent = description.sentences.join(" "); return line; }
  phrases.forEach((phrase, k) => {
    const node = make("span", "hsi-phrase", phrase.text);
    node.tabIndex = 0;
    node.title = phrase.evidence.join("\n");
    const show = () => { evidence.textContent = phrase.evidence.join(" · "); evidence.hidden = false; };
    node.addEventListener("focus", show);
    node.addEventListener("click", (event) => { event.stopPropagation(); show(); });
    line.append(node, k < phrases.length - 1 ? ", " : ".");
  });
  const evidence = make("span", "hsi-query-evidence");
  evidence.hidden = true;
  line.append(evidence);
  return line;
}

function reasonLine(reason) {
  const item = make("li");
  item.append(make("b", "", reason.text), ` ${Math.round(100 * reason.grade)} % fulfilled`);
  if (reason.weight < 0.995) item.append(`, ${Math.round(100 * reason.weight)} % of the question`);
  item.append(make("div", "hsi-hint", reason.facts.join("; ")));
  return item;
}

function regionItem(region, k) {
  const item = make("li", "hsi-query-region" + (open === k ? " is-open" : ""));
  const head = make("div", "hsi-query-head");
  const tick = make("input");
  tick.type = "checkbox";
  tick.checked = chosen === null || chosen.has(k);
  tick.setAttribute("aria-label", `Label from place ${k + 1}`);
  tick.addEventListener("change", () => {
    if (chosen === null) chosen = new Set((readValue().answer?.regions || []).map((_, i) => i));
    if (tick.checked) chosen.add(k); else chosen.delete(k);
    proposal = null;
    renderLabel();
  });
  const name = button("hsi-query-name", `${k + 1}  ${region.size}`, () => { point(region, true); open = open === k ? -1 : k; renderList(); }, "Show it in the picture, and why it matched");
  name.setAttribute("aria-expanded", String(open === k));
  const score = make("span", "hsi-query-score", region.score.toFixed(2));
  score.title = "Mean likeness of its pixels, 0 to 1";
  head.append(tick, name, score);
  item.append(head, phraseLine(region.description));
  if (open === k) {
    const why = make("ul", "hsi-query-why");
    why.append(...region.reasons.map(reasonLine));
    if (!region.reasons.length) why.append(make("li", "", "A trained model gives no reasons: its likeness is all there is."));
    item.append(make("h5", "", "Why it matched"), why);
  }
  item.addEventListener("pointerenter", () => point(region, false));
  item.addEventListener("pointerleave", () => point(null, false));
  return item;
}

function renderList() {
  const value = readValue(), found = value.answer?.regions || [];
  list.replaceChildren(...found.map(regionItem));
  if (value.answer && !found.length) {
    const text = value.answer.looking ? "Looking at the best places …" : "No place reaches this likeness: move “Found from” to the left.";
    list.append(make("li", "hsi-hint", text));
  }
}

function renderLabel() {
  const value = readValue(), found = value.answer?.regions || [];
  label.replaceChildren();
  if (!found.length) return;
  const count = chosen === null ? found.length : chosen.size;
  if (proposal) {
    const name = (value.classes.find((c) => c.id === proposal.id) || {}).name || "";
    const n = proposal.pixels.length;
    label.append(make("p", "hsi-query-ask", n ? `Label ${n} pixel${n === 1 ? "" : "s"} as ${name}? They are ringed in the picture.` : "All the pixels that fit are labelled already."));
    const row = make("div", "hsi-query-row");
    if (n) row.append(button("hsi-small hsi-primary", `Add ${n} label${n === 1 ? "" : "s"}`, () => { act("add", { id: proposal.id, pixels: proposal.pixels }); proposal = null; }));
    row.append(button("hsi-small", "Cancel", () => { proposal = null; act("cancel"); renderLabel(); }));
    label.append(row);
    return;
  }
  if (!value.classes.length) { label.append(make("p", "hsi-hint", "Add a class in the Label tab, then these places can be labelled.")); return; }
  const row = make("div", "hsi-query-row");
  const pick = make("select");
  pick.setAttribute("aria-label", "Class of the new labels");
  pick.append(...value.classes.map((c) => new Option(c.name, c.id)));
  if (!value.classes.some((c) => c.id === targetClass)) targetClass = guess(value);
  pick.value = targetClass;
  pick.addEventListener("change", () => { targetClass = pick.value; });
  const many = make("select");
  many.setAttribute("aria-label", "Pixels of each place");
  many.append(...[1, 3, 5, 10].map((n) => new Option(`${n} pixel${n === 1 ? "" : "s"} each`, String(n))));
  many.value = String(each);
  many.addEventListener("change", () => { each = Number(many.value); });
  const propose = button("hsi-small", `Propose labels from ${count} place${count === 1 ? "" : "s"}`, () => {
    act("propose", { places: chosen === null ? found.map((_, k) => k) : [...chosen], each, id: targetClass });
  });
  propose.disabled = !count;
  row.append(pick, many, propose);
  label.append(row);
}

function guess(value) {
  // the class whose name shares most words with the question
  const words = new Set(value.text.toLowerCase().split(/[^a-z]+/).filter((w) => w.length > 2));
  const score = (c) => c.name.toLowerCase().split(/[^a-z]+/).filter((w) => words.has(w) || words.has(w.replace(/s$/, ""))).length;
  return [...value.classes].sort((a, b) => score(b) - score(a))[0]?.id || "";
}

// ── what a class looks like ────────────────────────────────────────────────────────────────────
const looks = make("details", "hsi-query-more");
looks.append(make("summary", "", "What a class or a region looks like"));
const looksRow = make("div", "hsi-query-row");
const looksClass = make("select");
looksClass.setAttribute("aria-label", "Class to describe");
looksRow.append(looksClass, button("hsi-small", "Describe from its pixels", () => act("describe", { id: looksClass.value })));
const drawRow = make("div", "hsi-query-row");
const draw = button("hsi-small", "Draw a region to describe", () => {
  draw.disabled = true;
  document.dispatchEvent(new CustomEvent("hsi:draw", { detail: {} }));
}, "Drag around pixels in the picture; Escape gives up");
draw.dataset.testid = "draw-region";
drawRow.append(draw);
document.addEventListener("hsi:region", (event) => {
  if (!root.isConnected) return;
  draw.disabled = false;
  if (event.detail.polygon) act("describe region", { polygon: event.detail.polygon });
});
const looksText = make("div", "hsi-query-looks");
const looksHint = make("p", "hsi-hint");
looks.append(looksHint, looksRow, drawRow, looksText);

// ── a map from texts ───────────────────────────────────────────────────────────────────────────
const map = make("details", "hsi-query-more");
map.append(make("summary", "", "Map without a click"));
const mapRow = make("div", "hsi-query-row");
const mapTexts = make("select");
mapTexts.setAttribute("aria-label", "Texts of the map");
const mapGo = button("hsi-small hsi-primary", "Map from these texts", () => act("map", { prompts: mapTexts.value }));
mapRow.append(mapTexts, mapGo);
const mapStatus = make("p", "hsi-query-status");
const mapFigures = make("p", "hsi-query-figures");
const mapNotes = make("ul", "hsi-query-notes");
const mapShow = button("hsi-small", "", () => act("show map", { on: !readValue().map.shown }));
const curveTitle = heading("What clicks add");
const curve = make("div", "hsi-query-curve");
const curveWords = make("p", "hsi-hint");
map.append(
  make("p", "hsi-hint", "Class texts alone, matched with what was measured: no label is used. Good where classes differ in what can be described, useless where they do not."),
  mapRow, mapStatus, mapFigures, mapShow, mapNotes, curveTitle, curve, curveWords,
);

const SVG = "http://www.w3.org/2000/svg";
const shape = (tag, attributes, text) => {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return node;
};
function drawCurve(points) {
  curve.replaceChildren();
  curveTitle.hidden = curve.hidden = curveWords.hidden = !points.length;
  if (!points.length) return;
  const w = 420, h = 180, left = 42, right = 14, top = 18, bottom = 34;
  const x = (k) => left + (w - left - right) * (points.length < 2 ? 0.5 : k / (points.length - 1));
  const y = (oa) => top + (h - top - bottom) * (1 - oa / 100);
  const svg = shape("svg", { viewBox: `0 0 ${w} ${h}`, role: "img", "aria-label": points.map((p) => `${p.clicks} labels a class: ${p.oa} %`).join(", ") });
  for (const tick of [0, 25, 50, 75, 100]) {
    svg.append(shape("line", { x1: left, x2: w - right, y1: y(tick), y2: y(tick), class: "grid" }), shape("text", { x: left - 6, y: y(tick) + 4, class: "tick end" }, String(tick)));
  }
  const path = points.map((p, k) => `${k ? "L" : "M"}${x(k)} ${y(p.oa)}`).join(" ");
  svg.append(shape("path", { d: path, class: "line" }));
  points.forEach((p, k) => {
    if (p.std) svg.append(shape("line", { x1: x(k), x2: x(k), y1: y(Math.min(100, p.oa + p.std)), y2: y(Math.max(0, p.oa - p.std)), class: "spread" }));
    svg.append(shape("circle", { cx: x(k), cy: y(p.oa), r: 4, class: k ? "dot" : "dot start" }));
    const up = y(p.oa + p.std) - 8 > top - 8;
    svg.append(shape("text", { x: x(k) + (k === 0 ? 9 : k === points.length - 1 ? -9 : 9), y: up ? y(p.oa) - 8 : y(p.oa) + 16, class: k === points.length - 1 ? "value end" : "value" }, p.oa.toFixed(1)));
    svg.append(shape("text", { x: x(k), y: h - 16, class: "tick middle" }, String(p.clicks)));
  });
  svg.append(shape("text", { x: (left + w - right) / 2, y: h - 2, class: "tick middle" }, "labels a class"), shape("text", { x: 0, y: 10, class: "tick" }, "OA %"));
  curve.append(svg);
  const seeds = Math.max(...points.map((p) => p.seeds));
  curveWords.textContent = `0: this map from texts. Then the map that follows the clicks, on ${seeds} random draws of labels (bars: one standard deviation), tested on all other labelled pixels of the reference.`;
}

// ── all of it ──────────────────────────────────────────────────────────────────────────────────
root.append(form, examples, engineRow, engineNote, status, bar, answer, looks, map);

function progress(node, shown, value) {
  node.textContent = value ? `${value.text} …` : "";
  return !!value && shown;
}

function options(select, entries, value) {
  const key = JSON.stringify(entries);
  if (select.dataset.key !== key) {
    const before = select.value;
    select.dataset.key = key;
    select.replaceChildren(...entries.map(([text, id]) => new Option(text, id)));
    select.value = entries.some(([, id]) => id === before) ? before : value ?? entries[0]?.[1] ?? "";
  }
}

function render() {
  const value = readValue();
  if (!value.project) return;
  const another = lastAsked !== `${value.project}/${value.text}`;
  if (another) { lastAsked = `${value.project}/${value.text}`; chosen = null; open = -1; proposal = null; targetClass = ""; if (value.text && document.activeElement !== field) field.value = value.text; }
  options(engine, value.engines.map((e) => [e.title, e.id]), value.engine);
  engineRow.hidden = engineNote.hidden = value.engines.length < 2;
  showEngineNote();
  if (!examples.childElementCount) {
    examples.append(...(value.examples || []).map((text) => button("hsi-chip", text, () => { field.value = text; form.requestSubmit(); })));
  }
  const working = value.state === "working";
  go.disabled = false;
  const fraction = value.progress?.fraction;
  bar.hidden = !working;
  bar.firstChild.style.width = fraction == null ? "30%" : `${(100 * fraction).toFixed(0)}%`;
  const words = working ? (value.progress ? `${value.progress.text} …` : "Working …") : "";
  status.textContent = value.refused || value.error || value.said || words || (value.answer && !working ? `Answered in ${value.answer.seconds.toFixed(1)} s.` : "");
  status.dataset.kind = value.refused || value.error ? "refused" : "";
  if (!value.answer && !working && !status.textContent) status.textContent = "The answer is a heat map over the scene, with the best places and why they match. No label is needed. The first question measures the scene, once.";
  answer.hidden = !value.answer;
  if (value.answer) {
    const asked = value.answer.parts.length > 1 ? `Asked: ${value.answer.parts.join(", ")}. ` : "";
    const likes = value.answer.taken.map((t) => `${t.text} (${Math.round(100 * t.weight)} %)`).join("; ");
    taken.textContent = asked + (likes ? `Taken for: ${likes}.` : "");
    heatOn.hidden = value.answer.heat;
    notes.replaceChildren(...value.answer.notes.map((text) => make("li", "", text)));
    if (document.activeElement !== slider || another) { slider.value = value.answer.threshold; slideText.textContent = value.answer.threshold.toFixed(2); }
  }
  if (value.proposal) proposal = value.proposal;
  if (value.labelled) proposal = null;
  renderList();
  renderLabel();

  const labelled = value.classes.filter((c) => c.count);
  options(looksClass, labelled.map((c) => [`${c.name} (${c.count})`, c.id]));
  looksRow.hidden = !labelled.length;
  looksHint.textContent = labelled.length ? "Measured on the labelled pixels: hover a phrase, or choose it, for the numbers it rests on." : "Label pixels of a class, then it can be described; a region needs no label.";
  if (value.described) {
    const d = value.described;
    looksText.replaceChildren(make("h5", "", d.name), phraseLine(d), make("q", "hsi-query-prompt", d.sentences.join(" ")), ...d.notes.map((text) => make("p", "hsi-hint", text)));
    looks.open = true;
  }
  if (value.refused) looksText.replaceChildren();

  const m = value.map;
  options(mapTexts, m.choices, "p5");
  const busy = m.state === "working";
  mapGo.disabled = busy;
  mapStatus.textContent = m.error || (busy && m.progress ? `${m.progress.text} …` : "");
  mapStatus.dataset.kind = m.error ? "refused" : "";
  mapFigures.hidden = !m.ready;
  mapFigures.textContent = m.ready ? [m.figures.join(", "), m.words].filter(Boolean).join(" · ") : "";
  mapShow.hidden = !m.ready;
  mapShow.textContent = m.shown ? "Show the map of my labels again" : "Show this map";
  mapNotes.replaceChildren(...[...m.notes, m.curve_note].filter(Boolean).map((text) => make("li", "", text)));
  drawCurve(m.curve);
  if (m.state !== "idle" && !map.dataset.opened) { map.open = true; map.dataset.opened = "1"; }
}
onValue(render);
render();
