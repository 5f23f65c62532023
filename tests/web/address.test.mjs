import assert from "node:assert/strict";
import { test } from "node:test";

import { readView, withView } from "../../hsi_studio/ui/viewer/address.js";

test("what is written into the address is read from it, and the rest of it stays", () => {
  const there = withView("http://x/?project=p&step=words", { view: "12.5,40,1.25", opacity: "35", layer: "run:a b" });
  assert.deepEqual(readView(there), { view: [12.5, 40, 1.25], opacity: 0.35, layer: "run:a b" });
  assert.equal(new URL(there).searchParams.get("step"), "words");
  assert.equal(withView(there, { view: "", opacity: "", layer: "" }), "http://x/?project=p&step=words");
});

test("what is no place and no share is none", () => {
  assert.deepEqual(readView("http://x/?view=1,2&opacity=140"), { view: null, opacity: null, layer: "" });
  assert.deepEqual(readView("http://x/?view=1,a,3"), { view: null, opacity: null, layer: "" });
});
