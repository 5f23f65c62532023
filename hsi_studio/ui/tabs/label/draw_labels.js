// The dialog that draws labels from the scene's reference. The class list and the Train tab open it with the event
// `hsi:draw-labels`; it stands in the page's body, because a tab that is not shown shows no dialog either.

function makeDrawDialog(draw) {
  document.getElementById("hsi-draw-labels")?.remove(); // of a page that was built before
  const dialog = make("dialog", "hsi-dialog");
  dialog.id = "hsi-draw-labels";
  const number = (label, value, most, text) => {
    const box = make("label", "hsi-draw-number"), input = make("input");
    Object.assign(input, { type: "number", min: label === "Seed" ? 0 : 1, max: most, step: 1, value, required: true });
    box.append(make("span", "", label), input);
    box.title = text;
    return [box, input];
  };
  const [shotsBox, shots] = number("Labels a class (shots)", 20, 1000, "Each class of the reference gets as many");
  const [seedBox, seed] = number("Seed", 0, 2 ** 32 - 1, "Another seed draws other pixels; the same seed draws the same ones");
  const instead = make("input"), insteadBox = make("label", "hsi-draw-instead"), insteadWords = make("span");
  instead.type = "checkbox";
  insteadBox.append(instead, insteadWords);
  const form = make("form"), numbers = make("div", "hsi-draw-numbers"), buttons = make("div", "hsi-dialog-row");
  form.method = "dialog";
  numbers.append(shotsBox, seedBox);
  const cancel = make("button", "hsi-small", "Cancel"), go = make("button", "hsi-small hsi-primary", "Draw labels");
  cancel.type = "button";
  cancel.addEventListener("click", () => dialog.close());
  buttons.append(cancel, go);
  form.append(numbers, insteadBox, buttons);
  form.addEventListener("submit", () => {
    draw({ shots: shots.valueAsNumber, seed: seed.valueAsNumber, instead: instead.checked && !insteadBox.hidden });
  });
  dialog.append(
    make("h3", "", "Draw labels from the reference"),
    make("p", "hsi-hint",
      "For experiments as in the papers: random pixels of the reference map become labels, the same ones as in a " +
      "benchmark with this seed. Labels you have count towards the number. Undo takes the drawn ones back."),
    make("p", "hsi-hint",
      "Pixels beside a label are easy. Judge by the second accuracy below the picture, away from labels."),
    form,
  );
  document.body.append(dialog);
  return (labelled) => {
    if (!dialog.isConnected) return; // a newer page part has its own
    insteadBox.hidden = !labelled;
    instead.checked = false; // numbers are remembered, taking away is not
    insteadWords.textContent = labelled === 1 ? "Take away the label there is first" : `Take away the ${labelled} labels there are first`;
    dialog.showModal();
    shots.select();
  };
}
