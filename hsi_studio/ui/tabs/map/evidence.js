// @ts-check
// The Map tab's panel: the layer that is shown, its confusion matrix and areas, random pixels to be labelled blind, steps
// after the map. value from Python: see values.py. act {do: …}: see tab.py.

import { panel, tell } from "../../web/component.js";
import { button, dot, loadSheet, make, setOptions } from "../../web/dom.js";
import { makeCertify } from "./certify.js";
import { makeElsewhere } from "./elsewhere.js";
import { makeHoldout } from "./holdout.js";
import { layerItem } from "./layer_item.js";
import { makeMatrix } from "./matrix.js";

/** @param {string} title @param {boolean} [open] */
function part(title, open = false) {
  const node = make("details", "ev-part");
  node.open = open;
  node.append(make("summary", "", title));
  return node;
}

/** @param {any} areas @param {HTMLElement} box */
function drawAreas(areas, box) {
  box.replaceChildren();
  if (!areas) return;
  const table = make("table", "ev-table"), head = table.createTHead().insertRow();
  const estimated = areas.rows.some((row) => row.estimate);
  const titles = ["Class", `Mapped, ${areas.unit}`, ...(estimated ? [`Estimated, ${areas.unit}`, "Standard error"] : [])];
  head.append(...titles.map((text, k) => make("th", k ? "number" : "", text)));
  const body = table.createTBody();
  for (const row of areas.rows) {
    const line = body.insertRow(), name = make("td");
    name.append(dot(row.color), row.name);
    line.append(name, make("td", "number", row.mapped));
    if (estimated) line.append(make("td", "number", row.estimate || "–"), make("td", "number", row.se ? `± ${row.se}` : "–"));
  }
  if (areas.certified) box.append(make("p", "ev-certified", areas.certified));
  box.append(table, make("p", "hsi-hint", areas.words));
}

/** @param {(what: string, more?: object) => void} act */
function makeSteps(act) {
  const node = part("Clean up, and leave out what is unsure"), row = make("div", "ev-row");
  const kind = make("select"), size = make("input"), unit = make("span", "hsi-hint"), kept = make("ul", "ev-layers");
  size.type = "number";
  size.min = "0";
  size.step = "any";
  kind.setAttribute("aria-label", "Step");
  size.setAttribute("aria-label", "Its size or threshold");
  let steps = [];
  const chosen = () => steps.find((one) => one.kind === kind.value);
  const follow = () => { size.value = String(chosen()?.value ?? ""); unit.textContent = chosen()?.unit ?? ""; };
  kind.addEventListener("change", follow);
  row.append(kind, size, unit, button("hsi-small", "Add as a layer", "", () => act("step", { kind: kind.value, value: Number(size.value) })));
  const looks = make("div", "ev-row"), said = make("ul", "ev-said");
  node.append(
    make("p", "hsi-hint", "Each makes a new layer; the map below stays as it is, and the layer can be removed."), row, kept,
    make("h4", "", "How sure is the model?"), looks, said,
  );
  return {
    node,
    draw(value) {
      const first = !steps.length;
      steps = value.steps || [];
      setOptions(kind, steps.map((one) => [one.title, one.kind]));
      if (first) follow();
      kept.replaceChildren(...(value.layers || []).filter((one) => one.edited).map((one) => layerItem(one, act)));
      if (!looks.childElementCount) {
        looks.append(
          ...(value.surfaces || []).map((name) => button("hsi-small", `Show ${name}`, "", () => act("surface", { kind: name }))),
          button("hsi-small", "Can it be believed?", "Calibration and class sets, measured on pixels the model has not seen", () => {
            said.replaceChildren(make("li", "hsi-hint", "Asking the model …"));
            act("calibrate");
          }),
        );
      }
      if (value.calibration || value.refused) said.replaceChildren(...(value.calibration || []).map((text) => make("li", "", text)));
    },
  };
}

/** @param {import("../../web/component.js").Gradio} gradio */
export function mount(gradio) {
  const { root, readValue, onValue, act, onPage } = panel(gradio, ".hsi-evidence");
  const problem = make("p", "ev-problem");
  problem.setAttribute("role", "alert");
  const matrix = makeMatrix(), steps = makeSteps(act), certify = makeCertify(act, (place) => {
    tell("hsi:place", place ? { box: [place[0], place[1], 1, 1], go: true } : { box: null, go: false });
  });
  const matrixPart = part("Confusion matrix", true), areasPart = part("Areas", true), areas = make("div");
  const holdoutPart = part("Hold-out regions"), drawHoldout = makeHoldout(holdoutPart, act, onPage);
  const elsewherePart = part("Maps from elsewhere"), drawElsewhere = makeElsewhere(elsewherePart, act);
  matrixPart.append(matrix.node);
  areasPart.append(areas, certify.node);
  loadSheet(new URL("map.css", import.meta.url).href, "The style of the Map step could not be loaded: reload the page.")
    .catch((error) => console.error(error));
  const format = make("select"), saving = make("div", "ev-row ev-save");
  format.setAttribute("aria-label", "Kind of file");
  saving.append(format, button("hsi-small", "Save this file", "Of the map that is shown; the picture as it is on the page", () => {
    const look = /** @type {HTMLElement | null} */ (document.querySelector(".hsi-viewer"))?.dataset;
    act("save", { name: format.value, composite: look?.composite, stretch: look?.stretch });
  }));
  root.append(saving, problem, matrixPart, areasPart, holdoutPart, steps.node, elsewherePart);

  function render() {
    const value = readValue();
    if (!value.project) return;
    setOptions(format, value.formats || []);
    problem.hidden = !value.refused;
    problem.textContent = value.refused || "";
    matrix.draw(value);
    drawAreas(value.areas, areas);
    certify.draw(value);
    drawHoldout(value);
    drawElsewhere(value);
    steps.draw(value);
  }
  onValue(render);
  render();
  if (!readValue().project) tell("hsi:follow"); // the value came before this module did
}
