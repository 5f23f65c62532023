import assert from "node:assert/strict";
import { test } from "node:test";

import {
  areaText, counted, decimal, duration, end, escapeTags, lengthText, niceLength, percent, remaining, signed, when,
} from "../../hsi_studio/ui/web/formats.js";

test("a noun has its plural, and nought has it too", () => {
  assert.equal(counted(1, "label"), "1 label");
  assert.equal(counted(0, "label"), "0 labels");
  assert.equal(counted(2, "class", "classes"), "2 classes");
});

test("a duration is in the unit that one would say", () => {
  assert.deepEqual([0.2, 89, 90, 5399, 5400, 9000].map(duration), ["1 s", "89 s", "2 min", "90 min", "1.5 h", "2.5 h"]);
  assert.equal(remaining(40), "about 40 s left");
  assert.equal(remaining(null), "");
  assert.equal(remaining(undefined), "");
});

test("a difference has its sign, and one that rounds to nought has none", () => {
  assert.deepEqual([1.26, -1.26, 0.04, -0.04].map(signed), ["+1.3", "−1.3", "0.0", "0.0"]);
  assert.equal(decimal(-3), "−3.0");
  assert.deepEqual([-0.041, 0.04, -0.5, 0, -0.004, 1.25].map(end), ["−0.04", "0.04", "−0.5", "0.0", "0.0", "1.3"]);
  assert.equal(percent(0.126), "13 %");
});

test("the length of a scale bar is the largest 1, 2 or 5 times a power of ten that fits", () => {
  assert.deepEqual([1, 1.9, 2, 4.9, 5, 9.9, 730, 0.3].map(niceLength), [1, 1, 2, 2, 5, 5, 500, 0.2]);
  assert.deepEqual([5000, 20, 0.5].map(lengthText), ["5 km", "20 m", "50 cm"]);
});

test("an area is in hectares, a little one in m², or in pixels where a pixel has no size, as in the figures", () => {
  assert.deepEqual([[12343, 1.5], [100, 1], [70, 0.01], [0, 2], [1234, null]].map(([n, m]) => areaText(n, m)), ["2.78 ha", "100 m²", "0.01 m²", "–", "1,234 px"]);
});

test("of a day that is today only the hour is said", () => {
  const now = new Date(2026, 4, 3, 18, 0);
  assert.equal(when(new Date(2026, 4, 3, 9, 5).toISOString(), now), "09:05");
  assert.equal(when(new Date(2026, 4, 2, 9, 5).toISOString(), now), "2 May, 09:05");
});

test("a class name cannot put a tag into a plot", () => {
  assert.equal(escapeTags("<b>Corn & co</b>"), "&lt;b&gt;Corn &amp; co&lt;/b&gt;");
});
