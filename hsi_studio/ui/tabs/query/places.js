// @ts-check
// The answer to a question: what was asked for, the threshold, the best places with the reasons, labels from them.
// To the viewer: 'hsi:heat' while the slider moves, 'hsi:place' for the place that is pointed at.

import { tell } from "../../web/component.js";
import { button, labelled, make } from "../../web/dom.js";
import { counted, percent } from "../../web/formats.js";
import { guessClass } from "./guess.js";
import { phraseLine } from "./looks.js";

const NEW = "new"; // in place of a class's id: one of the question's name is made with the labels

function point(region, jump) {
  tell("hsi:place", { box: region ? region.box : null, go: jump });
}

function reasonLine(reason) {
  const item = make("li");
  item.append(make("b", "", reason.text), ` ${percent(reason.grade)} fulfilled`);
  if (reason.weight < 0.995) item.append(`, ${percent(reason.weight)} of the question`);
  item.append(make("div", "hsi-hint", reason.facts.join("; ")));
  return item;
}

/** @param {(what: string, more?: object) => void} act */
export function makePlaces(act) {
  const node = make("section", "hsi-query-answer");
  const taken = make("p", "hsi-query-taken"), notes = make("ul", "hsi-query-notes");
  const slider = make("input"), slideText = make("output", "");
  Object.assign(slider, { type: "range", min: 0, max: 1, step: 0.01 });
  slider.setAttribute("aria-label", "Threshold of likeness");
  const slideRow = labelled("Found from", slider, "hsi-query-row");
  slideRow.append(slideText);
  slider.addEventListener("input", () => {
    slideText.textContent = Number(slider.value).toFixed(2);
    tell("hsi:heat", { threshold: Number(slider.value) });
  });
  slider.addEventListener("change", () => act("threshold", { value: Number(slider.value) }));
  const heatOn = button("hsi-small", "Show the heat map again", "", () => act("heat"));
  const list = make("ol", "hsi-query-list"), label = make("div", "hsi-query-label");
  node.append(taken, notes, slideRow, heatOn, list, label);

  let value = null, found = [];
  let chosen = null; // places that are ticked; null = all
  let open = -1; // the region whose reasons are shown
  let proposal = null, targetClass = "", each = 3;

  function regionItem(region, k) {
    const item = make("li", "hsi-query-region" + (open === k ? " is-open" : ""));
    const head = make("div", "hsi-query-head");
    const tick = make("input");
    tick.type = "checkbox";
    tick.checked = chosen === null || chosen.has(k);
    tick.setAttribute("aria-label", `Label from place ${k + 1}`);
    tick.addEventListener("change", () => {
      if (chosen === null) chosen = new Set(found.map((_, i) => i));
      if (tick.checked) chosen.add(k); else chosen.delete(k);
      proposal = null;
      drawLabel();
    });
    const name = button("hsi-query-name", `${k + 1}  ${region.size}`, "Show it in the picture, and why it matched", () => {
      point(region, true);
      open = open === k ? -1 : k;
      drawList();
    });
    name.setAttribute("aria-expanded", String(open === k));
    const score = make("span", "hsi-query-score", region.score.toFixed(2));
    score.title = "Mean likeness of its pixels, 0 to 1";
    head.append(tick, name, score);
    item.append(head, phraseLine(region.description));
    if (open === k) {
      const why = make("ul", "hsi-query-why");
      why.append(...region.reasons.map(reasonLine));
      if (!region.reasons.length) why.append(make("li", "", "A trained model gives no reasons: its likeness is all there is."));
      item.append(make("h5", "", "Why it matched"), why);
    }
    item.addEventListener("pointerenter", () => point(region, false));
    item.addEventListener("pointerleave", () => point(null, false));
    return item;
  }

  function drawList() {
    list.replaceChildren(...found.map(regionItem));
    if (value.answer && !found.length) {
      const text = value.answer.looking ? "Looking at the best places …" : "No place reaches this likeness: move “Found from” to the left.";
      list.append(make("li", "hsi-hint", text));
    }
  }

  function drawProposal() {
    const name = proposal.id === NEW ? `a new class “${value.text}”` : value.classes.find((c) => c.id === proposal.id)?.name || "", n = proposal.pixels.length;
    label.append(make("p", "hsi-query-ask", n
      ? `Label ${counted(n, "pixel")} as ${name}? They are ringed in the picture.`
      : "All the pixels that fit are labelled already."));
    const row = make("div", "hsi-query-row");
    if (n) {
      row.append(button("hsi-small hsi-primary", `Add ${counted(n, "label")}`, "", () => {
        act("add", { id: proposal.id, pixels: proposal.pixels });
        proposal = null;
      }));
    }
    row.append(button("hsi-small", "Cancel", "", () => { proposal = null; act("cancel"); drawLabel(); }));
    label.append(row);
  }

  function drawLabel() {
    label.replaceChildren();
    if (!found.length) return;
    if (proposal) { drawProposal(); return; }
    const count = chosen === null ? found.length : chosen.size;
    const row = make("div", "hsi-query-row");
    const pick = make("select");
    pick.setAttribute("aria-label", "Class of the new labels");
    pick.append(new Option("Choose a class", ""), ...value.classes.map((c) => new Option(c.name, c.id)));
    pick.append(new Option(`New class “${value.text}”`, NEW));
    if (targetClass !== NEW && !value.classes.some((c) => c.id === targetClass)) targetClass = guessClass(value.text, value.classes);
    pick.value = targetClass;
    pick.addEventListener("change", () => { targetClass = pick.value; drawLabel(); });
    const many = make("select");
    many.setAttribute("aria-label", "Pixels of each place");
    many.append(...[1, 3, 5, 10].map((n) => new Option(`${counted(n, "pixel")} each`, String(n))));
    many.value = String(each);
    many.addEventListener("change", () => { each = Number(many.value); });
    const propose = button("hsi-small", `Propose labels from ${counted(count, "place")}`, "", () => {
      act("propose", { places: chosen === null ? found.map((_, k) => k) : [...chosen], each, id: targetClass });
    });
    propose.disabled = !count || !targetClass;
    row.append(pick, many, propose);
    label.append(row);
  }

  return {
    node,
    /** Another question: nothing is ticked off, open or proposed. */
    forget() { chosen = null; open = -1; proposal = null; targetClass = ""; },
    /** @param {Record<string, any>} now  the tab's value @param {boolean} another  whether it is another question's */
    draw(now, another) {
      value = now;
      found = now.answer?.regions || [];
      node.hidden = !now.answer;
      if (now.answer) {
        const asked = now.answer.parts.length > 1 ? `Asked: ${now.answer.parts.join(", ")}. ` : "";
        const likes = now.answer.taken.map((t) => `${t.text} (${percent(t.weight)})`).join("; ");
        const spectrum = now.answer.spectrum; // weighs more than the words where it takes part
        const likely = spectrum ? `Taken for, by its spectrum: ${spectrum}; by its words: ${likes}.` : `Taken for: ${likes}.`;
        taken.textContent = asked + (likes ? likely : "");
        heatOn.hidden = now.answer.heat;
        notes.replaceChildren(...now.answer.notes.map((text) => make("li", "", text)));
        if (document.activeElement !== slider || another) {
          slider.value = now.answer.threshold;
          slideText.textContent = now.answer.threshold.toFixed(2);
        }
      }
      if (now.proposal) proposal = now.proposal;
      if (now.labelled) proposal = null;
      drawList();
      drawLabel();
    },
  };
}
