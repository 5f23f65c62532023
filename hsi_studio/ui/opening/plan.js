// @ts-check
// The reading plan: what the files are taken for, each answer with how sure it is and why, and changed by a click. Beside
// it a small picture and the mean spectrum; above it, where one has to be answered first, the question.

import { button, make, shape } from "../web/dom.js";
import { counted } from "../web/formats.js";

const WIDTH = 260, HEIGHT = 92;
const SURE = { certain: "The file, or you, say so.", likely: "By a convention, or by the values.", guess: "It might as well be otherwise." };

/**
 * @param {any} value  `values.opening_value`
 * @param {{change: (what: {said?: Record<string, string>, roles?: Record<string, string>}) => void}} act
 */
export function planOf(value, act) {
  const out = make("div", "hsi-plan"), look = value.look;
  if (value.problem) out.append(note(value.problem, "is-bad"));
  if (value.variables.length) out.append(variablesOf(value.variables, act));
  if (look?.asks) out.append(questionOf(look.asks, act));
  if (look) {
    const both = make("div", "hsi-plan-both");
    both.classList.toggle("is-table", Boolean(look.asks)); // the choices have pictures of their own
    if (!look.asks) both.append(sample(look));
    both.append(tableOf(look.rows, act));
    out.append(both);
    for (const text of look.notes) out.append(note(text));
  }
  if (value.files.length > 1) out.append(filesTable(value, act));
  return out;
}

/** @param {string} text @param {string} [cls] */
function note(text, cls = "") {
  return make("p", `hsi-plan-note ${cls}`, text);
}

/** Picture and spectrum. */
function sample(look) {
  const figure = make("figure", "hsi-plan-sample");
  figure.append(picture(look.picture), spectrum(look.spectrum, look.nm));
  figure.append(make("figcaption", "hsi-hint", look.nm
    ? `Mean spectrum of a sample, ${look.nm[0].toFixed(0)}–${look.nm[1].toFixed(0)} nm`
    : "Mean spectrum of a sample, by band number"));
  return figure;
}

function picture(address) {
  const image = make("img");
  image.src = address;
  image.alt = "The scene, read this way";
  return image;
}

function spectrum(values, nm) {
  const box = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": "Mean spectrum" });
  if (values.length < 2) return box;
  const low = Math.min(...values), span = Math.max(...values) - low || 1;
  const points = values.map((v, k) =>
    `${(4 + ((WIDTH - 8) * k) / (values.length - 1)).toFixed(1)},${(HEIGHT - 6 - ((HEIGHT - 14) * (v - low)) / span).toFixed(1)}`);
  box.append(shape("line", { x1: 4, x2: WIDTH - 4, y1: HEIGHT - 3, y2: HEIGHT - 3, class: "hsi-plan-axis" }));
  box.append(shape("polyline", { points: points.join(" "), class: nm ? "is-known" : "" }));
  return box;
}

/** One answer for each thing, with its change. */
function tableOf(rows, act) {
  const table = make("table", "hsi-plan-table"), head = make("tr"), body = make("tbody");
  for (const text of ["", "Taken for", "How sure", "Why"]) head.append(make(text ? "th" : "td", "", text));
  table.createTHead().append(head);
  for (const row of rows) body.append(rowOf(row, act));
  table.append(body);
  return table;
}

function rowOf(row, act) {
  const tr = make("tr", row.sure === "guess" ? "is-guess" : ""), answer = make("td", "hsi-plan-answer");
  const why = make("td", "hsi-plan-why", row.why), sure = make("td");
  const badge = make("span", `hsi-sure is-${row.sure}`, row.sure);
  badge.title = SURE[row.sure] || "";
  sure.append(badge);
  if (row.edit) {
    const change = button("hsi-plan-change", row.words, `Change: ${row.title}`, () => {
      answer.replaceChildren(controlOf(row, act, () => answer.replaceChildren(change)));
      /** @type {HTMLElement | null} */ (answer.querySelector("select, input"))?.focus();
    });
    change.dataset.key = row.key;
    answer.append(change);
  } else answer.textContent = row.words;
  tr.append(make("th", "", row.title), answer, sure, why);
  return tr;
}

/** What an answer is changed with: a list, or a text that Enter takes. */
function controlOf(row, act, close) {
  const say = (/** @type {string} */ text) => act.change({ said: { [row.key]: text } });
  if (row.edit.kind === "list") {
    const list = make("select", "hsi-plan-control");
    list.append(...row.edit.choices.map(([value, text]) => new Option(text, value)));
    list.value = row.edit.value;
    list.setAttribute("aria-label", row.title);
    list.addEventListener("change", () => say(list.value));
    list.addEventListener("keydown", (event) => escape(event, close));
    return list;
  }
  const form = make("form", "hsi-plan-form"), field = make("input", "hsi-plan-control");
  field.value = row.edit.value;
  field.placeholder = row.edit.hint;
  field.setAttribute("aria-label", row.title);
  field.addEventListener("keydown", (event) => escape(event, close));
  form.append(field, make("button", "hsi-small", "Set"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    say(field.value.trim());
  });
  return form;
}

/** Escape leaves the field, not the sheet. */
function escape(event, close) {
  if (event.key !== "Escape") return;
  event.preventDefault();
  event.stopPropagation();
  close();
}

/** What has to be answered first: the choices side by side, each with what the file looks like under it. */
function questionOf(asks, act) {
  const box = make("section", "hsi-plan-question"), row = make("div", "hsi-plan-choices");
  box.append(make("h4", "", "Which is right?"), make("p", "hsi-plan-note is-guess", `${asks.text[0].toUpperCase()}${asks.text.slice(1)}.`), row);
  for (const one of asks.choices) {
    const choice = button("hsi-plan-choice", "", "", () => act.change({ said: { [asks.question]: one.value } }));
    choice.dataset.value = one.value;
    choice.disabled = Boolean(one.problem);
    if (one.picture) choice.append(picture(one.picture), spectrum(one.spectrum, null));
    choice.append(make("b", "", one.label), make("span", "hsi-hint", one.problem || [one.size, one.reach].filter(Boolean).join(" · ")));
    row.append(choice);
  }
  return box;
}

function variablesOf(variables, act) {
  const box = make("section", "hsi-plan-question"), row = make("div", "hsi-plan-variables");
  box.append(make("h4", "", "Which of its variables is the scene?"), row);
  for (const [name, text] of variables) row.append(button("hsi-small", text, "", () => act.change({ said: { variable: name } })));
  return box;
}

/** What each of several files is. */
function filesTable(value, act) {
  const box = make("details", "hsi-plan-files"), table = make("table", "hsi-plan-table"), body = make("tbody");
  box.open = value.files.length <= 12;
  box.append(make("summary", "", counted(value.files.length, "file")), table);
  for (const file of value.files) {
    const tr = make("tr"), cell = make("td"), list = make("select", "hsi-plan-control");
    list.append(...value.roles.map((/** @type {string} */ role) => new Option(role, role)));
    list.value = file.role;
    list.setAttribute("aria-label", `What ${file.name} is`);
    list.addEventListener("change", () => act.change({ roles: { [file.name]: list.value } }));
    cell.append(list);
    tr.append(make("td", "hsi-plan-file", file.name), make("td", "number", file.size), cell);
    body.append(tr);
  }
  table.append(body);
  return box;
}
