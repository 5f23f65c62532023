// @ts-check
// Hold-out regions: drawn in the picture, never labelled, and the map on the screen measured in them. The figures come on
// demand, because measuring takes longer the larger the scene is.

import { tell } from "../../web/component.js";
import { button, make } from "../../web/dom.js";

/**
 * @param {HTMLDetailsElement} node  the part of the panel
 * @param {(what: string, more?: object) => void} act
 * @param {(name: "hsi:region", work: (detail: {polygon: [number, number][] | null}) => void) => void} onPage
 */
export function makeHoldout(node, act, onPage) {
  const list = make("ul", "ev-layers"), row = make("div", "ev-row"), figures = make("p", "ev-certified"), said = make("p", "hsi-hint");
  let drawing = false, asked = "", regions = 0, key = "", score = null;
  const draw = button("hsi-small", "Draw a region", "Drag around pixels in the picture; Escape gives up", () => {
    drawing = draw.disabled = true;
    tell("hsi:draw", {});
  });
  const show = button("hsi-small", "Show them", "In the picture, in place of the map", () => act("show regions"));
  const clear = button("hsi-small hsi-quiet", "Take all away", "", () => act("release", { number: null }));
  row.append(draw, show, clear);
  node.append(
    make("p", "hsi-hint", "Accuracy in fields of your choice: no label is given inside, and those there are go (undo brings them back)."),
    row, list, figures, said,
  );
  onPage("hsi:region", ({ polygon }) => {
    if (!drawing) return;
    drawing = draw.disabled = false;
    if (polygon) {
      tell("hsi:draw", { off: true }); // it is one of the list now
      act("hold out", { polygon });
    }
  });
  const measure = () => {
    if (!node.open || !regions || asked === key || score?.key === key) return;
    asked = key;
    said.textContent = "Measuring …";
    act("measure regions", { key });
  };
  node.addEventListener("toggle", measure);
  return (/** @type {any} */ value) => {
    regions = value.regions?.length || 0;
    key = `${value.stamp || ""}|${value.drawn}`;
    if (value.score) score = value.score;
    show.hidden = clear.hidden = !regions;
    list.replaceChildren(...(value.regions || []).map((pixels, k) => {
      const item = make("li", "");
      item.append(make("span", "", `Region ${k + 1}: ${pixels.toLocaleString("en")} pixels`), button("hsi-small hsi-quiet", "Take away", `Take region ${k + 1} away`, () => act("release", { number: k })));
      return item;
    }));
    const known = score?.key === key && regions > 0;
    figures.textContent = known ? score.figures : "";
    figures.hidden = !figures.textContent;
    said.textContent = !known ? "" : score.words;
    measure();
  };
}
