// @ts-check
// The class list: colour, key, name, labelled pixels; add, rename, recolour, delete, paste a whole list.
//
// value from Python: {classes: [{id, name, color, count}], active: id of a class that was just made, undo: "…", redo: "…",
//                     draw: whether there is a reference to draw labels from, lesson: {shots} while one is on}
// event to Python:   act {do: "add" | "rename" | "recolour" | "remove" | "paste" | "add several" | "draw" | "undo" | "redo", …}
// Names are always set with textContent: they come from files and from people.

import { panel, tell } from "../../web/component.js";
import { button, dialogOf, make, renameBox, TYPING } from "../../web/dom.js";
import { counted } from "../../web/formats.js";
import { openFold, openStep } from "../../web/steps.js";
import { drawDialog } from "./draw_labels.js";

// A button whose hint is read out with its label: there are several of the same label in the list.
const named = (cls, label, hint, onclick) => {
  const node = button(cls, label, hint, onclick);
  node.setAttribute("aria-label", `${label}: ${hint}`);
  return node;
};

/** Whether to say that there are no classes: not before the scene is open, when nothing is known. @param {Record<string, any>} value */
export const saysNoClasses = (value) => Boolean(value.classes) && value.classes.length === 0;

const LONGEST = 80; // characters of a class name, as the server counts them

/** What is wrong with a name before it is sent, so that it stays in its box; "" for nothing. @param {string} name */
export function nameProblem(name) {
  const long = [...name].length;
  return long > LONGEST ? `${long} characters; ${LONGEST} is the most. Shorten the name.` : "";
}

/**
 * The text a class list begins with in its dialog: the list there is, or what was given and refused.
 * @param {{name: string, color: string}[]} classes @param {{text: string, instead: string} | null} given
 */
export function listText(classes, given) {
  const now = classes.map((c) => `${c.name}, ${c.color}`).join("\n");
  return given && given.instead === now ? given.text : now;
}

