// @ts-check
// The chosen model: what can be done with it, how well it fits this scene, its facts, sentences, tags and note.
// `info` is the value's `detail`, see models.js.

import { button, dot, labelled, make, renameBox, typingIn } from "../../web/dom.js";
import { counted } from "../../web/formats.js";

function toggle(label, hint, on, disabled, onclick) {
  const node = button("hsi-small" + (on ? " hsi-primary" : ""), label, hint, onclick);
  node.setAttribute("aria-pressed", String(on));
  node.disabled = disabled;
  return node;
}

function progress(info, act) {
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

function factsOf(info) {
  const facts = make("div", "hsi-facts"), table = make("table"), body = make("tbody");
  const line = make("tr"), chips = make("td", "hsi-chips");
  for (const one of info.classes) {
    const chip = make("span", "", one.name);
    chip.prepend(dot(one.color, "i", ""));
    chips.append(chip);
  }
  line.append(make("th", "", "Classes"), chips);
  body.append(line);
  for (const [name, text] of info.rows) {
    const row = make("tr");
    row.append(make("th", "", name), make("td", "", text));
    body.append(row);
  }
  table.append(body);
  facts.append(table);
  return facts;
}

/** @param {string[][]} sentences  [class, sentence] of each */
export const promptsTitle = (sentences) =>
  `Prompts: ${counted(sentences.length, "sentence")} for ${counted(new Set(sentences.map(([name]) => name)).size, "class", "classes")}`;

function sentencesOf(sentences) {
  const more = make("details", "hsi-models-more");
  more.append(make("summary", "", promptsTitle(sentences)));
  for (const [name, sentence] of sentences) {
    const part = make("p", "hsi-hint");
    part.append(make("b", "", `${name}: `), sentence);
    more.append(part);
  }
  return more;
}

/** @param {(what: string, more?: object) => void} act */
export function modelDetail(act) {
  let binning = ""; // id of the model that asks "delete?"
  let editing = false; // the title is being edited
  let shown = null; // the newest `info`
  const node = make("section", "hsi-models-detail");
  node.setAttribute("aria-label", "The chosen model");

  function heading(info) {
    const head = make("div", "hsi-models-head");
    if (!editing) {
      head.append(make("h4", "", info.title));
      if (!info.problem) {
        head.append(
          button("hsi-small", "Rename", `Rename ${info.title}`, () => {
            editing = true;
            draw(shown);
          }),
        );
      }
      return head;
    }
    const box = renameBox("hsi-class-rename", info.title, 200, "New title", (title) => {
      if (!editing) return;
      editing = false;
      if (title) act("rename", { id: info.id, title });
      draw(shown);
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
          draw(shown);
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
        button("hsi-small", "Export", "One safe file, with your title, note and tags", () => act("export", { id: info.id })),
      );
    }
    line.append(
      button("hsi-small hsi-quiet", "Delete", "Move it to the trash", () => {
        binning = info.id;
        draw(shown);
      }),
    );
    return line;
  }

  function draw(info) {
    shown = info;
    if (typingIn(node) && info?.id === node.dataset.id) return;
    node.hidden = !info;
    node.replaceChildren();
    if (!info) return;
    node.dataset.id = info.id;
    node.append(heading(info));
    if (info.problem) node.append(make("p", "hsi-note is-bad", info.problem));
    else if (info.fit.words) node.append(make("p", "hsi-note" + (info.fit.ok ? "" : " is-bad"), info.fit.words));
    node.append(actions(info));
    if (info.work) node.append(progress(info, act));
    if (info.problem) return;
    node.append(factsOf(info));
    if (info.sentences.length) node.append(sentencesOf(info.sentences));
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
    node.append(labelled("Tags", tags, "hsi-models-field"), labelled("Note", note, "hsi-models-field"));
  }

  return {
    node, draw,
    calm() { binning = ""; editing = false; }, // another model: no question is open
  };
}
