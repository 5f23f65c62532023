import assert from "node:assert/strict";
import { test } from "node:test";

import { classPalette, faded, heatPalette, inferno, inkOn } from "../../hsi_studio/ui/viewer/colours.js";

const alpha = (colour) => colour >>> 24;

test("a class map's colours are ABGR in the order of its classes; 0 and a class without a colour show nothing", () => {
  const palette = classPalette(["a", "gone", "b"], new Map([["a", "#102030"], ["b", "#ff0000"]]));
  assert.deepEqual([...palette], [0, 0xff302010, 0, 0xff0000ff]);
});

test("the more doubtful a class, the fainter; without a confidence it is not shown", () => {
  const colour = 0xff302010;
  assert.equal(faded(colour, 254), colour);
  assert.equal(faded(colour, 127), 0x40302010); // a half, squared: a quarter of 255
  assert.equal(alpha(faded(colour, 255)), 0);
  for (let byte = 1; byte <= 254; byte++) assert.ok(alpha(faded(colour, byte)) >= alpha(faded(colour, byte - 1)));
});

test("the ink on a colour is the one with more contrast against it", () => {
  assert.equal(inkOn("#ffffff"), "#111");
  assert.equal(inkOn("#000000"), "#fff");
  assert.equal(inkOn("#ffff00"), "#111"); // yellow: luminance 0.93
  assert.equal(inkOn("#0000ff"), "#fff"); // blue: 0.07
});

test("a heat map is strong from the threshold on and shows no data as nothing", () => {
  const table = heatPalette(0.5);
  assert.equal(alpha(table[127]), 215);
  assert.ok(alpha(table[126]) <= 60);
  assert.equal(alpha(table[0]), 0);
  assert.equal(table[255], 0);
});

test("inferno grows lighter all the way and ends where its table does", () => {
  const light = Array.from({ length: 101 }, (_, i) => inferno(i / 100)).map(([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b);
  assert.ok(light.every((l, i) => i === 0 || l >= light[i - 1]));
  assert.deepEqual(inferno(-1), [0, 0, 4]);
});
