// @ts-check
// A layer that was made or read here, in a list: shown by a click, and taken away.

import { button, make } from "../../web/dom.js";

/**
 * @param {{id: string, title: string, shown: string}} layer
 * @param {(what: string, more?: object) => void} act
 */
export function layerItem(layer, act) {
  const item = make("li", layer.shown ? "is-shown" : "");
  item.append(
    make("span", "", layer.title),
    button("hsi-small", layer.shown ? "Shown" : "Show", "", () => act("show", { layer: layer.id })),
    button("hsi-small hsi-quiet", "Remove", `Remove the layer ${layer.title}`, () => act("remove", { layer: layer.id })),
  );
  return item;
}
