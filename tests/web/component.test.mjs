// A panel that is built late: what Gradio hands it again is no news, what comes after is.
import assert from "node:assert/strict";
import test from "node:test";

globalThis.document = new EventTarget();
globalThis.gradio_config = { components: [{ props: { elem_id: "hsi-late", value: '{"empty":"at first"}' } }] };
const { panel, tell } = await import("../../hsi_studio/ui/web/component.js");

/** A panel as Gradio makes it; `set` is an event of Gradio's that changes its value. */
function made(id, value) {
  const props = { value }, root = { isConnected: true }, drawn = [];
  let changed = () => {};
  const element = { querySelector: () => root, closest: () => ({ id }) };
  const { readValue, onValue } = panel({ element, props, trigger() {}, events: [], watch: (_, work) => { changed = work; } }, ".x");
  onValue(() => drawn.push(readValue()));
  return { readValue, drawn, set(text) { props.value = text; changed(); } };
}

test("what the page knew before a panel was made stays when Gradio hands it its first value afterwards", () => {
  tell("hsi:show", { "hsi-late": '{"known":1}' });
  for (const first of ['{"empty":"at first"}', ""]) {
    const late = made("hsi-late", first);
    assert.deepEqual(late.readValue(), { known: 1 });
    late.set(first);
    assert.deepEqual(late.drawn, [{ known: 1 }]);
    late.set('{"empty":"at first"}'); // now it is meant
    assert.deepEqual(late.readValue(), { empty: "at first" });
  }
});

test("a new value of Gradio's counts at once", () => {
  tell("hsi:show", { "hsi-late": '{"known":1}' });
  const late = made("hsi-late", "");
  late.set('{"known":2}');
  assert.deepEqual(late.readValue(), { known: 2 });
});

test("a panel of which nothing was known has what it was built with", () => {
  const early = made("hsi-other", "{}");
  early.set('{"a":1}');
  assert.deepEqual(early.drawn, [{ a: 1 }]);
});
