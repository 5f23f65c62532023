// @ts-check
// The dialog that draws labels from the scene's reference. The class list and the Train tab open it with the event
// `hsi:draw-labels`; it stands in the page's body, because a tab that is not shown shows no dialog either.

import { button, dialogOf, labelled, make } from "../../web/dom.js";
import { counted } from "../../web/formats.js";

/**
 * Makes the dialog; returns what opens it, with the number of labels there are.
 * @param {(wanted: {shots: number, seed: number, instead: boolean}) => void} draw
 */
export function drawDialog(draw) {
  document.getElementById("hsi-draw-labels")?.remove(); // of a page that was built before
  const number = (label, value, most, text) => {
    const input = make("input"), box = labelled(label, input, "hsi-draw-number");
    Object.assign(input, { type: "number", min: label === "Seed" ? 0 : 1, max: most, step: 1, value, required: true });
    box.title = text;
    return { box, input };
  };
  const { box: shotsBox, input: shots } = number("Labels a class (shots)", 20, 1000, "Each class of the reference gets as many");
  const { box: seedBox, input: seed } = number("Seed", 0, 2 ** 32 - 1, "Another seed draws other pixels; the same seed draws the same ones");
  const instead = make("input"), insteadBox = make("label", "hsi-draw-instead"), insteadWords = make("span");
  instead.type = "checkbox";
  insteadBox.append(instead, insteadWords);
  const form = make("form"), numbers = make("div", "hsi-draw-numbers");
  form.method = "dialog";
  form.id = "hsi-draw-labels-form";
  numbers.append(shotsBox, seedBox);
  form.append(numbers, insteadBox);
  form.addEventListener("submit", () => {
    draw({ shots: shots.valueAsNumber, seed: seed.valueAsNumber, instead: instead.checked && !insteadBox.hidden });
  });
  const go = make("button", "hsi-small hsi-primary", "Draw labels");
  go.setAttribute("form", form.id);
  const dialog = dialogOf("Draw labels from the reference", [
    make("p", "hsi-hint",
      "For experiments as in the papers: random pixels of the reference map become labels, the same ones as in a " +
      "benchmark with this seed. Labels you have count towards the number. Undo takes the drawn ones back."),
    make("p", "hsi-hint",
      "Pixels beside a label are easy. Judge by the second accuracy below the picture, away from labels."),
    form,
  ], [button("hsi-small", "Cancel", "", () => dialog.close()), go]);
  dialog.id = "hsi-draw-labels";
  document.body.append(dialog);
  return (/** @type {number} */ count) => {
    if (!dialog.isConnected) return; // a newer page part has its own
    insteadBox.hidden = !count;
    instead.checked = false; // numbers are remembered, taking away is not
    insteadWords.textContent = count === 1 ? "Take away the label there is first" : `Take away the ${counted(count, "label")} there are first`;
    dialog.showModal();
    shots.select();
  };
}
