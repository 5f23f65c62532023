// @ts-check
// The start view: drop or choose files, name one of this machine, scenes that come with the program, one's projects as
// cards with what can be done with them, and the trash.

import { button, make, renameBox } from "../web/dom.js";
import { counted } from "../web/formats.js";

/**
 * @typedef {object} Acts
 * @property {(files: File[]) => void} take
 * @property {(what: {path?: string, scene?: string, project?: string}) => void} begin
 * @property {(project: string, what: object) => void} act  on a project: rename, duplicate, delete, bring back
 * @property {() => string} here  the project that is open
 * @property {string} [named]  a path that could not be opened: it is mended where it was written
 */

/** @param {any} value  `values.shelf_value` @param {Acts} acts */
export function startOf(value, acts) {
  const out = make("div", "hsi-open-start");
  out.append(dropZone(acts), pathForm(value.root, acts));
  const last = value.projects.find((/** @type {any} */ one) => !one.problem);
  const scenes = make("div", "hsi-cards");
  if (last && last.id !== acts.here()) scenes.append(projectCard(last, acts, true));
  for (const scene of value.scenes) scenes.append(sceneCard(scene, acts));
  out.append(make("h4", "", last ? "Go on, or begin with a scene of the program" : "Begin with a scene of the program"), scenes);
  if (value.projects.length) {
    const cards = make("div", "hsi-cards");
    cards.append(...value.projects.map((/** @type {any} */ one) => projectCard(one, acts, false)));
    out.append(make("h4", "", "Your projects"), cards);
  }
  if (value.trash.length) out.append(trashOf(value.trash, acts));
  return out;
}

/** @param {Acts} acts */
function dropZone(acts) {
  const zone = make("div", "hsi-open-drop"), row = make("div", "hsi-open-row");
  for (const folder of [false, true]) {
    const input = make("input");
    input.type = "file";
    input.hidden = true;
    input.multiple = true;
    if (folder) input.webkitdirectory = true;
    input.dataset.part = folder ? "folder" : "files";
    input.addEventListener("change", () => {
      const files = [...(input.files || [])].filter((file) => !file.name.startsWith("."));
      if (files.length) acts.take(files);
      input.value = "";
    });
    const words = folder ? "Choose a folder" : "Choose files";
    row.append(input, button(folder ? "hsi-small" : "hsi-small hsi-primary", words, "", () => input.click()));
  }
  zone.append(
    make("b", "", "Drop files here, or anywhere on the page"),
    make("span", "hsi-hint",
      "ENVI, GeoTIFF, MATLAB, HDF5, NumPy, a satellite product's folder, a project's .zip; with everything that belongs " +
      "to it: header, surface model, reference, labels. You see what they are taken for before anything opens."),
    row,
  );
  return zone;
}

/** @param {string} root @param {Acts} acts */
function pathForm(root, acts) {
  const form = make("form", "hsi-open-path"), field = make("input");
  field.name = "path";
  field.placeholder = `${root}/scene.hdr`;
  field.value = acts.named || "";
  field.setAttribute("aria-label", "File or folder of this machine");
  form.append(make("span", "hsi-hint", "or on this machine"), field, make("button", "hsi-small", "Look at it"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (field.value.trim()) acts.begin({ path: field.value.trim() });
  });
  return form;
}

/** @param {any} scene @param {Acts} acts */
function sceneCard(scene, acts) {
  const card = button("hsi-card", "", "", () => acts.begin({ scene: scene.id }));
  card.dataset.scene = scene.id;
  const frame = make("span", "hsi-card-picture"), image = make("img");
  image.alt = "";
  image.src = new URL(`./${scene.id}.webp`, import.meta.url).href;
  frame.append(image);
  card.append(frame, make("b", "", scene.title), make("span", "hsi-hint", `${scene.sensor} · ${scene.size}`));
  return card;
}

/** @param {any} one  `values.card_value` @param {Acts} acts @param {boolean} plain  the first card: nothing but Continue */
function projectCard(one, acts, plain) {
  const card = make("div", "hsi-card hsi-project"), go = make("button", "hsi-card-go"), title = make("b", "", one.title);
  card.dataset.project = one.id;
  const frame = make("span", "hsi-card-picture"), image = make("img");
  image.alt = "";
  image.loading = "lazy";
  image.src = one.picture;
  image.addEventListener("error", () => image.remove());
  frame.append(image);
  const facts = one.problem
    ? [make("span", "hsi-hint is-bad", one.problem)]
    : [make("span", "hsi-hint", [one.size, counted(one.labels, "label"), one.accuracy].filter(Boolean).join(" · ")),
       make("span", "hsi-hint", one.id === acts.here() ? "open now" : one.when)];
  go.type = "button";
  go.append(frame, title, ...facts);
  go.disabled = Boolean(one.problem);
  go.addEventListener("click", () => acts.begin({ project: one.id }));
  card.append(go);
  if (plain) {
    go.append(make("span", "hsi-card-continue", "Continue"));
    return card;
  }
  const row = make("div", "hsi-card-acts");
  const rename = button("hsi-small", "Rename", "", () => {
    const box = renameBox("hsi-plan-control", one.title, 200, "The project's name", (name) => {
      box.replaceWith(row);
      if (name) acts.act(one.id, { do: "rename", title: name });
    });
    row.replaceWith(box);
  });
  const gone = button("hsi-small hsi-danger", "Delete", "Into the trash, from where it can be brought back", () => {
    acts.act(one.id, { do: "delete" });
  });
  const save = make("a", "hsi-small", "Export");
  save.href = `/hsi/shelf/${encodeURIComponent(one.id)}/export.zip`;
  save.download = "";
  save.title = "The whole project as one .zip; drop it on a page to have it again";
  const mend = button("hsi-small", "Mend", "Keep all of it that makes sense, and the damaged files beside it", () => {
    acts.act(one.id, { do: "mend" });
  });
  const copy = button("hsi-small", "Duplicate", "", () => acts.act(one.id, { do: "duplicate" }));
  row.append(...(one.problem ? [mend, gone] : [rename, copy, save, gone]));
  card.append(row);
  return card;
}

/** @param {{id: string, title: string}[]} trash @param {Acts} acts */
function trashOf(trash, acts) {
  const box = make("details", "hsi-open-trash"), list = make("ul");
  for (const one of trash) {
    const item = make("li");
    item.append(make("span", "", one.title), button("hsi-small", "Bring back", "", () => acts.act(one.id, { do: "bring back" })));
    list.append(item);
  }
  box.append(make("summary", "", `Trash (${trash.length})`), list);
  return box;
}
