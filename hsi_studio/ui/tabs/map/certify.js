// @ts-check
// Certify a map: random pixels, one after the other, labelled without seeing what the map shows there.

import { button, dot, labelled, make } from "../../web/dom.js";
import { counted } from "../../web/formats.js";
import { fileButton } from "./files.js";

/**
 * @param {(what: string, more?: object) => void} act
 * @param {(place: [number, number] | null) => void} go  frame a pixel of the picture
 */
export function makeCertify(act, go) {
  const node = make("div", "ev-certify");
  const said = make("p", "hsi-hint");
  let at = -1, key = "";

  function ask(box, again) {
    const se = make("input");
    se.type = "number";
    se.min = "0.5";
    se.max = "20";
    se.step = "0.5";
    se.value = "3";
    const row = make("div", "ev-row"), plan = make("p", "hsi-hint");
    row.append(
      labelled("Standard error of OA, points", se, "ev-field"),
      button("hsi-small", "How many?", "", () => act("plan", { se: Number(se.value) })),
      button("hsi-small", again ? "Draw a new sample" : "Certify this map", "", () => act("draw sample", { se: Number(se.value) })),
    );
    box.append(row, plan);
    return plan;
  }

  function question(sample) {
    const box = make("div", "ev-question"), classes = make("div", "ev-answers"), said = sample.answers[at];
    box.append(make("h4", "", `Random pixel ${at + 1} of ${sample.total}: what is it?`));
    for (const info of sample.classes) {
      const one = button("hsi-small", "", "", () => act("answer", { number: at, id: info.id }));
      one.append(dot(info.color), info.name);
      one.setAttribute("aria-pressed", String(said === info.id));
      classes.append(one);
    }
    const other = make("div", "ev-row");
    other.append(
      button("hsi-small", "I cannot tell", "The pixel is left out", () => act("answer", { number: at, id: "" })),
      button("hsi-small", "Back", "The pixel before", () => act("look", { number: Math.max(0, at - 1) })),
      button("hsi-small hsi-quiet", "Stop for now", "The answers are kept", () => { at = -1; go(null); act("uncover"); draw(last); }),
    );
    box.append(make("p", "hsi-hint", "The ring marks it. The map is hidden, and clicks in the picture show spectra only."), classes, other);
    return box;
  }

  let last = null;
  function draw(value) {
    last = value;
    const sample = value.certify;
    if (value.at !== undefined) at = value.at;
    else if (!sample || sample.next === null) at = -1;
    const now = JSON.stringify([sample, at, value.plan]);
    if (now === key) return;
    key = now;
    node.replaceChildren(make("h4", "", "Certify this map"));
    if (sample?.problem) {
      node.append(make("p", "ev-problem", sample.problem));
      return;
    }
    if (!sample) {
      node.append(make("p", "hsi-hint", "Random pixels of every class, looked at without seeing the map, give areas and accuracies with standard errors."));
      ask(node, false).textContent = value.plan || "";
      return;
    }
    if (at >= 0) {
      node.append(question(sample));
      if (value.at !== undefined) go(sample.points[at]);
      return;
    }
    const row = make("div", "ev-row"), left = sample.total - sample.done;
    row.append(
      left ? button("hsi-small hsi-primary", sample.done ? `Go on: ${counted(left, "pixel")} left` : `Look at ${counted(left, "pixel")}`, "", () => act("look", { number: sample.next }))
        : make("span", "", `All ${counted(sample.total, "pixel")} were looked at.`),
      button("hsi-small", "Save the pixels (.gpkg)", "To label them in QGIS", () => act("sample file")),
      fileButton("Read the pixels (.gpkg)", {
        accept: ".gpkg", route: () => `/hsi/evidence/${encodeURIComponent(value.project)}/sample`, said, done: () => act("told"),
      }),
    );
    node.append(make("p", "hsi-hint", `A random sample of “${sample.title}”: ${sample.done} of ${counted(sample.total, "pixel")} looked at.`), row, said);
    const more = make("details", "ev-more");
    more.append(make("summary", "", "Another sample"));
    ask(more, true).textContent = value.plan || "";
    more.open = Boolean(value.plan);
    node.append(more);
  }
  return { node, draw };
}
