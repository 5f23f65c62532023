// @ts-check
// The title line: product, scene, its size, what it runs on. value: {title, facts, guest}

import { panel } from "../web/component.js";
import { make } from "../web/dom.js";

/** @param {import("../web/component.js").Gradio} gradio */
export function mount(gradio) {
  const { root, readValue, onValue } = panel(gradio, ".hsi-top");
  const brand = make("h1", "hsi-brand");
  brand.append(make("b", "", "HSI"), " Studio");
  const title = make("p", "hsi-scene-title");
  const facts = make("p", "hsi-scene-facts");
  const leave = make("form", "");  // a link would change something by GET
  leave.method = "post";
  leave.action = "/hsi/leave";
  leave.append(make("button", "hsi-leave", "Shared with you · leave"));
  leave.hidden = true;
  root.append(brand, title, leave, facts);
  function render() {
    const value = readValue();
    title.textContent = value.title || "";
    facts.textContent = value.facts || "";
    leave.hidden = !value.guest;
  }
  onValue(render);
  render();
}
