// @ts-check
// The dock's curves: overall accuracy over the number of labels, and the curves of one training, as in the Train step.

import { makeCurves } from "../tabs/train/curves.js";
import { cssValue, make, plotly, setOptions } from "../web/dom.js";
import { when } from "../web/formats.js";

const FOLLOW_MS = 1500;
/** @type {["whole" | "oa" | "away", string, string][]} */
const LINES = [["whole", "of all the reference", "#0072b2"], ["oa", "of labelled classes", "#0f766e"], ["away", "of these, away from labels", "#d97706"]];

/**
 * Traces of one line with its interval. Exported for its test.
 * @param {{labels: number, [key: string]: any}[]} points
 * @param {"oa" | "away" | "whole"} key
 * @param {string} name @param {string} color "#rrggbb"
 */
export function climbing(points, key, name, color) {
  const found = points.filter((one) => one[key]), ranged = found.filter((one) => one[key][1] !== null);
  if (!found.length) return [];
  const x = ranged.map((one) => one.labels);
  return [
    { x: [...x, ...x.slice().reverse()], y: [...ranged.map((one) => one[key][2]), ...ranged.map((one) => one[key][1]).reverse()],
      mode: "lines", line: { width: 0 }, fill: "toself", fillcolor: `${color}2e`, hoverinfo: "skip", showlegend: false },
    { x: found.map((one) => one.labels), y: found.map((one) => one[key][0]), mode: "lines+markers", name,
      line: { width: 2.5, color }, marker: { size: 7, color }, hovertemplate: `%{y:.1f} %<extra>${name}</extra>` },
  ];
}

export function makeCurvePart() {
  const node = make("div", "hsi-curves"), left = make("section"), right = make("section");
  const names = make("ul", "hsi-curve-names"), plot = make("div", "hsi-climb"), said = make("p", "hsi-hint"), which = make("select"), curves = makeCurves();
  plot.setAttribute("role", "img");
  which.setAttribute("aria-label", "Training");
  left.append(make("h4", "", "Accuracy over labels"), names, plot, said);
  right.append(make("h4", "", "Training"), which, curves.node);
  node.append(left, right);
  let project = "", runs = [], points = [], drawn = "", timer = 0, last = 0, of = "";

  async function paint() {
    const present = document.body.classList.contains("hsi-present"), width = left.clientWidth, size = present ? 20.8 : 13;
    const key = JSON.stringify([points, width, present, document.body.className]);
    plot.hidden = names.hidden = !points.length;
    if (!points.length || !width || key === drawn) return;
    drawn = key;
    const Plotly = await plotly(), ink = cssValue(node, "--body-text-color", "#222"), grid = cssValue(node, "--border-color-primary", "#ddd");
    const axis = { gridcolor: grid, linecolor: grid, zeroline: false, color: ink, automargin: true };
    const drawnLines = LINES.filter(([key]) => points.some((one) => one[key]));
    names.replaceChildren(...drawnLines.map(([, name, color]) => {
      const item = make("li"), line = make("i");
      line.style.background = color;
      item.append(line, name);
      return item;
    }));
    await Plotly.react(plot, drawnLines.flatMap(([key, name, color]) => climbing(points, key, name, color)), {
      width, height: present ? 190 : 140, margin: { l: present ? 76 : 44, r: 8, t: 6, b: 34 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { size, color: ink }, hovermode: "x", showlegend: false,
      xaxis: { ...axis, title: { text: "labels", standoff: 2, font: { size } }, tickformat: "d", dtick: Math.max(1, Math.ceil((points.at(-1).labels - points[0].labels) / 8)) }, yaxis: { ...axis, title: { text: "OA %", standoff: 2, font: { size } }, nticks: 5 },
    }, { displayModeBar: false });
    plot.setAttribute("aria-label", `Overall accuracy over labels: ${points.map((one) => `${one.labels}: ${one.oa[0]} %`).join(", ")}`);
    plot.dataset.points = String(points.length);
  }

  async function training() {
    clearTimeout(timer);
    const id = which.value, one = runs.find((run) => run.id === id);
    right.hidden = !one;
    if (!one || !node.isConnected || !right.clientWidth || document.hidden) return;
    if (of !== id) { of = id; last = 0; curves.forget(id); }
    curves.show([{ id, title: `${one.title}, ${when(one.created)}` }], "No curves: this method is fitted in one step.");
    const ask = new URLSearchParams({ setup: "", runs: "", follow: `${id}:${last}` });
    const answer = await fetch(`/hsi/train/${encodeURIComponent(project)}?${ask}`, { cache: "no-store" }).catch(() => null);
    const body = answer?.ok ? await answer.json().catch(() => null) : null, events = body?.events[id];
    if (events && of === id) { last = events.last; curves.add(id, events.metrics); }
    const state = body?.runs?.find((run) => run.id === id)?.state;
    if (state === "running" || state === "waiting") timer = setTimeout(training, FOLLOW_MS);
  }
  which.addEventListener("change", training);
  new ResizeObserver(() => paint()).observe(left);

  return {
    node,
    /** @param {{points?: any[], runs?: any[], problem?: string}} value @param {string} id */
    draw(value, id) {
      if (id !== project) { project = id; of = ""; drawn = ""; }
      points = (value.points || []).filter((one) => one.oa);
      runs = value.runs || [];
      said.textContent = value.problem || (points.length
        ? "Each point is the map of so many labels, since the program started; shaded: 95 % interval. Of all the reference: ground of classes without labels counts as wrong."
        : "The curve begins with the first map that can be measured.");
      setOptions(which, runs.map((run) => [`${run.title}, ${when(run.created)}`, run.id]));
      paint();
      training();
    },
  };
}
