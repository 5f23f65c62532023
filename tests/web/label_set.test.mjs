import assert from "node:assert/strict";
import { test } from "node:test";

import { labelSet } from "../../hsi_studio/ui/viewer/label_set.js";

const CLASSES = [{ id: "corn", color: "#111111" }, { id: "woods", color: "#222222" }];
function fresh(labels = { seq: 0, points: [] }) {
  const set = labelSet(() => {});
  set.setClasses(CLASSES);
  set.setLabels(labels);
  return set;
}

test("a click counts at once, and waits until a newer set of the server agrees with it", () => {
  const set = fresh();
  set.wish(2, 3, "corn", 1, 0);
  assert.equal(set.classIdAt(2, 3), "corn");
  assert.equal(set.classIdAt(2, 3, false), null);
  set.setLabels({ seq: 1, points: [] }); // of before the click was written: says nothing of it
  assert.equal(set.pendingCount(), 1);
  set.setLabels({ seq: 2, points: [[2, 3, 0]] });
  assert.equal(set.pendingCount(), 0);
  assert.equal(set.classIdAt(2, 3, false), "corn");
});

test("labels of a class are counted with the clicks that wait", () => {
  const set = fresh({ seq: 1, points: [[0, 0, 0], [0, 1, 0], [0, 2, 1]] });
  assert.equal(set.countOf("corn"), 2);
  set.wish(5, 5, "corn", 1, 0);
  set.wish(0, 1, "woods", 2, 0);
  assert.deepEqual([set.countOf("corn"), set.countOf("woods")], [2, 2]);
  set.wish(0, 0, "corn", 3, 0); // again: taken away
  assert.equal(set.countOf("corn"), 1);
});

test("an older set never replaces a newer one", () => {
  const set = fresh({ seq: 5, points: [[0, 0, 1]] });
  assert.equal(set.setLabels({ seq: 4, points: [] }), false);
  assert.equal(set.classIdAt(0, 0), "woods");
});

test("a click on a pixel that has the class takes it away, one with another class changes it", () => {
  const set = fresh({ seq: 1, points: [[0, 0, 0], [1, 1, 0]] });
  set.wish(0, 0, "corn", 1, 0);
  set.wish(1, 1, "woods", 2, 0);
  assert.equal(set.classIdAt(0, 0), null);
  assert.equal(set.classIdAt(1, 1), "woods");
});

test("two quick clicks on a pixel are on and off again", () => {
  const set = fresh();
  set.wish(0, 0, "corn", 1, 0);
  set.wish(0, 0, "corn", 2, 1);
  assert.equal(set.classIdAt(0, 0), null);
});

test("a refused click vanishes, the others stay; a refusal without a number is the oldest's", () => {
  const set = fresh();
  for (const n of [1, 2, 3]) set.wish(n, 0, "corn", n, n);
  set.refuse(2);
  assert.deepEqual([1, 2, 3].map((row) => set.classIdAt(row, 0)), ["corn", null, "corn"]);
  set.refuse();
  assert.deepEqual([1, 3].map((row) => set.classIdAt(row, 0)), [null, "corn"]);
});

test("a click that nobody confirms is asked for, then given up", () => {
  const set = fresh();
  set.wish(0, 0, "corn", 1, 1000);
  assert.deepEqual(set.overdue(1000 + 2400), { ask: false, gone: 0 });
  assert.deepEqual(set.overdue(1000 + 2600), { ask: true, gone: 0 });
  assert.deepEqual(set.overdue(1000 + 8100), { ask: false, gone: 1 });
  assert.equal(set.classIdAt(0, 0), null);
});

test("labels are counted class by class as the server knows them", () => {
  const set = fresh({ seq: 1, points: [[0, 0, 0], [0, 1, 0], [1, 0, 1]] });
  set.wish(5, 5, "woods", 1, 0);
  assert.deepEqual(set.counts(), [2, 1]);
  assert.equal(set.labelled(), 2);
  set.reset();
  assert.deepEqual([set.counts(), set.pendingCount(), set.seq()], [[0, 0], 0, -1]);
});
