// @ts-check
// Facts as tables. value from Python:
//   {notes: ["…"], sections: [{title, rows: [[name, value]], head: ["…"], table: [["…"]], numbers: [1, 2]}], empty: "…"}
// A table whose first column has no head is one of names, which do not break, as those of `rows`.

import { panel } from "./component.js";
import { make } from "./dom.js";

function table(section) {
  const out = make("table", section.head?.[0] === "" ? "hsi-named" : "");
  const numbers = new Set(section.numbers || []), named = section.rows || section.head?.[0] === "";
  if (section.head) {
    const row = make("tr");
    row.append(...section.head.map((text, i) => make(text ? "th" : "td", numbers.has(i) ? "number" : "", text)));
    out.createTHead().append(row);
  }
  const body = make("tbody");
  for (const cells of section.rows || section.table || []) {
    const row = make("tr");
    row.append(
      ...cells.map((text, i) => make(named && i === 0 ? "th" : "td", numbers.has(i) ? "number" : "", text)),
    );
    body.append(row);
  }
  out.append(body);
  return out;
}

/** @param {import("./component.js").Gradio} gradio */
export function mount(gradio) {
  const { root, readValue, onValue } = panel(gradio, ".hsi-facts");
  function render() {
    const value = readValue();
    root.replaceChildren();
    for (const note of value.notes || []) root.append(make("p", "hsi-note", note));
    for (const section of value.sections || []) {
      if (section.title) root.append(make("h4", "", section.title));
      root.append(table(section));
      if (section.words) root.append(make("p", "hsi-hint", section.words));
    }
    if (value.empty) root.append(make("p", "hsi-hint", value.empty));
  }
  onValue(render);
  render();
}
