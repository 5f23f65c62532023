// @ts-check
// The Models tab: every trained model in a table (search, sort), the chosen one in detail, the trash.
//
// value from Python: {models: [{id, title, method, scene, when, shots, labels, oa, size, sizeText, problem, loaded, a, b,
//   imported, search}], memory: "…", trash: [{id, title, when}], detail: {…} | null, project: id}
//   detail: {id, title, note, tags: ["…"], fit: {ok, words}, rows: [[name, text]], classes: [{name, color}],
//   sentences: [[class, sentence]], work: {text, fraction, error} | null, loaded, inUse, warm, a, b, problem}
// event to Python: act {do: "select" | "show" | "beside" | "load" | "unload" | "rename" | "annotate" | "label_tags" |
//   "stop" | "begin" | "discard" | "restore" | "purge" | "export", id, …}
// All text is set with textContent: titles and notes come from files and from people.

import { panel } from "../../web/component.js";
import { button, make } from "../../web/dom.js";
import { counted, day } from "../../web/formats.js";
import { modelDetail } from "./detail.js";
import { trashList } from "./trash.js";

function badge(text, hint) {
  const node = make("b", "hsi-badge", text);
  node.title = hint;
  return node;
}

const COLUMNS = [
  { key: "title", name: "Model", value: (m) => m.title.toLowerCase(), down: false },
  { key: "oa", name: "OA %", hint: "Overall accuracy, away from the labels where that was measured; the details say on which pixels", value: (m) => m.oa ?? -1, down: true, number: true },
  { key: "labels", name: "Labels", hint: "Labelled pixels it was trained on", value: (m) => m.labels, down: true, number: true },
  { key: "when", name: "Made", value: (m) => m.when, down: true },
  { key: "size", name: "Size", value: (m) => m.size, down: true, number: true, wide: true },
];

/** @param {import("../../web/component.js").Gradio} gradio */
export function mount(gradio) {
  const { root, trigger, act, readValue, onValue } = panel(gradio, ".hsi-models");
  let sort = { key: "when", down: true };
  let chosen = ""; // id of the model whose details are shown

  const tools = make("div", "hsi-models-tools");
  const search = make("input", "hsi-models-search");
  search.type = "search";
  search.placeholder = "Search: title, method, scene, class, tag …";
  search.setAttribute("aria-label", "Search models");
  const found = make("span", "hsi-models-found");
  found.setAttribute("role", "status");
  tools.append(search, found);
  const sheet = make("div", "hsi-models-sheet");
  const empty = make("div", "hsi-models-empty");
  const detail = modelDetail(act);
  const bin = trashList(act);
  root.append(tools, sheet, empty, detail.node, bin.node);

  function headCell(column) {
    const cell = make("th", (column.number ? "number" : "") + (column.wide ? " hsi-wide" : ""));
    const on = sort.key === column.key;
    cell.setAttribute("aria-sort", on ? (sort.down ? "descending" : "ascending") : "none");
    cell.append(
      button("hsi-sort", column.name + (on ? (sort.down ? " ↓" : " ↑") : ""), column.hint || `Sort by ${column.name.toLowerCase()}`, () => {
        sort = { key: column.key, down: on ? !sort.down : column.down };
        renderTable();
      }),
    );
    return cell;
  }

  function row(model) {
    const line = make("tr", model.id === chosen ? "is-active" : "");
    line.dataset.id = model.id;
    line.tabIndex = 0;
    line.setAttribute("aria-selected", String(model.id === chosen));
    const first = make("td");
    const title = make("div", "hsi-model-title");
    if (model.a) title.append(badge("A", "Shown in the viewer"));
    if (model.b) title.append(badge("B", "Shown beside it in the viewer"));
    const name = make("span", "", model.title);
    name.title = model.title;
    title.append(name);
    const sub = make("div", "hsi-model-sub", model.problem ? "cannot be used" : [model.method, model.scene, model.imported ? "imported" : "", model.loaded ? "in memory" : ""].filter(Boolean).join(" · "));
    if (model.problem) sub.classList.add("is-bad");
    first.append(title, sub);
    const made = make("td", "hsi-when", day(model.when));
    made.title = new Date(1000 * model.when).toLocaleString();
    const oa = make("td", "number", model.oa == null ? "–" : (100 * model.oa).toFixed(1));
    oa.title = model.on || "No accuracy is known";
    const labels = make("td", "number", model.labels ? String(model.labels) : "–");
    labels.title = model.shots;
    line.append(first, oa, labels, made, make("td", "number hsi-wide", model.sizeText));
    const choose = () => {
      chosen = model.id;
      detail.calm();
      for (const other of sheet.querySelectorAll("tr")) other.classList.toggle("is-active", other.dataset.id === chosen);
      act("select", { id: model.id });
    };
    line.addEventListener("click", choose);
    line.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") choose();
      else if (event.key === "ArrowDown") /** @type {HTMLElement} */ (line.nextElementSibling)?.focus();
      else if (event.key === "ArrowUp") /** @type {HTMLElement} */ (line.previousElementSibling)?.focus();
      else return;
      event.preventDefault();
    });
    return line;
  }

  function renderTable() {
    const all = readValue().models || [];
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const column = COLUMNS.find((c) => c.key === sort.key);
    const shown = all.filter((m) => words.every((word) => m.search.includes(word)));
    shown.sort((x, y) => {
      const a = column.value(x), b = column.value(y);
      const order = a < b ? -1 : a > b ? 1 : x.when - y.when || (x.id < y.id ? -1 : 1);
      return sort.down ? -order : order;
    });
    tools.hidden = !all.length;
    found.textContent = words.length ? `${shown.length} of ${all.length}` : counted(all.length, "model");
    const focused = /** @type {HTMLElement} */ (document.activeElement?.closest(".hsi-models tbody tr"))?.dataset.id;
    const scroll = sheet.scrollTop;
    sheet.replaceChildren();
    if (shown.length) {
      const table = make("table"), head = make("thead"), line = make("tr"), body = make("tbody");
      line.append(...COLUMNS.map(headCell));
      head.append(line);
      body.append(...shown.map(row));
      table.append(head, body);
      sheet.append(table);
      if (focused) /** @type {HTMLElement} */ (body.querySelector(`[data-id="${CSS.escape(focused)}"]`))?.focus({ preventScroll: true });
    }
    sheet.scrollTop = scroll;
    empty.replaceChildren();
    if (!all.length) {
      empty.append(
        make("strong", "", "No models yet"),
        make("p", "", "Every finished training appears here. Label a few pixels of two classes, then train a method in the Train tab; or import a model file that someone gave you."),
      );
    } else if (!shown.length) empty.append(make("p", "", `No model matches “${search.value.trim()}”. Try a method, a scene, a class or a tag.`));
  }
  search.addEventListener("input", renderTable);

  function render() {
    const value = readValue();
    chosen = value.detail?.id || "";
    renderTable();
    detail.draw(value.detail);
    bin.draw(value.trash || [], value.memory || "");
  }
  onValue(render);
  render();

  // Another tab, a training or the command line may change the list: asked while it is on the screen.
  (function look() {
    if (root.offsetParent !== null && !document.hidden) trigger("look", {});
    if (root.isConnected) setTimeout(look, readValue().detail?.work?.text ? 500 : 2000);
  })();
}
