// @ts-check
// The models in the trash: bring one back, or empty it for good after a second click.

import { button, make } from "../../web/dom.js";
import { counted } from "../../web/formats.js";

/** @param {(what: string, more?: object) => void} act */
export function trashList(act) {
  const node = make("details", "hsi-models-bin");

  function draw(gone, memory) {
    node.hidden = !gone.length;
    node.replaceChildren(make("summary", "", `Trash: ${counted(gone.length, "model")}`));
    for (const model of gone) {
      const line = make("div", "hsi-models-gone");
      line.append(make("span", "", model.title), button("hsi-small", "Restore", `Restore ${model.title}`, () => act("restore", { id: model.id })));
      node.append(line);
    }
    const last = make("div", "hsi-models-gone");
    const purge = button("hsi-small hsi-danger", "Empty the trash", "Delete these models for good", () => {
      if (purge.dataset.sure) act("purge");
      else {
        purge.dataset.sure = "1";
        purge.textContent = "Delete for good?";
      }
    });
    last.append(make("span", "hsi-hint", memory), purge);
    node.append(last);
  }

  return { node, draw };
}
