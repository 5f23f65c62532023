// @ts-check
// The title line: product, scene, its size, what it runs on; the way to other scenes, to files, and to the large view;
// below it what was wrong with a project. value: {title, facts, guest, notes, project, start}; `start`: nothing is open

import { makeOpening } from "../opening/opening.js";
import { panel } from "../web/component.js";
import { button, make } from "../web/dom.js";
import { present, presenting } from "../web/present.js";
import { makeSplitter } from "../web/splitter.js";
import { fillSteps, openStep, watchSteps } from "../web/steps.js";
import { startWalk } from "../web/walk.js";

/** @param {import("../web/component.js").Gradio} gradio */
export function mount(gradio) {
  const { root, readValue, trigger, onValue, onPage } = panel(gradio, ".hsi-top");
  const brand = make("h1", "hsi-brand");
  brand.append(make("b", "", "HSI"), " Studio");
  const title = make("p", "hsi-scene-title");
  const facts = make("p", "hsi-scene-facts");
  const leave = make("form", "");  // a link would change something by GET
  leave.method = "post";
  leave.action = "/hsi/leave";
  leave.append(make("button", "hsi-leave", "Shared with you · leave"));
  leave.hidden = true;
  const large = button("hsi-small", "Present", "Show the picture large, for a room (P)", () => present());
  const opening = makeOpening({
    opened: (done) => trigger("opened", done),
    here: () => readValue().project || "",
  });
  const doors = make("div", "hsi-doors");
  const open = button("hsi-small", "Open", "Open files, another scene or another project", () => opening.start());
  doors.append(
    open,
    large,
    button("hsi-small", "Export", "Save the map that is shown, and the labels", () => openStep("map")),
  );
  const notes = make("div", "hsi-top-notes");
  notes.setAttribute("role", "status");
  root.append(brand, title, leave, facts, doors, notes);
  document.getElementById("hsi-loading")?.remove(); // ui/before_gradio.py
  function render() {
    const value = readValue();
    title.textContent = value.title || "";
    facts.textContent = facts.title = value.facts || ""; // a narrow page shows its beginning
    leave.hidden = !value.guest;
    open.hidden = Boolean(value.guest); // a guest has this project and nothing else to open
    if (value.start) opening.start({ must: true });
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
  onPage("hsi:open", (wanted) => trigger("opened", wanted));
  onPage("hsi:present", () => {
    large.textContent = presenting() ? "End (P)" : "Present";
    window.dispatchEvent(new Event("resize"));
  });
  onValue(render);
  render();
  watchSteps();
  fillSteps(gradio.trigger);
  startWalk();
  (function split(tries = 0) { // the panel comes a moment after the title line
    if (document.querySelector("#hsi-side #hsi-steps")) makeSplitter();
    else if (tries < 100) setTimeout(split, 50, tries + 1);
  })();
}
