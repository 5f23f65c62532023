// @ts-check
// The Lesson tab: start one, hand it in, see its score beside the baseline's.
// value from Python: see values.py. It has no events: it asks by routes.py and has the page open the project anew.

import { panel, tell } from "../../web/component.js";
import { button, labelled, make } from "../../web/dom.js";
import { counted } from "../../web/formats.js";
import { openStep } from "../../web/steps.js";

/** @param {import("../../web/component.js").Gradio} gradio */
export function mount(gradio) {
  const { root, readValue, onValue } = panel(gradio, ".hsi-lesson");
  const said = make("p", "hsi-lesson-said");
  said.setAttribute("role", "status");
  let key = "", busy = false, was = "";

  /** @param {string} path @param {object} body @param {string} step  that is opened then @param {string} while_ */
  async function ask(path, body, step, while_) {
    busy = true;
    said.textContent = while_;
    draw(true);
    const answer = await fetch(`/hsi/lesson/${encodeURIComponent(readValue().project)}/${path}`, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    }).catch(() => null);
    const found = await answer?.json().catch(() => null);
    busy = false;
    if (answer?.ok) {
      said.textContent = was = "";
      tell("hsi:open", { project: found.project });
      if (step) openStep(step);
    } else said.textContent = typeof found?.detail === "string" ? found.detail : "The server did not answer: try again.";
    draw(true);
  }

  function starting(value, again) {
    const box = make(again ? "details" : "div"), row = make("div", "hsi-lesson-row"), shots = make("input");
    Object.assign(shots, { type: "number", min: 1, max: 100, step: 1, value: String(value.shots) });
    const go = button(again ? "hsi-small" : "hsi-small hsi-primary", "Start a lesson", "", () => {
      if (shots.reportValidity()) ask("start", { shots: shots.valueAsNumber }, "label", "Starting …");
    });
    go.disabled = busy;
    row.append(labelled("Pixels a class", shots, "hsi-lesson-field"), go);
    if (again) box.append(make("summary", "", "Another lesson on this scene"));
    box.append(
      make("p", "hsi-hint", "A new project on this scene, without labels. Its reference, and every figure made from it, is hidden until the " +
        "lesson is handed in. Then the score stands beside a baseline: SVM on single spectra, from as many pixels a class drawn at random."),
      row,
      make("p", "hsi-hint", "Projects you have keep their reference in sight. On a server, a shared link shows somebody the lesson and nothing else. " +
        "Who has the same link works on the same labels: start a lesson for each student."),
    );
    return box;
  }

  function going(value) {
    const box = make("div"), given = value.total - value.left;
    const bar = make("progress", "hsi-lesson-bar");
    bar.max = value.total;
    bar.value = given;
    bar.setAttribute("aria-label", "Labels given");
    const go = button("hsi-small hsi-primary", "Hand in", "Measure the map on the screen, and show the reference", () =>
      ask("hand-in", {}, "", "Making the baseline’s map and measuring both …"));
    go.disabled = busy || !value.map;
    box.append(
      make("p", "hsi-lesson-left", `${value.left} of ${counted(value.total, "label")} left`), bar,
      make("p", "hsi-hint", `${counted(value.shots, "label")} a class; one taken away can be given again. The reference is hidden until you hand in, which ends the lesson.`),
      make("p", "hsi-hint", value.map ? `Handed in is the map on the screen: ${value.map}.` : "There is no map yet: label two classes."),
    );
    if (value.without.length) box.append(make("p", "hsi-hint", `Without a label, so wrong wherever it is: ${value.without.join(", ")}.`));
    const row = make("div", "hsi-lesson-row");
    row.append(go, button("hsi-small", "Go on labelling", "", () => openStep("label")));
    box.append(row);
    return box;
  }

  function done(value) {
    const box = make("div"), figures = make("dl", "hsi-lesson-figures");
    for (const one of value.figures) {
      const cell = make("div");
      cell.append(make("dt", "", one.name), make("dd", "hsi-lesson-value", one.value), make("dd", "hsi-lesson-range", one.range ? `95 % interval ${one.range}` : "no interval yet"));
      figures.append(cell);
    }
    box.append(figures, make("p", "hsi-lesson-verdict", value.verdict), ...value.said.map((text) => make("p", "hsi-hint", text)));
    return box;
  }

  /** @param {boolean} [again] */
  function draw(again = false) {
    const value = readValue(), now = JSON.stringify(value);
    if (now === key && !again) return;
    key = now;
    const here = `${value.project} ${value.state}`;
    if (was === `${value.project} on` && value.state === "done" && !busy) tell("hsi:open", { project: value.project }); // elsewhere
    if (!busy) was = here;
    const title = { none: "Few pixels, the reference hidden", on: "The lesson is on", done: "Handed in" }[value.state];
    root.replaceChildren(...(title ? [make("h3", "", title)] : []));
    if (value.problem) root.append(make("p", "hsi-hint", value.problem));
    if (value.state === "on") root.append(going(value));
    if (value.state === "done") root.append(done(value));
    if (value.start) root.append(starting(value, value.state === "done"));
    else if (value.state === "none") {
      root.append(make("p", "hsi-hint", value.guest ? "Whoever owns this project can start a lesson." :
        "A lesson needs a reference to measure against: open the scene with a reference file (step 1, Scene)."));
    }
    root.append(said);
  }
  onValue(draw);
  draw();
  if (!readValue().project) tell("hsi:follow"); // the value came before this module did
}
