// The prompt sets of a project: which one is shown, and its table of classes × sentences, edited in place.
//
// value from Python: {project, rev, sets: [{id, name, version}], set, name, version, origin, language, languages, note,
//   undo, redo, labelled, classes: [{id, name, color, sentences: [{text, tokens, kind}], flags: [{n, kind, text}]}], limits,
//   ack, refused, history: {id, entries: [{version, when, why, sentences, now}]}}
// event to Python:   act {do, …}, see `ui/tabs/prompts/__init__.py`; measure {}: a set described from the labelled pixels
// A sentence is committed when the cursor leaves it or with Enter; Escape takes the typing back. The row that has the
// cursor is not drawn again by an answer, so that nobody loses what they type.

const root = element.querySelector(".hsi-prompts");
let sent = 0; // number of the last edit; its answer carries it back as `ack`
let shown = { project: "", rev: -1, set: "" };
let asking = false; // "delete this set?"
let renaming = false;
let choosing = false; // the list of starts is open
const act = (what, more = {}) => trigger("act", { do: what, ...more });
const button = (cls, label, title, onclick) => {
  const node = make("button", cls, label);
  node.type = "button";
  node.title = title;
  node.addEventListener("click", onclick);
  return node;
};

const STARTS = [
  ["p5", "Described", "two sentences a class on colour, height, spectrum and neighbours"],
  ["pixels", "From the pixels", "measured on the pixels you labelled"],
  ["p4", "Long template", "a multimodal fusion patch of a … with strong semantic information."],
  ["p3", "Fusion template", "a fusion patch of a …"],
  ["p2", "Nice template", "a nice patch of a …"],
  ["p1", "Plain template", "a patch of a …"],
  ["empty", "Empty", "write every sentence yourself"],
];

const head = make("div", "hsi-prompts-head");
const starts = make("div", "hsi-starts");
const about = make("p", "hsi-hint");
const said = make("p", "hsi-prompts-said");
said.setAttribute("role", "status");
const list = make("ul", "hsi-prompts-list");
const foot = make("p", "hsi-hint");
root.append(head, starts, about, said, list, foot);

function drawHead(value) {
  if (renaming && head.contains(document.activeElement)) return;
  head.replaceChildren();
  const back = [["undo", "↶"], ["redo", "↷"]].map(([what, label]) => {
    const node = button("hsi-small", label, value[what] || `Nothing to ${what}`, () => act(what));
    node.setAttribute("aria-label", node.title);
    node.disabled = !value[what];
    return node;
  });
  if (!value.set) {
    if (value.undo || value.redo) head.append(...back);
    return;
  }
  if (renaming) {
    const box = make("input", "hsi-prompts-name");
    box.value = value.name;
    box.maxLength = 80;
    box.setAttribute("aria-label", "Name of this prompt set");
    const done = (keep) => {
      if (!renaming) return;
      renaming = false;
      if (keep && box.value.trim() && box.value.trim() !== value.name) act("rename", { name: box.value.trim() });
      render();
    };
    box.addEventListener("keydown", (event) => {
      if (event.key === "Enter") done(true);
      if (event.key === "Escape") done(false);
    });
    box.addEventListener("blur", () => done(true));
    head.append(box);
    queueMicrotask(() => { box.focus(); box.select(); });
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
  for (let [source, label, words] of STARTS) {
    const node = button("hsi-start", "", words, () => {
      choosing = false;
      if (source === "pixels") trigger("measure", {}); // takes a while on a large scene
      else act("create", { source });
    });
    node.dataset.source = source;
    if (source === "pixels" && !value.labelled) {
      node.disabled = true;
      words = "label some pixels first, then they can be described";
    }
    node.append(make("b", "", label), make("span", "", words));
    starts.append(node);
  }
}

// ── one class ──────────────────────────────────────────────────────────────────────────────────

const texts = (item) => [...item.querySelectorAll("textarea")].map((box) => box.value.trim()).filter(Boolean);
const rows = new Map(); // class id → its list item
let opened = null; // id of the class whose history is open

function commit(item) {
  const now = texts(item);
  if (JSON.stringify(now) === item.dataset.was) return;
  item.dataset.was = JSON.stringify(now);
  item.dataset.state = "saving";
  item.dataset.sent = String(++sent);
  act("edit", { id: item.dataset.id, sentences: now, n: sent });
}

function fit(box) {
  box.style.height = "auto";
  if (box.scrollHeight) box.style.height = `${box.scrollHeight + 2}px`;
}

function sentence(item, info, text, n) {
  const line = make("div", "hsi-sentence");
  const box = make("textarea", "");
  box.value = text;
  box.rows = 1;
  box.maxLength = 2000;
  box.spellcheck = true;
  box.placeholder = n ? "Another sentence" : `“${info.name}” stands for itself. What does it look like from above?`;
  box.setAttribute("aria-label", `Sentence ${n + 1} of ${info.name}`);
  box.addEventListener("input", () => fit(box));
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      const all = [...list.querySelectorAll("textarea")];
      const next = all[all.indexOf(box) + (event.shiftKey ? -1 : 1)];
      if (next) next.focus(); else box.blur();
    }
    if (event.key === "Escape") { box.value = text; fit(box); box.blur(); }
    event.stopPropagation();
  });
  box.addEventListener("paste", (event) => {
    const lines = event.clipboardData.getData("text").split("\n").map((s) => s.trim()).filter(Boolean);
    if (lines.length < 2) return;
    event.preventDefault();
    box.value = lines[0];
    lines.slice(1).forEach((more, k) => line.after(sentence(item, info, more, n + k + 1)));
    commit(item);
  });
  box.addEventListener("blur", () => commit(item));
  const side = make("div", "hsi-sentence-side");
  const count = make("span", "hsi-tokens", "");
  const away = button("hsi-icon", "×", `Remove sentence ${n + 1} of ${info.name}`, () => { line.remove(); commit(item); });
  away.setAttribute("aria-label", away.title);
  side.append(count, away);
  line.append(box, side);
  return line;
}

