import assert from "node:assert/strict";
import { test } from "node:test";

import { placeOf, readAt, withPlace, writeAt } from "../../hsi_studio/ui/web/address.js";
import { jobText } from "../../hsi_studio/ui/viewer/status.js";
import { stepOf, withStep } from "../../hsi_studio/ui/web/steps.js";
import { whoseKey } from "../../hsi_studio/ui/viewer/keyboard.js";

test("the open step stands in the address and leaves the rest of it alone", () => {
  const here = "http://127.0.0.1:7860/?project=town-1&step=label";
  assert.equal(stepOf(here), "label");
  assert.equal(stepOf("http://127.0.0.1:7860/?project=town-1"), "");
  assert.equal(stepOf(withStep(here, "words.query")), "words.query");
  assert.equal(withStep(here, "words"), "http://127.0.0.1:7860/?project=town-1&step=words");
});

test("a key is the picture's but where one types; a control keeps the keys it uses", () => {
  const within = (...marks) => ({ closest: (selector) => marks.some((mark) => selector.includes(mark)) || null });
  const stage = within("[tabindex]");
  assert.equal(whoseKey(stage, stage), "picture");
  assert.equal(whoseKey(within(), stage), "picture");
  assert.equal(whoseKey(null, stage), "picture");
  assert.equal(whoseKey(within("textarea"), stage), "other");
  assert.equal(whoseKey(within("dialog", "button"), stage), "other");
  assert.equal(whoseKey(within("a, button"), stage), "page");
});

test("what the picture shows and where stands in the address, and is read again", () => {
  const here = withPlace("http://h/?project=a&step=map", { layer: "run:20260101-120000-abcdef", at: writeAt(12.34, -5, 1.25), opacity: "30" });
  assert.equal(here, "http://h/?project=a&step=map&layer=run:20260101-120000-abcdef&at=12.3,-5,1.25&opacity=30");
  assert.deepEqual(readAt(placeOf(here).at), { row: 12.3, col: -5, zoom: 1.25 });
  assert.equal(withPlace(here, { layer: undefined, at: undefined, opacity: undefined }), "http://h/?project=a&step=map");
  for (const bad of ["", "1,2", "a,b,c", undefined]) assert.equal(readAt(bad), null);
  assert.equal(readAt("1,2,99").zoom, 6);
});

test("a training is told with what is left of it", () => {
  assert.equal(jobText({ text: "DiffCLIP", fraction: 0.42, seconds_left: 180, waiting: 1 }), "DiffCLIP 42 % · about 3 min left · 1 more");
  assert.equal(jobText({ text: "SVM", fraction: null, seconds_left: null, waiting: 0 }), "SVM waits or starts");
});
