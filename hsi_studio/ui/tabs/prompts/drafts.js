// @ts-check
// A language model's proposals: what it is told, what it writes, and one decision a class.
//
// value from Python: {configured, how, model, place, system, question, state, text, notes, usage, error, set,
//   proposals: [{id, name, color, sentences, problems, remarks}]}
// event to Python:   act {do: "ask" | "stop" | "accept" | "accept all" | "turn down" | "preview", …}
// What the user types (system prompt, a proposal's sentences) is not drawn again while it has been changed.

import { panel } from "../../web/component.js";
import { button, dot, fitHeight, make, typingIn } from "../../web/dom.js";

/** @param {import("../../web/component.js").Gradio} gradio */
export function mount(gradio) {
  const { root, act, readValue, onValue } = panel(gradio, ".hsi-drafts");
  let system = null; // the user's own system prompt, null = as it comes
  const kept = new Map(); // class id → {of: the proposal's sentences, texts: as the user changed them}
  const changed = (one) => kept.get(one.id)?.of === one.sentences.join("\n") ? kept.get(one.id).texts : null;

  const told = make("details", "hsi-told");
  const toldBox = make("textarea", "");
  toldBox.rows = 9;
  toldBox.maxLength = 6000;
  toldBox.setAttribute("aria-label", "System prompt");
  toldBox.addEventListener("input", () => (system = toldBox.value));
  toldBox.addEventListener("keydown", (event) => event.stopPropagation());
  const question = make("pre", "");
  told.append(
    make("summary", "", "What it is told"), make("p", "hsi-hint", "System prompt, yours to change:"), toldBox,
    button("hsi-small", "As it came", "Take the changes to the system prompt back", () => { system = null; render(); }),
    make("p", "hsi-hint", "Sent with it (names and measured facts, no pixels and no places):"), question,
  );
  told.addEventListener("toggle", () => told.open && act("preview"));
  const bar = make("div", "hsi-draft-bar");
  const status = make("p", "hsi-hint");
  status.setAttribute("role", "status");
  const stream = make("pre", "hsi-stream");
  const list = make("ul", "hsi-proposals");
  const none = make("p", "hsi-hint");
  root.append(none, bar, status, told, stream, list);

  function proposal(value, one) {
    const item = make("li", "hsi-proposal");
    item.dataset.id = one.id;
    const top = make("div", "hsi-words-head");
    const boxes = (changed(one) || one.sentences).map((text, n) => {
      const box = make("textarea", "");
      box.value = text;
      box.rows = 2;
      box.addEventListener("input", () => fitHeight(box));
      box.setAttribute("aria-label", `Proposed sentence ${n + 1} of ${one.name}`);
      box.addEventListener("keydown", (event) => event.stopPropagation());
      box.addEventListener("input", () => kept.set(one.id, {of: one.sentences.join("\n"), texts: boxes.map((b) => b.value)}));
      return box;
    });
    const accept = button(one.problems.length ? "hsi-small" : "hsi-small hsi-primary", "Accept", `Use these sentences for ${one.name}`, () => {
      act("accept", { id: one.id, sentences: boxes.map((b) => b.value) });
    });
    accept.disabled = !value.set;
    const no = button("hsi-small", "Turn down", `Leave ${one.name} as it is`, () => {
      kept.delete(one.id);
      act("turn down", { id: one.id });
    });
    top.append(dot(one.color), make("b", "", one.name), accept, no);
    const flags = make("ul", "hsi-flags");
    flags.append(...[...one.problems, ...one.remarks].map((text) => {
      const node = make("li", "", text);
      node.dataset.kind = "outside";
      return node;
    }));
    item.append(top, ...boxes, flags);
    return item;
  }

  function render() {
    const value = readValue();
    none.hidden = value.configured;
    for (const node of [bar, told]) node.hidden = !value.configured;
    if (!value.configured) {
      none.textContent = `A language model can propose descriptions; none is set, and nothing else needs one. ${value.how}`;
      for (const node of [status, stream, list]) node.hidden = true;
      return;
    }
    const writing = value.state === "writing";
    bar.replaceChildren(make("span", "hsi-hint", `${value.model} on ${value.place}`));
    if (writing) bar.append(button("hsi-small", "Stop", "Stop writing; whole proposals stay", () => act("stop")));
    else bar.append(button("hsi-small hsi-primary", value.state ? "Ask again" : "Propose descriptions", "Ask for all classes", () => {
      act("ask", { system: system ?? "" });
    }));
    const good = (value.proposals || []).filter((p) => !p.problems.length && !p.remarks.length && !changed(p));
    if (!writing && good.length > 1 && value.set) {
      bar.append(button("hsi-small", `Accept ${good.length}`, "Accept every proposal without a remark, as it stands", () => {
        act("accept all", { ids: good.map((p) => p.id) });
      }));
    }
    const words = [];
    if (writing) words.push("Writing …");
    if (value.state === "cancelled") words.push("Stopped.");
    if (value.usage) words.push(value.usage);
    if (value.error) words.push(value.error);
    words.push(...(value.notes || []));
    if (value.proposals && value.proposals.length && !value.set) words.push("Start a prompt set above to accept into.");
    status.textContent = words.join(" ");
    status.dataset.kind = value.error ? "refused" : "";
    status.hidden = !words.length;
    if (system === null) toldBox.value = value.system;
    if (value.question) question.textContent = value.question;
    stream.hidden = !writing;
    if (writing) { stream.textContent = value.text.slice(-1200); stream.scrollTop = stream.scrollHeight; }
    if (typingIn(list)) return;
    list.replaceChildren(...(value.proposals || []).map((one) => proposal(value, one)));
    list.hidden = !list.children.length;
    for (const box of list.querySelectorAll("textarea")) fitHeight(box);
  }
  onValue(render);
  render();
}
