// @ts-check
// A map from class texts alone, and what clicks add to it: overall accuracy over labels a class, as a drawing.

import { button, make, setOptions, shape } from "../../web/dom.js";

const W = 340, H = 186, LEFT = 42, RIGHT = 14, TOP = 24, BOTTOM = 34;

/** @param {{clicks: number, oa: number, std: number, seeds: number}[]} points  `oa` and `std` in percent */
function curveOf(points) {
  const last = points.length - 1;
  const x = (k) => LEFT + (W - LEFT - RIGHT) * (points.length < 2 ? 0.5 : k / last);
  const y = (oa) => TOP + (H - TOP - BOTTOM) * (1 - oa / 100);
  const svg = shape("svg", {
    viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": points.map((p) => `${p.clicks} labels a class: ${p.oa} %`).join(", "),
  });
  for (const tick of [0, 25, 50, 75, 100]) {
    svg.append(
      shape("line", { x1: LEFT, x2: W - RIGHT, y1: y(tick), y2: y(tick), class: "grid" }),
      shape("text", { x: LEFT - 6, y: y(tick) + 4, class: "tick end" }, String(tick)),
    );
  }
  svg.append(shape("path", { d: points.map((p, k) => `${k ? "L" : "M"}${x(k)} ${y(p.oa)}`).join(" "), class: "line" }));
  points.forEach((p, k) => {
    if (p.std) {
      const high = y(Math.min(100, p.oa + p.std)), low = y(Math.max(0, p.oa - p.std));
      svg.append(shape("line", { x1: x(k), x2: x(k), y1: high, y2: low, class: "spread" }));
    }
    svg.append(shape("circle", { cx: x(k), cy: y(p.oa), r: 4, class: k ? "dot" : "dot start" }));
    const above = y(p.oa + p.std) - 8 > TOP - 8, end = k === last && k > 0;
    svg.append(
      shape("text", { x: x(k) + (end ? -9 : 9), y: y(p.oa) + (above ? -8 : 16), class: k === last ? "value end" : "value" }, p.oa.toFixed(1)),
      shape("text", { x: x(k), y: H - 16, class: "tick middle" }, String(p.clicks)),
    );
  });
  svg.append(
    shape("text", { x: (LEFT + W - RIGHT) / 2, y: H - 2, class: "tick middle" }, "labels a class"),
    shape("text", { x: 0, y: 10, class: "tick" }, "OA %"),
  );
  return svg;
}

/** @param {(what: string, more?: object) => void} act */
export function makeTextMap(act) {
  const node = make("details", "hsi-query-more");
  node.append(make("summary", "", "Map without a click"));
  node.open = true;
  const row = make("div", "hsi-query-row"), texts = make("select");
  texts.setAttribute("aria-label", "Texts of the map");
  const go = button("hsi-small", "Map from these texts", "", () => act("map", { prompts: texts.value }));
  row.append(texts, go);
  const status = make("p", "hsi-query-status"), figures = make("p", "hsi-query-figures"), notes = make("ul", "hsi-query-notes");
  let shown = false; // whether it stands in the viewer
  const show = button("hsi-small", "", "", () => act("show map", { on: !shown }));
  const use = make("label", "hsi-query-row"), useBox = make("input");
  useBox.type = "checkbox";
  useBox.addEventListener("change", () => act("words", { on: useBox.checked }));
  use.append(useBox, make("span", "", "Start the map of my labels from the class names, where the labels agree with them"));
  const title = make("h4", "hsi-query-title", "What clicks add"), curve = make("div", "hsi-query-curve"), words = make("p", "hsi-hint");
  node.append(
    make("p", "hsi-hint", "The class names alone, as materials with known spectra, and what pixels that come out clearly look like here: no label is used. Names may be English, German, French, Spanish or Chinese. Worth about one click a class where classes are different materials; nothing where they are not."),
    use, row, status, figures, show, notes, title, curve, words,
  );

  function drawCurve(points) {
    title.hidden = curve.hidden = words.hidden = !points.length;
    curve.replaceChildren();
    if (!points.length) return;
    curve.append(curveOf(points));
    const seeds = Math.max(...points.map((p) => p.seeds));
    words.textContent = `0: this map from texts. Then the map that follows the clicks, on ${seeds} random draws of labels (bars: one standard deviation), tested on all other labelled pixels of the reference.`;
  }

  return {
    node,
    /** @param {Record<string, any>} m  the value's `map` @param {boolean} words  whether the live map starts from names */
    draw(m, words) {
      useBox.checked = words;
      shown = m.shown;
      setOptions(texts, m.choices, "p5");
      const busy = m.state === "working";
      go.disabled = busy;
      status.textContent = m.error || (busy && m.progress ? `${m.progress.text} …` : "");
      status.dataset.kind = m.error ? "refused" : "";
      figures.hidden = !m.ready;
      figures.textContent = m.ready ? [m.figures.join(", "), m.words].filter(Boolean).join(" · ") : "";
      show.hidden = !m.ready;
      show.textContent = m.shown ? "Show the map of my labels again" : "Show this map";
      notes.replaceChildren(...[...m.notes, m.curve_note].filter(Boolean).map((text) => make("li", "", text)));
      drawCurve(m.curve);
    },
  };
}
