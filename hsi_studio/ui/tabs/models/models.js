// The Models tab: every trained model in a table (search, sort), the chosen one in detail, the trash.
//
// value from Python: {models: [{id, title, method, scene, when, shots, labels, oa, size, sizeText, problem, loaded, a, b,
//   imported, search}], memory: "…", trash: [{id, title, when}], detail: {…} | null, project: id}
//   detail: {id, title, note, tags: ["…"], fit: {ok, words}, rows: [[name, text]], classes: [{name, color}],
//   sentences: [[class, sentence]], work: {text, fraction, error} | null, loaded, inUse, warm, a, b, problem}
// event to Python: act {do: "select" | "show" | "beside" | "load" | "unload" | "rename" | "annotate" | "label_tags" |
//   "stop" | "begin" | "discard" | "restore" | "purge" | "hand_out", id, …}
// All text is set with textContent: titles and notes come from files and from people.

const root = element.querySelector(".hsi-models");
const act = (what, more = {}) => trigger("act", { do: what, ...more });
const button = (cls, label, hint, onclick) => {
  const node = make("button", cls, label);
  node.type = "button";
  node.title = hint;
  node.addEventListener("click", onclick);
  return node;
};

const COLUMNS = [
  { key: "title", name: "Model", value: (m) => m.title.toLowerCase(), down: false },
  { key: "oa", name: "OA %", hint: "Overall accuracy; the details say on which pixels", value: (m) => m.oa ?? -1, down: true, number: true },
  { key: "labels", name: "Labels", hint: "Labelled pixels it was trained on", value: (m) => m.labels, down: true, number: true },
  { key: "when", name: "Made", value: (m) => m.when, down: true },
  { key: "size", name: "Size", value: (m) => m.size, down: true, number: true, wide: true },
];
let sort = { key: "when", down: true };
let chosen = ""; // id of the model whose details are shown
let binning = ""; // id of the model that asks "delete?"
let editing = false; // the title is being edited

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
const detail = make("section", "hsi-models-detail");
detail.setAttribute("aria-label", "The chosen model");
const bin = make("details", "hsi-models-bin");
root.append(tools, sheet, empty, detail, bin);

function day(seconds) {
  const date = new Date(seconds * 1000);
  const today = new Date().toDateString() === date.toDateString();
  const text = today
    ? date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false })
    : date.toLocaleDateString([], { day: "numeric", month: "short", year: date.getFullYear() === new Date().getFullYear() ? undefined : "2-digit" });
  return { text, full: date.toLocaleString() };
}

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

function badge(text, hint) {
  const node = make("b", "hsi-badge", text);
  node.title = hint;
  return node;
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
  const when = day(model.when);
  const made = make("td", "hsi-when", when.text);
  made.title = when.full;
  const oa = make("td", "number", model.oa == null ? "–" : (100 * model.oa).toFixed(1));
  oa.title = model.on || "No accuracy is known";
  const labels = make("td", "number", model.labels ? String(model.labels) : "–");
  labels.title = model.shots;
  line.append(first, oa, labels, made, make("td", "number hsi-wide", model.sizeText));
  const choose = () => {
    chosen = model.id;
    binning = "";
    editing = false;
    for (const other of sheet.querySelectorAll("tbody tr")) other.classList.toggle("is-active", other.dataset.id === chosen);
    act("select", { id: model.id });
  };
  line.addEventListener("click", choose);
  line.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") choose();
    else if (event.key === "ArrowDown") line.nextElementSibling?.focus();
    else if (event.key === "ArrowUp") line.previousElementSibling?.focus();
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
  found.textContent = words.length ? `${shown.length} of ${all.length}` : all.length === 1 ? "1 model" : `${all.length} models`;
  const focused = document.activeElement?.closest?.(".hsi-models tbody tr")?.dataset.id;
  const scroll = sheet.scrollTop;
  sheet.replaceChildren();
  if (shown.length) {
    const table = make("table"), head = make("thead"), line = make("tr"), body = make("tbody");
    line.append(...COLUMNS.map(headCell));
    head.append(line);
    body.append(...shown.map(row));
    table.append(head, body);
    sheet.append(table);
    if (focused) body.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
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

function toggle(label, hint, on, disabled, onclick) {
  const node = button("hsi-small" + (on ? " hsi-primary" : ""), label, hint, onclick);
  node.setAttribute("aria-pressed", String(on));
  node.disabled = disabled;
  return node;
}

function heading(info) {
  const head = make("div", "hsi-models-head");
  if (!editing) {
    head.append(make("h4", "", info.title));
    if (!info.problem) {
      head.append(
        button("hsi-small", "Rename", `Rename ${info.title}`, () => {
          editing = true;
          renderDetail();
        }),
      );
    }
    return head;
  }
  const box = make("input", "hsi-class-rename");
  box.value = info.title;
  box.maxLength = 200;
  box.setAttribute("aria-label", "New title");
  const done = (keep) => {
    if (!editing) return;
    editing = false;
    const title = box.value.trim();
    if (keep && title && title !== info.title) act("rename", { id: info.id, title });
    box.blur(); // a field that has the cursor is not drawn again
    renderDetail();
  };
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter") done(true);
    if (event.key === "Escape") done(false);
  });
  box.addEventListener("blur", () => done(true));
  queueMicrotask(() => {
    box.focus();
    box.select();
  });
  head.append(box);
  return head;
}

