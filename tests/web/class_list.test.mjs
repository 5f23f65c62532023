import assert from "node:assert/strict";
import { test } from "node:test";

import { listText, nameProblem, saysNoClasses } from "../../hsi_studio/ui/tabs/label/class_list.js";

test("a page that is loading does not say that there are no classes", () => {
  assert.equal(saysNoClasses({}), false); // what the list begins with
  assert.equal(saysNoClasses({ classes: [] }), true);
  assert.equal(saysNoClasses({ classes: [{ id: "a" }] }), false);
});

test("a name that is too long is said to be, where it was cut in silence; characters count as the server counts them", () => {
  assert.equal(nameProblem("x".repeat(80)), "");
  assert.equal(nameProblem("🌲".repeat(80)), "");
  assert.match(nameProblem("x".repeat(93)), /^93 characters; 80 is the most/);
});

test("a class list that was refused is there again, until the classes are others", () => {
  const classes = [{ name: "Water", color: "#0072b2" }], now = "Water, #0072b2";
  assert.equal(listText(classes, null), now);
  assert.equal(listText(classes, { text: "a\nb", instead: now }), "a\nb");
  assert.equal(listText([...classes, { name: "Corn", color: "#f0e442" }], { text: "a\nb", instead: now }), `${now}\nCorn, #f0e442`);
});