/** @param {import("../../web/component.js").Gradio} gradio */
export function mount(gradio) {
  const { root, act, readValue, onValue, onPage } = panel(gradio, ".hsi-classes");
  let active = null; // id of the class a click labels with; the page decides, Python only when it must
  let renaming = null; // id of the class whose name is being edited: a refresh must not take the cursor away
  let removing = null; // id of the class that asks "delete with its labels?"

  const head = make("div", "hsi-classes-head");
  const title = make("h3", "", "Classes");
  const undo = button("hsi-small", "↶", "Undo", () => act("undo"));
  const redo = button("hsi-small", "↷", "Redo", () => act("redo"));
  undo.dataset.testid = "undo";
  redo.dataset.testid = "redo";
  head.append(title, undo, redo);

  const lesson = make("div", "hsi-lesson-go"), left = make("span");
  lesson.append(left, button("hsi-small hsi-primary", "Hand in …", "To the lesson: what it measures, and its score", () => openStep("compare.lesson")));
  let shots = 0; // labels a class while a lesson is on, else 0

  const list = make("ul", "hsi-classes-list");
  list.setAttribute("role", "radiogroup");
  list.setAttribute("aria-label", "Class to label with");
  const empty = make("p", "hsi-hint", "No classes yet. Add the first one below (N), or paste a list with one name a line anywhere on the page.");

  const form = make("form", "hsi-classes-add");
  const input = make("input", "");
  input.placeholder = "Add a class";
  input.setAttribute("aria-label", "Name of a new class");
  const add = make("button", "hsi-small", "Add");
  add.type = "submit";
  const labelled = () => (readValue().classes || []).reduce((sum, c) => sum + c.count, 0);
  const openDraw = drawDialog((wanted) => act("draw", wanted));
  const drawButton = button("hsi-small", "Draw …", "Draw labels from the reference, for experiments", () => openDraw(labelled()));
  onPage("hsi:draw-labels", () => openDraw(labelled()));
  form.append(input, add, named("hsi-small", "Paste list", "Replace the list: one class a line", () => openPaste()), drawButton);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const name = input.value.trim(), problem = nameProblem(name);
    input.setCustomValidity(problem);
    if (problem) { input.reportValidity(); return; }
    if (name) act("add", { name });
    input.value = "";
  });
  input.addEventListener("input", () => input.setCustomValidity(""));
  // Several names at once: into the box, or onto the page wherever one does not type.
  /** @param {ClipboardEvent} event */
  function pasted(event) {
    if (!root.isConnected) { document.removeEventListener("paste", pasted); return; }
    const at = /** @type {Element} */ (event.target), text = event.clipboardData?.getData("text").trim() || "";
    if (!root.clientWidth || (at !== input && at.closest?.(TYPING)) || !text.includes("\n")) return;
    event.preventDefault();
    act("add several", { text });
  }
  document.addEventListener("paste", pasted);
  onPage("hsi:add-class", () => {
    openStep("label");
    setTimeout(() => input.focus(), root.clientWidth ? 0 : 120);
  });

  const later = make("label", "hsi-advance"), advance = make("input"), after = make("input");
  advance.type = "checkbox";
  Object.assign(after, { type: "number", min: 1, max: 999, step: 1, value: "5" });
  after.setAttribute("aria-label", "Labels a class before the next one is chosen");
  later.append(advance, "Choose the next class after", after, "labels");
  const fromFile = button("hsi-small", "Labels from a file …", "Points, areas or a class raster of another program: step 6, Map, Import labels", () => openFold("map", "hsi-import-fold"));
  const sayAdvance = () => tell("hsi:advance", { after: advance.checked && after.validity.valid ? after.valueAsNumber : 0 });
  later.addEventListener("change", sayAdvance);

  const area = make("textarea", "");
  area.rows = 10;
  area.setAttribute("aria-label", "Class names, one a line");
  const dialog = dialogOf("Paste a class list", [
    make("p", "hsi-hint",
      "One class a line, with a colour if you like: “Corn, #e0a500”. Classes that keep their name keep their labels; " +
      "classes that are not in the list go, with their labels. Undo brings them back."),
    area,
  ], [
    button("hsi-small", "Cancel", "Close without a change", () => dialog.close()),
    named("hsi-small hsi-primary", "Use this list", "Replace the class list", () => {
      given = { text: area.value, instead: listText(readValue().classes || [], null) };
      act("paste", { text: area.value });
      dialog.close();
    }),
  ]);

  let given = null; // a list that was sent, for as long as the classes are those it was to replace: it was refused
  function openPaste() {
    area.value = listText(readValue().classes || [], given);
    dialog.showModal();
    area.focus();
  }

  function nameCell(info) {
    if (renaming !== info.id) {
      const name = make("span", "hsi-class-name", info.name);
      name.title = `${info.name} (double-click to rename)`;
      name.addEventListener("dblclick", () => {
        renaming = info.id;
        render();
      });
      return name;
    }
    return renameBox("hsi-class-rename", info.name, 80, `New name for ${info.name}`, (name) => {
      if (renaming !== info.id) return;
      renaming = null;
      if (name) act("rename", { id: info.id, name });
      render();
    });
  }

  function row(info, index, active) {
    const item = make("li", "hsi-class" + (info.id === active ? " is-active" : ""));
    item.dataset.id = info.id;
    item.setAttribute("role", "none");
    const pick = make("span", "hsi-class-pick");
    if (renaming !== info.id) {
      pick.setAttribute("role", "radio");
      pick.setAttribute("aria-checked", String(info.id === active));
      pick.tabIndex = 0;
    }
    const swatch = make("input", "hsi-swatch");
    swatch.type = "color";
    swatch.value = info.color;
    swatch.title = `Colour of ${info.name}`;
    swatch.setAttribute("aria-label", swatch.title);
    swatch.addEventListener("click", (event) => event.stopPropagation());
    swatch.addEventListener("change", () => act("recolour", { id: info.id, color: swatch.value }));
    const key = make("kbd", "hsi-key", index < 9 ? String(index + 1) : "");
    const count = make("span", "hsi-count", shots ? `${info.count} of ${shots}` : info.count ? String(info.count) : "–");
    count.title = shots ? `${counted(Math.max(0, shots - info.count), "label")} left` : counted(info.count, "labelled pixel");
    pick.append(key, nameCell(info), count);
    item.append(swatch, pick);
    if (removing === info.id) {
      item.append(
        named("hsi-small hsi-danger", info.count ? `Delete with ${counted(info.count, "label")}` : "Delete", `Delete ${info.name}`, (event) => {
          event.stopPropagation();
          removing = null;
          act("remove", { id: info.id });
        }),
        button("hsi-small", "Keep", "Keep the class", (event) => {
          event.stopPropagation();
          removing = null;
          render();
        }),
      );
    } else {
      item.append(
        button("hsi-icon", "✎", `Rename ${info.name}`, (event) => {
          event.stopPropagation();
          renaming = info.id;
          render();
        }),
        button("hsi-icon", "×", `Delete ${info.name}`, (event) => {
          event.stopPropagation();
          removing = info.id;
          render();
        }),
      );
    }
    const choose = () => {
      if (renaming === info.id) return;
      highlight(info.id);
      tell("hsi:active", { id: info.id, from: root });
    };
    item.addEventListener("click", choose);
    item.addEventListener("keydown", (event) => {
      if (event.target === pick && (event.key === "Enter" || event.key === " ")) {
        event.preventDefault();
        choose();
      }
    });
    return item;
  }

  function highlight(id) {
    active = id;
    for (const item of list.querySelectorAll("li")) {
      item.classList.toggle("is-active", item.dataset.id === id);
      item.querySelector("[role=radio]")?.setAttribute("aria-checked", String(item.dataset.id === id));
    }
  }
  // Viewer and list tell each other in the page: a click right after a choice must not wait for the server.
  onPage("hsi:active", ({ id, from }) => {
    if (from !== root) highlight(id);
  });

  function render() {
    const value = readValue();
    if (value.active) active = value.active;
    const classes = value.classes || [];
    if (given && given.instead !== listText(classes, null)) given = null; // undo must not bring it back
    if (!classes.some((c) => c.id === active)) active = classes.length ? classes[0].id : null;
    const total = labelled();
    drawButton.hidden = !value.draw;
    lesson.hidden = !value.lesson;
    if (shots !== (value.lesson?.shots || 0)) {
      shots = value.lesson?.shots || 0;
      advance.checked = shots > 0; // the next class after the last label of one
      if (shots) after.value = String(shots);
      sayAdvance();
    }
    const free = classes.reduce((sum, c) => sum + Math.max(0, shots - c.count), 0);
    left.textContent = `Lesson: ${free} of ${counted(shots * classes.length, "label")} left`;
    title.textContent = total ? `Classes · ${total} labelled` : "Classes";
    undo.disabled = !value.undo;
    redo.disabled = !value.redo;
    undo.title = value.undo || "Nothing to undo";
    redo.title = value.redo || "Nothing to redo";
    if (renaming && list.querySelector(".hsi-class-rename") === document.activeElement && document.activeElement) {
      return; // the rename box has the cursor: draw again when it is done
    }
    const scroll = list.scrollTop;
    list.replaceChildren(...classes.map((info, index) => row(info, index, active)));
    list.scrollTop = scroll;
    empty.hidden = !saysNoClasses(value);
  }

  root.append(head, lesson, list, empty, form, later, fromFile, dialog);
  onValue(render);
  render();
}
