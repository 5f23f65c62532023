// @ts-check
// A class's sentences as materials: chips that can be corrected, each with its spectrum beside the class's mean.
//
// recipe: {chips: [{key, title, share, phrase, sure, state, y: [reflectance]}], near, height, notes, nm, mixed, mean}
// Drawn are the material (coloured), and the mean of the class's labelled pixels (grey), on one scale a class.

import { button, make, shape } from "../../web/dom.js";

const W = 84, H = 30;

function spark(nm, lines, top, words) {
  const svg = shape("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": words, class: "hsi-spark" });
  const first = nm[0], span = nm[nm.length - 1] - first || 1;
  for (const [kind, y] of lines) {
    if (!y.length) continue;
    const path = y.map((v, k) => `${k ? "L" : "M"}${((W * (nm[k] - first)) / span).toFixed(1)} ${(H - 1 - ((H - 2) * Math.max(0, v)) / top).toFixed(1)}`);
    svg.append(shape("path", { d: path.join(" "), class: kind }));
  }
  return svg;
}

/**
 * @param {Record<string, any>} recipe @param {{id: string, name: string}} info
 * @param {[string, string][]} materials  (title, key) @param {(what: string, more?: object) => void} act
 */
export function recipeBox(recipe, info, materials, act) {
  const box = make("div", "hsi-recipe"), nm = recipe.nm;
  const top = Math.max(0.05, ...recipe.mixed, ...recipe.mean, ...recipe.chips.flatMap((chip) => chip.y));
  const keep = (chips) => act("chips", { id: info.id, chips: chips.map(({ key, share, state }) => ({ key, share, state })) });
  const changed = (k, more) => keep(recipe.chips.map((chip, n) => (n === k ? { ...chip, ...more } : chip)));
  const what = recipe.mean.length ? "grey: your labels" : "";

  function chooser(words, key, took) {
    const pick = make("select");
    pick.setAttribute("aria-label", words);
    const fill = () => { // 66 options a chip are made when somebody wants them
      if (pick.options.length < 3) pick.append(...materials.filter(([, one]) => one !== key).map(([title, one]) => new Option(title, one)));
    };
    pick.addEventListener("pointerdown", fill);
    pick.addEventListener("focus", fill);
    pick.addEventListener("change", () => { if (pick.value && pick.value !== key) took(pick.value); });
    return pick;
  }

  recipe.chips.forEach((chip, k) => {
    const node = make("span", "hsi-recipe-chip" + (chip.sure ? "" : " is-guess"));
    node.title = [chip.sure ? `Read from “${chip.phrase}”` : `Most like “${chip.phrase}”: please check`, what].filter(Boolean).join("; ");
    const pick = chooser(`Material ${k + 1} of ${info.name}`, chip.key, (key) => changed(k, { key, state: "" }));
    pick.append(new Option(chip.title, chip.key, true, true));
    const share = make("input");
    Object.assign(share, { type: "number", min: 1, max: 100, value: chip.share });
    share.setAttribute("aria-label", `Percent of ${chip.title} in ${info.name}`);
    share.addEventListener("change", () => changed(k, { share: Math.min(100, Math.max(1, Number(share.value) || 1)) }));
    node.append(share, make("i", "", "%"), pick);
    if (nm.length) node.append(spark(nm, [["mean", recipe.mean], ["own", chip.y]], top, `Spectrum of ${chip.title}`));
    node.append(button("hsi-icon", "×", `${info.name} is not made of ${chip.title}`, () => keep(recipe.chips.filter((_, n) => n !== k))));
    box.append(node);
  });
  const more = chooser(`Another material of ${info.name}`, "", (key) => keep([...recipe.chips, { key, share: recipe.chips.length ? 30 : 100, state: "" }]));
  more.prepend(new Option("+ material", "", true, true));
  box.append(more);
  const said = [recipe.chips.length ? "" : "No material was read in these words.", ...recipe.near, recipe.height, ...recipe.notes];
  if (said.some(Boolean)) box.append(make("p", "hsi-hint", said.filter(Boolean).join(" · ")));
  return box;
}
