// @ts-check
// The prompt sets of a project: which one is shown, and its table of classes × sentences, edited in place.
//
// value from Python: {project, rev, sets: [{id, name, version}], set, name, version, origin, language, languages, note,
//   undo, redo, labelled, classes: [{id, name, color, sentences: [{text, tokens, kind}], flags: [{n, kind, text}]}], limits,
//   ack, refused, history: {id, entries: [{version, when, why, sentences, now}]}, recipes: see `recipe.js`}
// event to Python:   act {do, …}, see `ui/tabs/prompts/__init__.py`; measure {}: a set described from the labelled pixels
// A sentence is committed when the cursor leaves it or with Enter; Escape takes the typing back. The row that has the
// cursor is not drawn again by an answer, so that nobody loses what they type.

import { panel } from "../../web/component.js";
import { button, fitHeight, make, renameBox } from "../../web/dom.js";
import { classRows } from "./class_rows.js";

const STARTS = [
  ["p5", "p5 · Described", "two sentences a class on colour, height, spectrum and neighbours"],
  ["pixels", "From the pixels", "measured on the pixels you labelled"],
  ["p4", "p4 · Long template", "a multimodal fusion patch of a … with strong semantic information."],
  ["p3", "p3 · Fusion template", "a fusion patch of a …"],
  ["p2", "p2 · Nice template", "a nice patch of a …"],
  ["p1", "p1 · Plain template", "a patch of a …"],
  ["empty", "Empty", "write every sentence yourself"],
];

/** @param {import("../../web/component.js").Gradio} gradio */
export function mount(gradio) {
  const { root, trigger, act, readValue, onValue, whenSeen } = panel(gradio, ".hsi-prompts");
  let shown = { project: "", rev: -1, set: "" };
  let asking = false; // "delete this set?"
  let renaming = false;
  let choosing = false; // the list of starts is open
  const head = make("div", "hsi-prompts-head");
  const starts = make("div", "hsi-starts");
  const about = make("p", "hsi-hint");
  const said = make("p", "hsi-prompts-said");
  said.setAttribute("role", "status");
  const list = make("ul", "hsi-prompts-list");
  const foot = make("p", "hsi-hint");
  root.append(head, starts, about, said, list, foot);
  const rows = classRows(list, act, () => render());

  function drawHead(value) {
    if (renaming && head.contains(document.activeElement)) return;
    head.replaceChildren();
    const back = [["undo", "↶"], ["redo", "↷"]].map(([what, label]) => {
      const node = button("hsi-small", label, value[what] || `Nothing to ${what}`, () => act(what));
      node.disabled = !value[what];
      return node;
    });
    if (!value.set) {
      if (value.undo || value.redo) head.append(...back);
      return;
    }
    if (renaming) {
      head.append(renameBox("hsi-prompts-name", value.name, 80, "Name of this prompt set", (name) => {
        renaming = false;
        if (name) act("rename", { name });
        render();
      }));
      return;
    }
    const choice = make("select", "hsi-prompts-choice");
    choice.setAttribute("aria-label", "Prompt set");
    for (const one of value.sets) {
      const option = make("option", "", `${one.name} · version ${one.version}`);
      option.value = one.id;
      option.selected = one.id === value.set;
      choice.append(option);
    }
    choice.addEventListener("change", () => act("show", { set: choice.value }));
    head.append(choice, ...back);
    if (asking) {
      head.append(
        button("hsi-small hsi-danger", "Delete", `Delete ${value.name}; undo brings it back`, () => { asking = false; act("delete"); }),
        button("hsi-small", "Keep", "Keep the set", () => { asking = false; render(); }),
      );
      return;
    }
    head.append(
      button("hsi-small", choosing ? "Close" : "New …", "Start another prompt set", () => { choosing = !choosing; render(); }),
      button("hsi-small", "Read as materials", "What each class's sentences say it is made of, to see and correct", () => {
        said.textContent = "Reading …";
        said.hidden = false;
        act("read");
      }),
      button("hsi-small", "Copy", "Copy this set to change it without losing it", () => act("create", { source: `copy:${value.set}` })),
      button("hsi-small", "Rename", "Give this set another name", () => { renaming = true; render(); }),
      button("hsi-small", "Delete", "Delete this set", () => { asking = true; render(); }),
    );
  }

  function drawStarts(value) {
    const open = !value.set || choosing;
    starts.hidden = !open;
    starts.replaceChildren();
    if (!open) return;
    starts.append(make("p", "hsi-hint", value.set ? "Start another set from:" :
      "Methods that read text learn from these sentences. Write down what sets each class apart; start from:"));
    for (const [source, label, what] of STARTS) {
      const node = button("hsi-start", "", what, () => {
        choosing = false;
        if (source === "pixels") trigger("measure", {}); // takes a while on a large scene
        else act("create", { source });
      });
      node.dataset.source = source;
      node.disabled = source === "pixels" && !value.labelled;
      node.append(make("b", "", label), make("span", "", node.disabled ? "label some pixels first, then they can be described" : what));
      starts.append(node);
    }
  }

  function render() {
    const value = readValue();
    if (value.ack) rows.answered(value.ack, Boolean(value.refused));
    if (value.project === shown.project && value.rev < shown.rev) return; // an answer that was overtaken
    if (value.set !== shown.set || value.project !== shown.project) { rows.clear(); asking = false; }
    shown = { project: value.project, rev: value.rev, set: value.set };
    drawHead(value);
    drawStarts(value);
    about.textContent = value.set ? [value.origin && `From: ${value.origin}.`, value.note].filter(Boolean).join(" ") : "";
    about.hidden = !about.textContent;
    said.textContent = value.refused || value.said || "";
    said.dataset.kind = value.refused ? "refused" : "";
    said.hidden = !said.textContent;
    const items = value.set ? value.classes.map((info) => rows.draw(value, info)) : [];
    const now = [...list.children];
    if (items.length !== now.length || items.some((item, n) => item !== now[n])) list.replaceChildren(...items);
    list.hidden = !items.length;
    foot.textContent = value.set ? (value.classes.length ? value.limits : "No classes yet: add some in the Label tab.") : "";
    fitAll();
  }
  function fitAll() {
    for (const box of list.querySelectorAll("textarea")) fitHeight(box);
  }
  new ResizeObserver(fitAll).observe(root); // a hidden tab has no sizes
  onValue(render);
  render();
  whenSeen(() => trigger("look", {})); // labels may have changed, and with them what the words say of them
}
