import assert from "node:assert/strict";
import { test } from "node:test";

import { makeMapFeed } from "../../hsi_studio/ui/viewer/map_feed.js";

const HEADERS = {
  "X-Hsi-Box": "0,0,1,1", "X-Hsi-Base": "", "X-Hsi-Token": "t", "X-Hsi-Bytes": "1", "X-Hsi-Rev": "5", "X-Hsi-Classes": "a",
};
const settled = () => new Promise((done) => setTimeout(done, 5));

/** A feed whose server gives `answers` one after another; what it asked, painted and said. */
function feed(answers) {
  const log = { asked: [], painted: [], said: [] };
  globalThis.fetch = async (url) => { log.asked.push(url); return answers.shift()(); };
  const raster = { tokens: () => ({ index: "", conf: "" }), clearMap() {}, layer: {}, applyPatch: () => true };
  const page = { painted: (rev) => log.painted.push(rev), done() {}, gone() {}, say: (text) => log.said.push(text) };
  return { log, take: makeMapFeed(raster, { scene: () => ({ h: 1, w: 1 }) }, page).take };
}
const map = () => new Response(new ArrayBuffer(1), { headers: HEADERS });
const none = () => new Response(null, { status: 204 });

test("a map that is gone when it is asked for is no error, and the next one is fetched", async () => {
  const { log, take } = feed([none, map, none]);
  take({ rev: 4, url: "/hsi/map/p/4" });
  take({ rev: 5, url: "/hsi/map/p/5" });  // while the first is on its way
  await settled();
  assert.deepEqual([log.painted, log.said], [[5], []]);
  assert.deepEqual(log.asked.map((url) => url.split("/").at(-1)), ["4.bin?since=", "5.bin?since="]);
});

test("a refusal is said", async () => {
  const { log, take } = feed([() => new Response("", { status: 404 })]);
  take({ rev: 4, url: "/hsi/map/p/4" });
  await settled();
  assert.deepEqual(log.said, ["The map could not be fetched (404)."]);
});
