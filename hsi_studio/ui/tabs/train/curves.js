// @ts-check
// Live curves: loss and its parts, training accuracy, temperature, learning rate, one under another over the steps.
// Colour = run, line style = part. New points go in with `extendTraces`, so zoom survives and old points are not
// sent to plotly again; a run that resumed from a checkpoint repeats steps: there the later ones count.

import { cssValue, make, plotly } from "../../web/dom.js";
import { same } from "../../web/formats.js";
import { makeSeries, smoothed } from "./series.js";

const COLOURS = ["--primary-600", "#d55e00", "#0072b2", "#cc79a7", "#e69f00", "#56b4e9"]; // the first: the run in focus
const DARK_COLOURS = ["--primary-400", "#ff9a4d", "#63b3ed", "#e8a5ca", "#f2c14e", "#8fd3f4"];
const TOP = 34, BOTTOM = 32, PART = 74, BETWEEN = 22; // height of a plot and of the space above the next, in pixels
const DASHES = ["solid", "dot", "dash", "dashdot", "longdash"];
const PLOTS = [
  { name: "loss", title: "Loss", fits: (key) => key === "loss" || key.startsWith("loss/") },
  { name: "accuracy", title: "Accuracy of training pixels", fits: (key) => key === "accuracy" },
  { name: "temperature", title: "Temperature", fits: (key) => key === "temperature" },
  { name: "lr", title: "Learning rate", fits: (key) => key === "lr" },
];
const plotOf = (key) => PLOTS.find((p) => p.fits(key)) || { name: key, title: key };