function actions(info) {
  const line = make("div", "hsi-models-actions");
  const no = !info.fit.ok;
  const why = no ? info.fit.words : "";
  if (binning === info.id) {
    line.append(
      make("span", "", "Delete this model? It goes to the trash."),
      button("hsi-small hsi-danger", "Delete", "Move it to the trash", () => {
        binning = "";
        act("discard", { id: info.id });
      }),
      button("hsi-small", "Keep", "Keep the model", () => {
        binning = "";
        renderDetail();
      }),
    );
    return line;
  }
  if (!info.problem) {
    line.append(
      toggle("Show map", why || "Its map in the viewer, in place of the live one (A)", info.a, no, () => act("show", { id: info.id })),
      toggle("Show beside", why || "Its map right of a line in the viewer (B)", info.b, no, () => act("beside", { id: info.id })),
      info.loaded
        ? toggle("Unload", info.inUse ? "In use just now" : "Give its memory back", false, info.inUse, () => act("unload", { id: info.id }))
        : toggle("Load", why || "Have it in memory, ready", false, no, () => act("load", { id: info.id })),
      ...(info.warm
        ? [button("hsi-small", "Train from it", "A new training on your labels here, begun with this model's encoder and settings", () => act("begin", { id: info.id }))]
        : []),
      button("hsi-small", "Export", "One safe file, with your title, note and tags", () => act("hand_out", { id: info.id })),
    );
  }
  line.append(
    button("hsi-small hsi-quiet", "Delete", "Move it to the trash", () => {
      binning = info.id;
      renderDetail();
    }),
  );
  return line;
}

function progress(info) {
  const box = make("div", "hsi-models-work");
  if (info.work.error) {
    box.append(make("p", "hsi-strip-error", info.work.error));
    return box;
  }
  const track = make("div", "hsi-models-track"), fill = make("div", "hsi-models-fill");
  fill.style.width = `${Math.round(100 * (info.work.fraction ?? 0.3))}%`;
  track.append(fill);
  box.append(make("span", "", info.work.text), track, button("hsi-small", "Stop", "Stop making this map", () => act("stop", { id: info.id })));
  return box;
}

function field(label, node) {
  const box = make("label", "hsi-models-field");
  box.append(make("span", "", label), node);
  return box;
}

function renderDetail() {
  const info = readValue().detail;
  if (detail.contains(document.activeElement) && /^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName) && info?.id === detail.dataset.id) return;
  detail.hidden = !info;
  detail.replaceChildren();
  if (!info) return;
  detail.dataset.id = info.id;
  detail.append(heading(info));
  if (info.problem) detail.append(make("p", "hsi-note is-bad", info.problem));
  else if (info.fit.words) detail.append(make("p", "hsi-note" + (info.fit.ok ? "" : " is-bad"), info.fit.words));
  detail.append(actions(info));
  if (info.work) detail.append(progress(info));
  if (info.problem) return;
  const facts = make("div", "hsi-facts"), table = make("table"), body = make("tbody");
  for (const [name, text] of info.rows) {
    const line = make("tr");
    line.append(make("th", "", name), make("td", "", text));
    body.append(line);
  }
  const line = make("tr"), chips = make("td", "hsi-chips");
  for (const one of info.classes) {
    const chip = make("span", "", one.name);
    const dot = make("i");
    dot.style.background = one.color;
    chip.prepend(dot);
    chips.append(chip);
  }
  line.append(make("th", "", `Classes`), chips);
  body.prepend(line);
  table.append(body);
  facts.append(table);
  detail.append(facts);
  if (info.sentences.length) {
    const more = make("details", "hsi-models-more");
    more.append(make("summary", "", `Prompts of ${info.sentences.length} class${info.sentences.length === 1 ? "" : "es"}`));
    for (const [name, sentence] of info.sentences) {
      const part = make("p", "hsi-hint");
      part.append(make("b", "", `${name}: `), sentence);
      more.append(part);
    }
    detail.append(more);
  }
  const tags = make("input");
  tags.value = info.tags.join(", ");
  tags.placeholder = "such as: final, summer";
  tags.maxLength = 1000;
  tags.addEventListener("change", () => act("label_tags", { id: info.id, tags: tags.value }));
  const note = make("textarea");
  note.value = info.note;
  note.rows = 2;
  note.maxLength = 10000;
  note.placeholder = "What you want to remember about it";
  note.addEventListener("change", () => act("annotate", { id: info.id, note: note.value }));
  detail.append(field("Tags", tags), field("Note", note));
}

function renderBin() {
  const value = readValue(), gone = value.trash || [];
  bin.hidden = !gone.length;
  bin.replaceChildren(make("summary", "", `Trash: ${gone.length} model${gone.length === 1 ? "" : "s"}`));
  for (const model of gone) {
    const line = make("div", "hsi-models-gone");
    line.append(make("span", "", model.title), button("hsi-small", "Restore", `Restore ${model.title}`, () => act("restore", { id: model.id })));
    bin.append(line);
  }
  const last = make("div", "hsi-models-gone");
  const purge = button("hsi-small hsi-danger", "Empty the trash", "Delete these models for good", () => {
    if (purge.dataset.sure) act("purge");
    else {
      purge.dataset.sure = "1";
      purge.textContent = "Delete for good?";
    }
  });
  last.append(make("span", "hsi-hint", value.memory || ""), purge);
  bin.append(last);
}

function render() {
  const value = readValue();
  chosen = value.detail?.id || "";
  renderTable();
  renderDetail();
  renderBin();
}
onValue(render);
render();

// Another tab, a training or the command line may change the list: asked while it is on the screen.
(function look() {
  if (root.offsetParent !== null && !document.hidden) trigger("look", {});
  if (root.isConnected) setTimeout(look, readValue().detail?.work?.text ? 500 : 2000);
})();
