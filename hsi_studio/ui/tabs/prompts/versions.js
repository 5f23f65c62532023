// @ts-check
// The versions of a prompt set, newest first, and what changed from one of them to now.
//
// value from Python: {set, versions: [{n, when, why, now, undone}], diff: {n, classes: [{name, color, words: [[kind, text]]}]}}
// event to Python:   act {do: "diff" | "revert", version}

import { panel } from "../../web/component.js";
import { button, dot, make } from "../../web/dom.js";

function diffOf(diff) {
  const box = make("div", "hsi-diff");
  if (!diff.classes.length) box.append(make("p", "hsi-hint", "It says what the set says now."));
  for (const one of diff.classes) {
    const line = make("p", "");
    line.append(dot(one.color), make("b", "", `${one.name}: `));
    for (const [kind, text] of one.words) {
      line.append(make(kind === "gone" ? "del" : kind === "new" ? "ins" : "span", "", text), " ");
    }
    box.append(line);
  }
  return box;
}

/** @param {import("../../web/component.js").Gradio} gradio */
export function mount(gradio) {
  const { root, act, readValue, onValue } = panel(gradio, ".hsi-wordings");
  function render() {
    const value = readValue();
    root.replaceChildren();
    const versions = value.versions || [];
    if (!versions.length) {
      root.append(make("p", "hsi-hint", "Every change makes a version that can be compared and had back. There is no prompt set yet."));
      return;
    }
    const list = make("ol", "hsi-versions");
    for (const one of versions) {
      const item = make("li", "");
      const line = make("div", "hsi-history-head");
      line.append(make("b", "", `Version ${one.n}`), make("span", "", `${one.why} · ${one.when}${one.undone ? " · undone" : ""}`));
      if (one.now) line.append(make("i", "", "now"));
      else {
        line.append(
          button("hsi-small", "Compare", `What changed from version ${one.n} to now`, () => act("diff", { version: one.n })),
          button("hsi-small", "Go back", `Say again what version ${one.n} said; this makes a new version`, () => act("revert", { version: one.n })),
        );
      }
      item.append(line);
      if (value.diff && value.diff.n === one.n) item.append(diffOf(value.diff));
      list.append(item);
    }
    root.append(list);
  }
  onValue(render);
  render();
}
