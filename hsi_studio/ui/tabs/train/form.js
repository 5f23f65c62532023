// @ts-check
// The form of a method: drawn from what `forms.py` says of it. Holds the values of every method it
// has shown, so that trying another method loses nothing; keeps them over a reload in this browser tab.

import { button, copyText, make } from "../../web/dom.js";
import { copyOf, same } from "../../web/formats.js";
import { inputOf } from "./field.js";

let dials = 0; // each dial's choices are a group of their own

// The whole form: effort dial, presets, fields in groups, JSON. `changed()` is called after every change.
export function makeForm(changed) {
  const state = new Map(); // method's name → {base: name of effort or preset, values}
  let spec = null, mine = null, inputs = [], groups = [];

  const dial = make("fieldset", "tr-dial");
  dial.append(make("legend", "tr-legend", "Effort"));
  const stops = make("div", "tr-stops"), effortWords = make("p", "hsi-hint tr-effort-words");
  dial.append(stops, effortWords);

  const advanced = make("details", "tr-details tr-advanced");
  const advancedTitle = make("summary", "", "Advanced");
  const tools = make("div", "tr-row");
  const preset = make("select");
  preset.setAttribute("aria-label", "Preset");
  const resetAll = button("hsi-small", "Reset all", "Back to the values of the effort or preset", () => {
    mine.values = { ...copyOf(spec.defaults), ...copyOf(chosen().values) };
    refresh();
  });
  tools.append(preset, resetAll);
  const fields = make("div", "tr-groups");
  const json = make("details", "tr-details");
  const area = make("textarea", "tr-json"), jsonWrong = make("p", "tr-wrong");
  area.rows = 5;
  area.spellcheck = false;
  area.setAttribute("aria-label", "Parameters that differ from the defaults, as JSON");
  jsonWrong.setAttribute("role", "alert");
  const copyJson = button("hsi-small", "Copy", "Copy the JSON", () => copyText(area.value, copyJson));
  json.append(make("summary", "", "As JSON: what differs from the defaults"), area, jsonWrong, copyJson);
  advanced.append(advancedTitle, tools, fields, json);

  const everything = () => [...spec.efforts, ...spec.presets];
  const chosen = () => everything().find((c) => c.name === mine.base) || spec.efforts.find((c) => c.name === "normal");
  const baseValue = (name) => (name in chosen().values ? chosen().values[name] : spec.defaults[name]);
  const difference = (from) => {
    const out = {};
    for (const [name, value] of Object.entries(mine.values)) if (!same(value, from(name))) out[name] = value;
    return out;
  };
  const fromDefaults = () => difference((name) => spec.defaults[name]);

  function take(name) {
    mine.base = name;
    mine.values = { ...copyOf(spec.defaults), ...copyOf(chosen().values) };
    refresh();
  }
  function set(name, value) {
    mine.values[name] = copyOf(value);
    refresh();
  }
  preset.addEventListener("change", () => take(preset.value));
  area.addEventListener("input", () => {
    let given = null, problem = "";
    try { given = JSON.parse(area.value || "{}"); } catch (error) { problem = `Not JSON: ${error.message}.`; }
    if (given !== null && (typeof given !== "object" || Array.isArray(given))) problem = 'Write one object: {"name": value}.';
    const strange = problem ? [] : Object.keys(given).filter((name) => !(name in spec.defaults));
    if (strange.length) problem = `This method has no ${strange.join(", ")}.`;
    jsonWrong.textContent = problem;
    if (problem) return;
    mine.values = { ...copyOf(spec.defaults), ...given };
    refresh(true);
  });

  function draw() {
    stops.replaceChildren();
    const group = `hsi-effort-${++dials}`;
    for (const effort of ["fast", "normal", "thorough"]) {
      const known = spec.efforts.find((c) => c.name === effort);
      const stop = make("label", "tr-stop"), radio = make("input");
      Object.assign(radio, { type: "radio", name: group, value: effort, disabled: !known });
      if (!known) stop.title = "This method is as quick at normal";
      else stop.title = known.words || "The defaults";
      radio.addEventListener("change", () => take(effort));
      stop.append(radio, make("span", "", effort[0].toUpperCase() + effort.slice(1)));
      stops.append(stop);
    }
    preset.replaceChildren(new Option("Preset …", ""), ...spec.presets.map((p) => new Option(`Preset: ${p.title}`, p.name)));
    preset.options[0].disabled = true;
    preset.hidden = !spec.presets.length;
    inputs = [];
    groups = spec.groups.map((part) => {
      const box = make("details", "tr-group"), title = make("summary"), mark = make("span", "tr-mark");
      title.append(make("span", "", part.title), mark);
      box.append(title);
      box.open = spec.groups.length === 1;
      const own = part.fields.map((field) => inputOf(field, (value) => set(field.name, value)));
      box.append(...own.map((input) => input.node));
      inputs.push(...own);
      return { box, mark, own };
    });
    fields.replaceChildren(...groups.map((g) => g.box));
  }

  function refresh(fromArea = false) {
    const isEffort = spec.efforts.some((c) => c.name === mine.base), moved = Object.keys(difference(baseValue));
    for (const radio of stops.querySelectorAll("input")) radio.checked = isEffort && radio.value === mine.base;
    preset.value = isEffort ? "" : mine.base;
    effortWords.textContent = isEffort
      ? chosen().words || "The method's defaults."
      : `Preset “${chosen().title}”: ${chosen().words}`;
    effortWords.title = effortWords.textContent;
    for (const input of inputs) input.show(mine.values[input.field.name], baseValue(input.field.name));
    for (const group of groups) {
      const count = group.own.filter((input) => moved.includes(input.field.name)).length;
      group.mark.textContent = count ? `${count} changed` : "";
    }
    advancedTitle.textContent = moved.length ? `Advanced · ${moved.length} changed` : "Advanced";
    resetAll.disabled = !moved.length;
    if (!fromArea) { area.value = JSON.stringify(fromDefaults(), null, 1); jsonWrong.textContent = ""; }
    changed();
  }

  return {
    dial, advanced,
    use(method, values) { // show a method's form, as it was left or with the values of a run
      const fresh = spec !== method;
      spec = method;
      if (!state.has(spec.name)) state.set(spec.name, { base: "normal", values: copyOf(spec.defaults) });
      mine = state.get(spec.name);
      if (values) {
        const full = { ...copyOf(spec.defaults), ...copyOf(values) };
        const fits = everything().find((c) => same({ ...spec.defaults, ...c.values }, full));
        Object.assign(mine, { base: fits ? fits.name : "normal", values: full });
      }
      if (fresh) draw();
      refresh();
    },
    set,
    value: (name) => mine.values[name],
    has: (name) => Boolean(spec) && name in spec.defaults,
    method: () => spec,
    effort: () => chosen().title,
    changedFromBase: () => Object.keys(difference(baseValue)).length,
    differences: fromDefaults,
    wrong: () => {
      const bad = inputs.find((input) => input.bad());
      return bad ? `${bad.field.label}: ${bad.node.querySelector(".tr-wrong").textContent}` : jsonWrong.textContent;
    },
    saved: () => [...state].map(([name, one]) => [name, one.base, one.values]),
    restore(list, specs) {
      for (const [name, base, values] of list) {
        const known = specs.find((s) => s.name === name);
        if (known && same(Object.keys(values), Object.keys(known.defaults))) state.set(name, { base, values });
      }
    },
  };
}
