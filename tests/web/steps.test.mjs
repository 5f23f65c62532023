import assert from "node:assert/strict";
import { test } from "node:test";

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
