// @ts-check
// The accuracy strip: figures with their interval, and the words that say on which pixels. It is the first part of the
// dock, whose other parts it makes (dock.js).
//
// value from Python: {project, brief, state: "figures" | "words" | "busy" | "error", text: "…", age: "…",
//   groups: [{title, words, figures: [{name, value, low, high, help}], strict}],    strict: shown alone to a room
//   card: {text, caveat, worse, layer}}    a map that is ready and waits to be shown. act {do: "show" | "dismiss"}

import { panel } from "../web/component.js";
import { button, make } from "../web/dom.js";
import { makeDock } from "./dock.js";

function figure(item) {
  const box = make("div", "hsi-figure");
  box.title = item.help;
  box.append(make("span", "hsi-figure-name", item.name), make("span", "hsi-figure-value", item.value));
  box.append(make("span", "hsi-figure-range", item.low === "" ? "" : `${item.low} to ${item.high}`));
  return box;
}

/** @param {import("../web/component.js").Gradio} gradio */
export function mount(gradio) {
  const { root, readValue, onValue, onPage, act } = panel(gradio, ".hsi-strip");
  const dock = makeDock(root, onPage);
  function render() {
    const value = readValue();
    if (value.project) dock.of(value.project, value.brief);
    root.dataset.state = value.state || "words";
    root.replaceChildren();
    for (const group of value.groups || []) {
      const section = make("section", group.strict ? "hsi-strip-group is-strict" : "hsi-strip-group");
      section.append(make("h4", "", group.title));
      if (group.figures.length) {
        const figures = make("div", "hsi-figures");
        figures.append(...group.figures.map(figure));
        section.append(figures);
      }
      section.append(make("p", "hsi-hint", group.words));
      root.append(section);
    }
    if (value.card) {
      const card = make("div", "hsi-card"), buttons = make("span", "hsi-card-buttons");
      const [show, leave] = value.card.worse ? ["", " hsi-primary"] : [" hsi-primary", ""];
      buttons.append(
        button(`hsi-small${show}`, "Show", "Show this map in the picture", () => act("show")),
        button(`hsi-small${leave}`, "Leave it", "Keep what is shown; the map stays in its list", () => act("dismiss")),
      );
      card.append(make("span", "", value.card.text), buttons);
      if (value.card.caveat) card.append(make("p", "hsi-hint", value.card.caveat));
      root.prepend(card);
    }
    if (value.text) root.append(make("p", value.state === "error" ? "hsi-strip-error" : "hsi-strip-text", value.text));
  }
  root.setAttribute("role", "status");
  onValue(render);
  render();
}
