// @ts-check
// What a class or a region looks like, in sentences whose phrases show the numbers they rest on.

import { tell } from "../../web/component.js";
import { button, make, setOptions } from "../../web/dom.js";

/** A description: each phrase shows its evidence. @param {{phrases?: any[], sentences: string[]}} description */
export function phraseLine(description) {
  const line = make("p", "hsi-query-said");
  const phrases = description.phrases || [];
  if (!phrases.length) { line.textContent = description.sentences.join(" "); return line; }
  const evidence = make("span", "hsi-query-evidence");
  evidence.hidden = true;
  phrases.forEach((phrase, k) => {
    const node = make("span", "hsi-phrase", phrase.text);
    node.tabIndex = 0;
    node.title = phrase.evidence.join("\n");
    const show = () => { evidence.textContent = phrase.evidence.join(" · "); evidence.hidden = false; };
    node.addEventListener("focus", show);
    node.addEventListener("click", (event) => { event.stopPropagation(); show(); });
    line.append(node, k < phrases.length - 1 ? ", " : ".");
  });
  line.append(evidence);
  return line;
}

/**
 * @param {(what: string, more?: object) => void} act
 * @param {ReturnType<typeof import("../../web/component.js").panel>["onPage"]} onPage
 */
export function makeLooks(act, onPage) {
  const node = make("details", "hsi-query-more");
  node.append(make("summary", "", "What a class or a region looks like"));
  const row = make("div", "hsi-query-row"), list = make("select");
  list.setAttribute("aria-label", "Class to describe");
  row.append(list, button("hsi-small", "Describe from its pixels", "", () => act("describe", { id: list.value })));
  const drawRow = make("div", "hsi-query-row");
  const draw = button("hsi-small", "Draw a region to describe", "Drag around pixels in the picture; Escape gives up", () => {
    draw.disabled = true;
    tell("hsi:draw", {});
  });
  draw.dataset.testid = "draw-region";
  drawRow.append(draw);
  onPage("hsi:region", ({ polygon }) => {
    const mine = draw.disabled; // others ask for a region too
    draw.disabled = false;
    if (polygon && mine) act("describe region", { polygon });
  });
  const hint = make("p", "hsi-hint"), text = make("div", "hsi-query-looks");
  node.append(hint, row, drawRow, text);

  return {
    node,
    /** @param {Record<string, any>} value  the tab's value */
    draw(value) {
      const known = value.classes.filter((c) => c.count);
      setOptions(list, known.map((c) => [`${c.name} (${c.count})`, c.id]));
      row.hidden = !known.length;
      hint.textContent = known.length
        ? "Measured on the labelled pixels: hover a phrase, or choose it, for the numbers it rests on."
        : "Label pixels of a class, then it can be described; a region needs no label.";
      if (value.described) {
        const d = value.described;
        text.replaceChildren(
          make("h5", "", d.name), phraseLine(d), make("q", "hsi-query-prompt", d.sentences.join(" ")),
          ...d.notes.map((note) => make("p", "hsi-hint", note)),
        );
        node.open = true;
      }
      if (value.refused) text.replaceChildren();
    },
  };
}
