// @ts-check
// The rows of the prompt table: a class, its sentences, what is said of them, its history.
//
// A sentence is committed when the cursor leaves it or with Enter; Escape takes the typing back. A row whose text is
// typed or on its way is not drawn again; the answer to a commit carries its number back.

import { button, dot, fitHeight, make } from "../../web/dom.js";
import { recipeBox } from "./recipe.js";

const texts = (item) => [...item.querySelectorAll("textarea")].map((box) => box.value.trim()).filter(Boolean);

function marks(item, info) {
  const lines = [...item.querySelectorAll(".hsi-sentence")];
  lines.forEach((line, n) => {
    const one = info.sentences[n];
    const count = /** @type {HTMLElement} */ (line.querySelector(".hsi-tokens"));
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

/**
 * @param {HTMLElement} list  where the rows stand
 * @param {(what: string, more?: object) => void} act
 * @param {() => void} again  draws the whole table
 */
export function classRows(list, act, again) {
  let sent = 0; // number of the last edit; its answer carries it back as `ack`
  /** @type {Map<string, HTMLElement>} */
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

  function sentence(item, info, text, n) {
    const line = make("div", "hsi-sentence");
    const box = make("textarea", "");
    box.value = text;
    box.rows = 1;
    box.maxLength = 2000;
    box.spellcheck = true;
    box.placeholder = n ? "Another sentence" : `“${info.name}” stands for itself. What does it look like from above?`;
    box.setAttribute("aria-label", `Sentence ${n + 1} of ${info.name}`);
    box.addEventListener("input", () => fitHeight(box));
    box.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        event.preventDefault();
        const all = [...list.querySelectorAll("textarea")];
        const next = all[all.indexOf(box) + (event.shiftKey ? -1 : 1)];
        if (next) next.focus(); else box.blur();
      }
      if (event.key === "Escape") { box.value = text; fitHeight(box); box.blur(); }
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
    side.append(count, away);
    line.append(box, side);
    return line;
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

  function draw(value, info) {
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
    const more = button("hsi-small", "+ sentence", `Another sentence for ${info.name}`, () => {
      const line = sentence(item, info, "", item.querySelectorAll(".hsi-sentence").length);
      item.querySelector(".hsi-flags").before(line);
      line.querySelector("textarea").focus();
    });
    const past = button("hsi-small", "History", `What ${info.name} said before`, () => {
      opened = opened === info.id ? null : info.id;
      if (opened) act("history", { id: info.id }); else again();
    });
    past.setAttribute("aria-expanded", String(opened === info.id));
    top.append(dot(info.color), make("b", "", info.name), more, past);
    const given = info.sentences.length ? info.sentences.map((s) => s.text) : [""];
    item.replaceChildren(top, ...given.map((text, n) => sentence(item, info, text, n)), make("ul", "hsi-flags"));
    const recipe = value.recipes?.of[info.id];
    if (recipe) item.append(recipeBox(recipe, info, value.recipes.materials, act));
    if (opened === info.id && value.history && value.history.id === info.id) item.append(history(value, info));
    marks(item, info);
    return item;
  }

  return {
    draw,
    /** Another set or project: every row is new. */
    clear() { rows.clear(); opened = null; },
    /** @param {number} ack  number of the edit that was answered @param {boolean} refused */
    answered(ack, refused) {
      for (const item of rows.values()) if (item.dataset.sent === String(ack)) item.dataset.state = refused ? "refused" : "";
    },
  };
}
