// @ts-check
// The Query tab: a question in words, where it holds and why, labels from it; a map from class texts alone.
//
// value from Python: {project, serial, engines: [{id, title, note}], engine, examples: ["…"], text, state, progress, error,
//   classes: [{id, name, color, count}], answer: {seconds, threshold, taken: [{text, weight, cosine}], spectrum, parts: ["…"], notes,
//   looking, regions: [{row, col, box, score, size, description, reasons: [{text, weight, grade, facts}]}]} | null,
//   map: {state, prompts, choices: [[words, value]], progress, error, ready, shown, figures, words, notes,
//   curve: [{clicks, oa, std, seeds, method}], curve_note}, words: bool, proposal?: {pixels: [[row, col]], id}, said?, refused?,
//   described?: {name, sentences, phrases: [{text, evidence: ["…"]}], notes}, labelled?}
// event to Python: act {do: "ask" | "threshold" | "propose" | "cancel" | "add" | "heat" | "describe" | "describe region" | "map" | "show map" | "words", …}
// All text is set with textContent: questions and class names come from people.

import { panel } from "../../web/component.js";
import { button, labelled, make, setOptions } from "../../web/dom.js";
import { makeLooks } from "./looks.js";
import { makePlaces } from "./places.js";
import { makeTextMap } from "./text_map.js";

const ABOUT = "The answer is a heat map over the scene, with the best places and why they match. No label is needed. " +
  "The first question measures the scene, once.";

// What stands under the question: what went wrong, what is going on, or how long the answer took.
function statusOf(value) {
  const working = value.state === "working";
  const told = value.refused || value.error || value.said;
  if (told) return told;
  if (working) return value.progress ? `${value.progress.text} …` : "Working …";
  return value.answer ? `Answered in ${value.answer.seconds.toFixed(1)} s.` : ABOUT;
}

/** @param {import("../../web/component.js").Gradio} gradio */
export function mount(gradio) {
  const { root, act, readValue, onValue, onPage } = panel(gradio, ".hsi-query");
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
  const engineRow = labelled("Answered by", engine, "hsi-query-row");
  const status = make("p", "hsi-query-status");
  status.setAttribute("role", "status");
  const bar = make("div", "hsi-query-bar"), fill = make("i");
  bar.append(fill);
  const places = makePlaces(act), looks = makeLooks(act, onPage), map = makeTextMap(act);
  root.append(map.node, make("h4", "hsi-query-title", "Ask the scene"), form, examples, engineRow, engineNote, status, bar, places.node, looks.node);
  let lastAsked = "";

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    places.forget();
    act("ask", { text: field.value, engine: engine.value || "described" });
  });
  engine.addEventListener("change", showEngineNote);
  function showEngineNote() {
    const one = (readValue().engines || []).find((e) => e.id === engine.value);
    engineNote.textContent = one ? `${one.note}.` : "";
  }

  function render() {
    const value = readValue();
    if (!value.project) return;
    const another = lastAsked !== `${value.project}/${value.text}`;
    if (another) {
      const moved = !lastAsked.startsWith(`${value.project}/`); // a question was about the scene before
      lastAsked = `${value.project}/${value.text}`;
      places.forget();
      if ((value.text || moved) && document.activeElement !== field) field.value = value.text;
    }
    setOptions(engine, value.engines.map((e) => [e.title, e.id]), value.engine);
    engineRow.hidden = engineNote.hidden = value.engines.length < 2;
    showEngineNote();
    if (examples.dataset.of !== String(value.examples)) { // another scene may have others
      examples.dataset.of = String(value.examples);
      examples.replaceChildren(...(value.examples || []).map((text) => button("hsi-chip", text, "", () => { field.value = text; form.requestSubmit(); })));
    }
    const fraction = value.progress?.fraction;
    bar.hidden = value.state !== "working";
    fill.style.width = fraction == null ? "30%" : `${(100 * fraction).toFixed(0)}%`;
    status.textContent = statusOf(value);
    status.dataset.kind = value.refused || value.error ? "refused" : "";
    places.draw(value, another);
    looks.draw(value);
    map.draw(value.map, value.words);
  }
  onValue(render);
  render();
}
