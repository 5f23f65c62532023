// @ts-check
// Two parts of the dock: what was done to the project, and where the map that is shown comes from.

import { button, make } from "../web/dom.js";
import { when } from "../web/formats.js";

/** @param {HTMLElement} node @param {string} text */
const only = (node, text) => node.replaceChildren(make("p", "hsi-hint", text));

export function makeHistory() {
  const node = make("div", "hsi-did");
  return {
    node,
    /** @param {{lines?: {time: string, text: string, undone: boolean, kind: string}[], problem?: string}} value */
    draw({ lines = [], problem }) {
      if (problem || !lines.length) { only(node, problem || "Nothing was done to this project yet: each label, class and training is listed here."); return; }
      const list = make("ol", "hsi-did-list");
      list.append(...lines.map((line) => {
        const item = make("li", line.undone ? "is-undone" : `is-${line.kind}`), time = make("time", "", when(line.time));
        time.dateTime = line.time;
        item.append(time, make("span", "", line.text));
        if (line.undone) item.append(make("em", "", "undone"));
        return item;
      }));
      node.replaceChildren(list);
    },
  };
}

export function makeOrigin() {
  const node = make("div", "hsi-origin");
  return {
    node,
    /** @param {{chain?: [string, string][], command?: string, title?: string, problem?: string}} value */
    draw({ chain = [], command = "", problem }) {
      if (problem || !chain.length) { only(node, problem || "There is no map yet: label pixels of two classes first."); return; }
      const list = make("ol", "hsi-origin-chain");
      list.append(...chain.map(([what, which], k) => {
        const item = make("li");
        item.append(make("b", "", k ? `← ${what}` : what), make("span", "", which));
        return item;
      }));
      const line = make("p", "hsi-origin-line"), said = button("hsi-small", "Copy", "Copy the command that makes this map again", () => {
        navigator.clipboard.writeText(command).then(() => (said.textContent = "Copied"), () => (said.textContent = "Select and copy it by hand"));
      });
      line.append(make("code", "", command), said);
      node.replaceChildren(list, line);
    },
  };
}
