// @ts-check
// Maps that were made elsewhere: read from a file, shown as layers, taken away again.

import { tell } from "../../web/component.js";
import { make } from "../../web/dom.js";
import { fileButton } from "./files.js";
import { layerItem } from "./layer_item.js";

/**
 * @param {HTMLDetailsElement} node  the part of the panel
 * @param {(what: string, more?: object) => void} act
 */
export function makeElsewhere(node, act) {
  const list = make("ul", "ev-layers"), row = make("div", "ev-row"), said = make("p", "hsi-hint");
  let project = "";
  row.append(fileButton("Read a class map", {
    multiple: true, route: () => `/hsi/evidence/${encodeURIComponent(project)}/maps`, said,
    done: () => { act("told"); tell("hsi:follow"); }, // the card below the picture compares it with what is shown
  }));
  node.append(
    make("p", "hsi-hint", "A class map of another program (GeoTIFF, ENVI with its header, …) becomes a layer of its own: to look at, to swipe, to certify, to export."),
    row, said, list,
  );
  /** @param {any} value */
  return (value) => {
    project = value.project;
    list.replaceChildren(...(value.layers || []).filter((one) => one.id.startsWith("imported:")).map((one) => layerItem(one, act)));
  };
}
