// @ts-check
// The title line: product, scene, its size, what it runs on; below it what was wrong with a project.
// value: {title, facts, guest, notes}

import { panel } from "../web/component.js";
import { make } from "../web/dom.js";

/** @param {import("../web/component.js").Gradio} gradio */
export function mount(gradio) {
  const { root, readValue, onValue } = panel(gradio, ".hsi-top");
  const brand = make("h1", "hsi-brand");
  brand.append(make("b", "", "HSI"), " Studio");
  const title = make("p", "hsi-scene-title");
  const facts = make("p", "hsi-scene-facts");
  const leave = make("a", "hsi-leave", "Shared with you · leave");
  leave.href = "/hsi/leave";
  leave.hidden = true;
  const notes = make("div", "hsi-top-notes");
  notes.setAttribute("role", "status");
  root.append(brand, title, leave, facts, notes);
  function render() {
    const value = readValue();
    title.textContent = value.title || "";
    facts.textContent = value.facts || "";
    leave.hidden = !value.guest;
    notes.replaceChildren(
      ...(value.notes || []).map((/** @type {string} */ text) => {
        const note = make("p", "hsi-note", text);
        const close = make("button", "hsi-note-close", "×");
        close.setAttribute("aria-label", "Close this note");
        close.addEventListener("click", () => note.remove());
        note.append(close);
        return note;
      }),
    );
  }
  onValue(render);
  render();
}