function marks(item, info) {
  const lines = [...item.querySelectorAll(".hsi-sentence")];
  lines.forEach((line, n) => {
    const one = info.sentences[n];
    const count = line.querySelector(".hsi-tokens");
    const same = one && line.querySelector("textarea").value.trim() === one.text;
    count.textContent = same ? String(one.tokens) : "";
    count.title = same ? `${one.tokens} tokens` : "";
    count.dataset.kind = same ? one.kind : "";
  });
  const flags = item.querySelector(".hsi-flags");
  flags.replaceChildren(...info.flags.map((flag) => {
    const node = make("li", "", flag.text);
    node.dataset.kind = flag.kind;
    return node;
  }));
}

function history(value, info) {
  const box = make("ol", "hsi-history");
  for (const entry of value.history.entries) {
    const item = make("li", "");
    const line = make("div", "hsi-history-head");
    line.append(make("b", "", `Version ${entry.version}`), make("span", "", `${entry.why} · ${entry.when}`));
    if (entry.now) line.append(make("i", "", "now"));
    else line.append(button("hsi-small", "Use again", `Say of ${info.name} what version ${entry.version} said`,
      () => act("revert", { version: entry.version, id: info.id })));
    item.append(line, ...(entry.sentences.length ? entry.sentences : ["(the name alone)"]).map((s) => make("p", "", s)));
    box.append(item);
  }
  return box;
}

function drawRow(value, info) {
  let item = rows.get(info.id);
  if (!item) {
    item = make("li", "hsi-words");
    item.dataset.id = info.id;
    rows.set(info.id, item);
  }
  const typing = item.contains(document.activeElement) && document.activeElement.tagName === "TEXTAREA";
  const fresh = JSON.stringify(info.sentences.map((s) => s.text));
  if (typing || item.dataset.state) { // what is typed or on its way stays; an answer says whether it was taken
    if (typing && item.dataset.state !== "saving" && item.dataset.state !== "refused") marks(item, info);
    if (item.dataset.state === "refused") item.dataset.was = "";
    return item;
  }
  item.dataset.was = fresh;
  const top = make("div", "hsi-words-head");
  const dot = make("span", "hsi-dot");
  dot.style.background = info.color;
  const more = button("hsi-small", "+ sentence", `Another sentence for ${info.name}`, () => {
    const line = sentence(item, info, "", item.querySelectorAll(".hsi-sentence").length);
    item.querySelector(".hsi-flags").before(line);
    line.querySelector("textarea").focus();
  });
  const past = button("hsi-small", "History", `What ${info.name} said before`, () => {
    opened = opened === info.id ? null : info.id;
    if (opened) act("history", { id: info.id }); else render();
  });
  past.setAttribute("aria-expanded", String(opened === info.id));
  top.append(dot, make("b", "", info.name), more, past);
  const given = info.sentences.length ? info.sentences.map((s) => s.text) : [""];
  item.replaceChildren(top, ...given.map((text, n) => sentence(item, info, text, n)), make("ul", "hsi-flags"));
  if (opened === info.id && value.history && value.history.id === info.id) item.append(history(value, info));
  marks(item, info);
  return item;
}

function render() {
  const value = readValue();
  for (const item of rows.values()) {
    if (value.ack && item.dataset.sent === String(value.ack)) item.dataset.state = value.refused ? "refused" : "";
  }
  if (value.project === shown.project && value.rev < shown.rev) return; // an answer that was overtaken
  if (value.set !== shown.set || value.project !== shown.project) { rows.clear(); opened = null; asking = false; }
  shown = { project: value.project, rev: value.rev, set: value.set };
  drawHead(value);
  drawStarts(value);
  about.textContent = value.set ? [value.origin && `From: ${value.origin}.`, value.note].filter(Boolean).join(" ") : "";
  about.hidden = !about.textContent;
  said.textContent = value.refused || value.said || "";
  said.dataset.kind = value.refused ? "refused" : "";
  said.hidden = !said.textContent;
  const items = value.set ? value.classes.map((info) => drawRow(value, info)) : [];
  const now = [...list.children];
  if (items.length !== now.length || items.some((item, n) => item !== now[n])) list.replaceChildren(...items);
  list.hidden = !items.length;
  foot.textContent = value.set ? (value.classes.length ? value.limits : "No classes yet: add some in the Label tab.") : "";
  fitAll();
}
const fitAll = () => { for (const box of list.querySelectorAll("textarea")) fit(box); };
new ResizeObserver(fitAll).observe(root); // a hidden tab has no sizes
onValue(render);
render();
document.addEventListener("hsi:seen", () => { // labels may have changed, and with them what the words say of them
  if (root.offsetParent !== null) trigger("look", {});
});