export function makeCurves() {
  const box = make("div", "tr-curves");
  const tools = make("div", "tr-row tr-curve-tools");
  const legend = make("ul", "tr-legend-list"), plot = make("div", "tr-plot"), words = make("p", "hsi-hint");
  legend.setAttribute("aria-label", "Lines");
  plot.setAttribute("role", "img");
  const slider = make("input"), log = make("input"), sliderLabel = make("label", "", "Smoothing"), logLabel = make("label");
  Object.assign(slider, { type: "range", min: 0, max: 0.98, step: 0.02, value: 0.6 });
  log.type = "checkbox";
  slider.id = "hsi-curve-smoothing";
  sliderLabel.htmlFor = slider.id;
  logLabel.append(log, "Log loss");
  tools.append(sliderLabel, slider, logLabel);
  box.append(tools, legend, plot, words);

  const data = new Map(); // run id → series
  let shown = []; // [{id, title}], the first is in focus
  let traces = new Map(), drawn = [], busy = null, again = false, updates = 0;
  const style = (name) => (name.startsWith("--") ? cssValue(box, name, "#0f766e") : name);
  const colour = (index) => {
    const dark = Boolean(box.closest(".dark")) || document.body.classList.contains("dark");
    return style((dark ? DARK_COLOURS : COLOURS)[index % COLOURS.length]);
  };
  const visible = () => box.offsetParent !== null && plot.clientWidth > 0;
  const series = (id) => {
    if (!data.has(id)) data.set(id, makeSeries());
    return data.get(id);
  };
  const count = () => {
    box.dataset.updates = String(++updates);
    box.dataset.points = String(Math.max(0, ...[...(data.get(shown[0]?.id)?.curves.values() || [])].map((c) => c.x.length)));
  };

  function build() {
    const keys = [...new Set(shown.flatMap((run) => [...(data.get(run.id)?.curves.keys() || [])]))];
    const plots = [...PLOTS, ...keys.map(plotOf)].filter((p, i, all) =>
      all.findIndex((q) => q.name === p.name) === i && keys.some((key) => plotOf(key).name === p.name));
    const parts = keys.filter((key) => plotOf(key).name === "loss").sort((a, b) => a.length - b.length);
    const out = [];
    traces = new Map();
    shown.forEach((run, index) => {
      for (const [key, curve] of data.get(run.id)?.curves || []) {
        const which = plots.findIndex((p) => p.name === plotOf(key).name), axis = which ? which + 1 : "";
        const state = { sum: 0, norm: 0 }, weight = key === "lr" ? 0 : Number(slider.value);
        const line = { color: colour(index), width: index ? 1.4 : 2, dash: DASHES[Math.max(0, parts.indexOf(key)) % DASHES.length] };
        const common = { mode: "lines", xaxis: "x", yaxis: `y${axis}`, showlegend: false, connectgaps: false, x: curve.x.slice() };
        traces.set(`${run.id} ${key}`, { at: out.length, state, weight });
        out.push({ ...common, y: curve.y.slice(), line: { ...line, width: 1 }, opacity: 0.28, hoverinfo: "skip", visible: weight > 0 });
        out.push({
          ...common, y: smoothed(curve.y, weight, state), line,
          hovertemplate: `%{y:.4g}<extra>${key.replace(/[<>&]/g, "")}</extra>`, // plotly reads tags
        });
      }
    });
    return { plots, parts, out };
  }

  const tall = (n) => PART * n + BETWEEN * (n - 1);
  function layout(plots) {
    const ink = style("--body-text-color"), grid = style("--border-color-primary"), n = plots.length;
    const axis = { gridcolor: grid, linecolor: grid, zeroline: false, color: ink, automargin: false };
    const stages = data.get(shown[0]?.id)?.stages || [], height = tall(n), gap = BETWEEN / height, part = PART / height;
    const steps = Math.max(1, ...shown.map((run) => { const s = data.get(run.id)?.stages.at(-1); return s ? s.from + s.steps : 0; }));
    const out = {
      uirevision: "curves", autosize: true, margin: { l: 46, r: 10, t: TOP, b: BOTTOM },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { size: 13, color: ink }, hovermode: "x",
      hoverlabel: { bgcolor: style("--background-fill-primary"), font: { color: ink } },
      xaxis: { ...axis, title: { text: "step", standoff: 2, font: { size: 13 } }, anchor: `y${n > 1 ? n : ""}`, range: [0, steps], nticks: 6 },
      shapes: stages.slice(1).map((stage) => ({
        type: "line", xref: "x", yref: "paper", x0: stage.from, x1: stage.from, y0: 0, y1: 1,
        line: { color: ink, width: 1, dash: "dot" },
      })),
      annotations: [],
    };
    plots.forEach((p, i) => {
      const top = 1 - i * (part + gap);
      out[`yaxis${i ? i + 1 : ""}`] = {
        ...axis, domain: [Math.max(0, top - part), top], nticks: 4, exponentformat: "e", tickformat: "~g",
        type: p.name === "loss" && log.checked ? "log" : "linear",
      };
      out.annotations.push({
        text: p.title, xref: "paper", yref: "paper", x: 0, y: top, xanchor: "left", yanchor: "bottom", showarrow: false,
        font: { size: 13, color: ink },
      });
    });
    stages.forEach((stage) => {
      if (stages.length > 1) out.annotations.push({
        text: stage.name.replace(/[<>&]/g, ""), xref: "x", yref: "paper", x: stage.from + stage.steps, y: 1, xanchor: "right",
        yanchor: "bottom", yshift: 13, xshift: 1, showarrow: false, font: { size: 13, color: ink },
      });
    });
    return out;
  }

  function label(parts) {
    legend.replaceChildren();
    const entry = (text, color, dash) => {
      const item = make("li"), line = make("span", "tr-line");
      line.style.borderTopColor = color;
      line.style.borderTopStyle = dash === "solid" ? "solid" : dash.includes("dash") ? "dashed" : "dotted";
      item.append(line, make("span", "", text));
      legend.append(item);
    };
    if (shown.length > 1) shown.forEach((run, i) => entry(run.title, colour(i), "solid"));
    if (parts.length > 1) parts.forEach((key, i) => entry(key.replace(/^loss\//, ""), shown.length > 1 ? style("--body-text-color") : colour(0), DASHES[i % DASHES.length]));
  }

  async function redraw() {
    if (busy) { again = true; return busy; }
    const { plots, parts, out } = build();
    const empty = !out.length;
    plot.hidden = tools.hidden = legend.hidden = empty;
    words.textContent = empty ? nothing : "";
    if (empty || !visible()) { drawn = []; return null; }
    busy = (async () => {
      const Plotly = await plotly();
      label(parts);
      plot.style.height = `${tall(plots.length) + TOP + BOTTOM}px`; // the plot fills its box, so that it may change its width
      await Plotly.react(plot, out, layout(plots), {
        displaylogo: false, responsive: true, displayModeBar: false, doubleClick: "reset",
      });
      drawn = shown.map((run) => run.id);
      plot.setAttribute("aria-label", `Curves over ${plots.length} quantities: ${plots.map((p) => p.title).join(", ")}`);
      count();
    })().catch((error) => (words.textContent = `The curves cannot be drawn: ${error.message}.`)).finally(() => {
      busy = null;
      if (again) { again = false; redraw(); }
    });
    return busy;
  }

  function extend(id, fresh) { // at once: a redraw in between would draw the points twice
    const x = [], y = [], at = [];
    for (const [key, points] of fresh) {
      const trace = traces.get(`${id} ${key}`);
      if (!trace) return void redraw();
      x.push(points.x, points.x);
      y.push(points.y, smoothed(points.y, trace.weight, trace.state));
      at.push(trace.at, trace.at + 1);
    }
    if (!at.length) return;
    window.Plotly.extendTraces(plot, { x, y }, at);
    count();
  }

  let nothing = "";
  slider.addEventListener("change", redraw);
  log.addEventListener("change", redraw);
  new ResizeObserver(() => {
    if (!visible()) return;
    if (!drawn.length) redraw();
  }).observe(box);

  return {
    node: box,
    add(id, metrics) {
      if (!metrics.length) return;
      const change = series(id).add(metrics);
      if (!shown.some((run) => run.id === id)) return;
      if (change.redraw || busy || !drawn.includes(id) || !visible()) redraw();
      else extend(id, change.fresh);
    },
    show(runs, text) { // the first is in focus
      const changed = !same(runs, shown) || text !== nothing;
      shown = runs;
      nothing = text;
      if (changed) redraw();
    },
    forget(id) { data.delete(id); },
  };
}
