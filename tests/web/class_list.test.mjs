import assert from "node:assert/strict";
import { test } from "node:test";

import { saysNoClasses } from "../../hsi_studio/ui/tabs/label/class_list.js";

test("a page that is loading does not say that there are no classes", () => {
  assert.equal(saysNoClasses({}), false); // what the list begins with
  assert.equal(saysNoClasses({ classes: [] }), true);
  assert.equal(saysNoClasses({ classes: [{ id: "a" }] }), false);
});
