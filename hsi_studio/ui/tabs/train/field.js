// @ts-check
// One parameter of a method as a row: name, control, reset, what is wrong, help. Drawn from what `forms.py` says of it.

import { button, make } from "../../web/dom.js";
import { same } from "../../web/formats.js";
import { complaint, reach } from "./limits.js";

let serial = 0; // for ids that tie a label to its input

// One input. Returns {node, show(value, base), bad()}; `tell(value)` is called with every valid new value.
export function inputOf(field, tell) {
  const id = `hsi-field-${++serial}`;
  const row = make("div", "tr-field");
  row.dataset.name = field.name;
  const name = make("label", "tr-name", field.label);
  name.htmlFor = id;
  const control = make("div", "tr-control");
  const reset = button("hsi-icon tr-reset", "↺", `Reset ${field.label}`, () => tell(base));
  const wrong = make("p", "tr-wrong");
  const help = make("p", "hsi-hint", field.help + (field.kind === "number" && reach(field) ? ` · ${reach(field)}` : ""));
  help.id = `${id}-help`;
  wrong.setAttribute("role", "alert");
  /** @type {any} */
  let main;
  let base, slider = null, typing = false;
  const fail = (text) => { wrong.textContent = text; main.setAttribute("aria-invalid", String(Boolean(text))); };

  if (field.kind === "switch") {
    main = make("input");
    main.type = "checkbox";
    main.addEventListener("change", () => tell(main.checked));
  } else if (field.kind === "choice") {
    main = make("select");
    for (const choice of field.choices) main.append(new Option(String(choice), JSON.stringify(choice)));
    main.addEventListener("change", () => tell(JSON.parse(main.value)));
  } else {
    main = make("input");
    main.type = field.kind === "number" ? "number" : "text";
    main.spellcheck = false;
    if (field.kind === "number") {
      main.step = field.whole ? field.step : "any";
      if ("min" in field) main.min = field.min;
      if ("max" in field) main.max = field.max;
    } else if (field.kind === "text") main.maxLength = field.longest;
    if (field.slider) {
      slider = make("input");
      Object.assign(slider, { type: "range", ...field.slider });
      slider.setAttribute("aria-label", field.label);
      slider.addEventListener("input", () => tell(Number(slider.value)));
      control.append(slider);
    }
    main.addEventListener("input", () => {
      let problem = "", value = main.value;
      if (field.kind === "number") {
        problem = complaint(field, value);
        value = value.trim() === "" ? null : Number(value);
      } else if (field.kind === "json") {
        try { value = JSON.parse(value); } catch { problem = "Write a list, as [1, 2, 3]."; }
      } else if (field.optional && value === "") value = null;
      fail(problem);
      typing = true;
      if (!problem) tell(value);
      typing = false;
    });
  }
  main.id = id;
  main.setAttribute("aria-describedby", help.id);
  control.append(main);
  if (field.unit) control.append(make("span", "tr-unit", field.unit));
  row.append(name, control, reset, wrong, help);
  const show = (value, from) => {
    base = from;
    const changed = !same(value, from);
    row.classList.toggle("is-changed", changed);
    reset.hidden = !changed;
    reset.title = `Back to ${field.kind === "switch" ? (from ? "on" : "off") : JSON.stringify(from)}`;
    if (slider) slider.value = value;
    if (typing) return; // the cursor is in it
    fail("");
    if (field.kind === "switch") main.checked = value;
    else if (field.kind === "choice") main.value = JSON.stringify(value);
    else main.value = value === null ? "" : field.kind === "json" ? JSON.stringify(value) : String(value);
  };
  return { node: row, field, show, bad: () => wrong.textContent !== "" };
}
