import assert from "node:assert/strict";
import { test } from "node:test";

import { emptyMap, putPatch, readPatch } from "../../hsi_studio/ui/viewer/class_map.js";

const H = 3, W = 4;
const patch = (box, values, more = {}) => ({
  box, baseToken: "", token: "t1", bytes: 1, rev: 1, ids: ["a", "b"], buffer: Uint8Array.from(values).buffer, ...more,
});
const whole = () => {
  const map = emptyMap();
  assert.ok(putPatch(map, patch([0, 0, H, W], new Array(H * W).fill(1)), "index", H, W));
  return map;
};

test("headers say where a patch belongs", () => {
  const headers = new Headers({
    "X-Hsi-Box": "1,2,1,2", "X-Hsi-Base": "t1", "X-Hsi-Token": "t2", "X-Hsi-Bytes": "2", "X-Hsi-Rev": "7", "X-Hsi-Classes": "a,b",
  });
  const buffer = new ArrayBuffer(4);
  assert.deepEqual(readPatch(headers, buffer), {
    box: [1, 2, 1, 2], baseToken: "t1", token: "t2", bytes: 2, rev: 7, ids: ["a", "b"], buffer,
  });
  assert.deepEqual(readPatch(new Headers({ "X-Hsi-Classes": "" }), new ArrayBuffer(0)).ids, []);
});

test("a patch changes its box and nothing else", () => {
  const map = whole();
  assert.ok(putPatch(map, patch([1, 2, 2, 2], [2, 0, 0, 2], { baseToken: "t1", token: "t2", rev: 2 }), "index", H, W));
  assert.deepEqual([...map.index], [1, 1, 1, 1, 1, 1, 2, 0, 1, 1, 0, 2]);
  assert.equal(map.token, "t2");
  assert.equal(map.rev, 2);
});

test("a patch on another map than the page has is refused and leaves all as it is", () => {
  const map = whole(), before = [...map.index];
  assert.equal(putPatch(map, patch([0, 0, 1, 1], [2], { baseToken: "elsewhere", token: "t9", rev: 9 }), "index", H, W), false);
  assert.deepEqual([...map.index], before);
  assert.equal(map.token, "t1");
  assert.equal(map.rev, 1);
});

test("a whole map of another size is refused", () => {
  assert.equal(putPatch(emptyMap(), patch([0, 0, 2, 2], [1, 1, 1, 1]), "index", H, W), false);
});

test("an empty box says that nothing changed, and moves the revision on", () => {
  const map = whole();
  assert.ok(putPatch(map, patch([0, 0, 0, 0], [], { baseToken: "t1", token: "t1", rev: 5 }), "index", H, W));
  assert.deepEqual([...map.index], new Array(H * W).fill(1));
  assert.equal(map.rev, 5);
});

test("more than 255 classes come as two bytes a pixel", () => {
  const map = emptyMap(), buffer = Uint16Array.from([0, 300, 65535, 1]).buffer;
  assert.ok(putPatch(map, patch([0, 0, 1, 4], [], { bytes: 2, buffer }), "index", 1, 4));
  assert.deepEqual([...map.index], [0, 300, 65535, 1]);
});

test("the confidence has a token of its own and leaves the classes alone", () => {
  const map = whole();
  assert.ok(putPatch(map, patch([0, 0, H, W], new Array(H * W).fill(254), { token: "c1", rev: 9, ids: [] }), "conf", H, W));
  assert.deepEqual([map.token, map.confToken, map.rev], ["t1", "c1", 1]);
  assert.deepEqual(map.ids, ["a", "b"]);
  assert.equal(putPatch(map, patch([0, 0, 1, 1], [0], { baseToken: "t1" }), "conf", H, W), false);
});
