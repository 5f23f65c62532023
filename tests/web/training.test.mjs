import assert from "node:assert/strict";
import { test } from "node:test";

import { guessClass } from "../../hsi_studio/ui/tabs/query/guess.js";
import { promptsTitle } from "../../hsi_studio/ui/tabs/models/detail.js";
import { notAgain } from "../../hsi_studio/ui/tabs/train/again.js";
import { complaint, reach } from "../../hsi_studio/ui/tabs/train/limits.js";
import { makeSeries, smoothed } from "../../hsi_studio/ui/tabs/train/series.js";

const point = (stage, step, loss, steps = 10) => [stage, step, steps, { loss }];

test("a number is told what it must fulfil", () => {
  const field = { whole: true, min: 1, below: 10 };
  assert.deepEqual(["3", "", "x", "2.5", "0", "10"].map((text) => complaint(field, text)), [
    "", "Write a number.", "Write a number.", "Write a whole number.", "At least 1.", "Less than 10.",
  ]);
  assert.equal(complaint({ optional: true }, " "), "");
  assert.equal(reach({ above: 0, max: 1000 }), "0 … 1,000");
  assert.equal(reach({ above: 0 }), "more than 0");
  assert.equal(reach({ max: 5 }), "at most 5");
  assert.equal(reach({}), "");
});

test("settings of a run say which of its prompts cannot be had again", () => {
  const now = [{ name: "p5", title: "p5 described" }, { name: "set:a", title: "Mine, version 3" }];
  const said = (prompts, prompt_set, reads = true) => notAgain({ prompts, prompt_set }, now, reads);
  assert.equal(said("p5", ""), "");
  assert.equal(said("set:a@3", "Mine, version 3"), "");
  assert.equal(said("set:a@2", "Mine, version 2"), "It was trained with Mine, version 2; the form has Mine, version 3.");
  assert.equal(said("set:gone@1", "Old, version 1"), "Its prompts (Old, version 1) are not here any more: choose others before you train.");
  assert.equal(said("set:gone@1", "Old, version 1", false), ""); // its method reads none
});

test("a model counts its sentences and its classes, one of each too", () => {
  assert.equal(promptsTitle([["Corn", "a"], ["Corn", "b"], ["Oats", "c"]]), "Prompts: 3 sentences for 2 classes");
  assert.equal(promptsTitle([["Corn", "a"]]), "Prompts: 1 sentence for 1 class");
});

test("a run that resumed from a checkpoint repeats steps: the later ones count", () => {
  const series = makeSeries();
  series.add([point("fit", 1, 5), point("fit", 2, 4), point("fit", 3, 3)]);
  assert.ok(series.add([point("fit", 2, 40)]).redraw);
  assert.deepEqual(series.curves.get("loss"), { x: [1, 2], y: [5, 40], every: 1, skipped: 0 });
});

test("stages lie one after another and are not joined", () => {
  const series = makeSeries();
  series.add([point("pre", 10, 2), point("fit", 1, 1)]);
  const { x, y } = series.curves.get("loss");
  assert.deepEqual([x, y], [[10, 10, 11], [2, null, 1]]);
});

test("new points alone are handed on, so that old ones are not drawn again", () => {
  const series = makeSeries();
  series.add([point("fit", 1, 5)]);
  const { fresh, redraw } = series.add([point("fit", 2, 4)]);
  assert.equal(redraw, undefined);
  assert.deepEqual(fresh.get("loss"), { x: [2], y: [4] });
});

test("a long curve is thinned: its points stay below the bound and its last step stays", () => {
  const series = makeSeries(), steps = 20000;
  series.add(Array.from({ length: steps }, (_, i) => point("fit", i + 1, i, steps)));
  const { x } = series.curves.get("loss");
  assert.ok(x.length <= 3000);
  assert.equal(x.at(-1), steps);
});

test("smoothing has no bias at the start: a constant stays what it is (Kingma and Ba 2015, section 3)", () => {
  for (const value of smoothed([3, 3, 3], 0.9)) assert.ok(Math.abs(value - 3) < 1e-12);
  assert.deepEqual(smoothed([1, null, 5], 0.5), [1, null, 5]); // a gap starts it again
  assert.deepEqual(smoothed([1, 2], 0), [1, 2]);
});

test("a question is taken for the class whose name shares most words with it", () => {
  const classes = [{ id: "w", name: "Woods" }, { id: "n", name: "Corn-notill" }, { id: "c", name: "Corn" }];
  assert.equal(guessClass("wet corn without tillage, notill", classes), "n");
  assert.equal(guessClass("the wood at the river", classes), "w");
  assert.equal(guessClass("water", []), "");
  assert.equal(guessClass("road", classes), ""); // no word in common: nobody's, not the first one's
});
