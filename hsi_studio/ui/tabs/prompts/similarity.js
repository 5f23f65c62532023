// @ts-check
// How alike the class texts are: warnings in words, the matrix (as encoded or centred), the 2-D maps.
//
// value from Python: {state, title, error, names, colors, raw, centred, pairs: [text], wrong: [{id, text, suggestion}],
//   compared, encoder, shown, points: [{x, y, k, text}], joint: {texts: [[x, y]], pixels: [[x, y] | null], shown, words}, jointNote}
// event to Python:   act {do: "add", id, sentence}

import { panel } from "../../web/component.js";
import { button, cssValue, make, plotly } from "../../web/dom.js";
import { escapeTags, percent } from "../../web/formats.js";

const wrap = (text) => escapeTags(text).replace(/(.{1,60})(\s|$)/g, "$1<br>");

function middles(value) {
  const mean = (k, axis) => {
    const own = value.points.filter((p) => p.k === k);
    return own.reduce((sum, p) => sum + p[axis], 0) / own.length;
  };
  return { x: value.names.map((_, k) => mean(k, "x")), y: value.names.map((_, k) => mean(k, "y")) };
}

/** @param {import("../../web/component.js").Gradio} gradio */
export function mount(gradio) {
  const { root, act, readValue, onValue } = panel(gradio, ".hsi-textview");
  const status = make("p", "hsi-hint");
  status.setAttribute("role", "status");
  const warnings = make("ul", "hsi-warnings");
  const kinds = make("div", "hsi-kinds");
  const matrix = make("div", "hsi-matrix");
  const matrixWords = make("p", "hsi-hint");
  const mapTitle = make("h4", "", "Texts on a map");
  const map = make("div", "hsi-textmap");
  const mapWords = make("p", "hsi-hint");
  root.append(status, warnings, kinds, matrix, matrixWords, mapTitle, map, mapWords);

  const style = (name, fallback) => cssValue(root, name, fallback);
  let kind = "centred", drawn = "", drawing = Promise.resolve();

  for (const [key, label, title] of [
    ["centred", "Centred", "Without what all texts share: 0 is the average"],
    ["raw", "As encoded", "Cosine of the text model's vectors"],
  ]) {
    const node = button("hsi-small", label, title, () => { kind = key; render(); });
    node.dataset.key = key;
    kinds.append(node);
  }

  function warning(text, cls, more) {
    const item = make("li", cls, text);
    if (more && more.suggestion) {
      const add = button("hsi-small", "Add this sentence", "", () => act("add", { id: more.id, sentence: more.suggestion }));
      item.append(make("q", "", more.suggestion), add);
    }
    return item;
  }

  function words(value) {
    const items = (value.wrong || []).map((one) => warning(one.text, "is-wrong", one));
    items.push(...(value.pairs || []).map((text) => warning(text, "is-alike")));
    if (value.state === "done" && !items.length) items.push(make("li", "is-good", "No two classes sound alike to the text model."));
    warnings.replaceChildren(...items);
    const parts = [value.title, value.error];
    if (value.state === "working") parts.push(value.names ? "Comparing with the pixels …" : "Reading the texts …");
    if (value.state === "done") parts.push(value.compared);
    status.textContent = parts.filter(Boolean).join(" ");
    status.dataset.kind = value.error ? "refused" : "";
  }

  async function draw(value) {
    const Plotly = await plotly();
    const ink = style("--body-text-color", "#222"), grid = style("--border-color-primary", "#ddd");
    const wide = root.clientWidth, K = value.names.length;
    const short = value.names.map((name) => escapeTags(name.length > 18 ? `${name.slice(0, 17)}…` : name));
    const base = { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { size: 13, color: ink }, uirevision: kind };
    const options = { displaylogo: false, responsive: true, displayModeBar: false };
    const z = value[kind].map((line, i) => line.map((v, j) => (i === j ? null : v)));
    const centre = kind === "centred";
    await Plotly.react(matrix, [{
      type: "heatmap", z, x: short, y: short, customdata: value.names.map((a) => value.names.map((b) => `${escapeTags(a)} · ${escapeTags(b)}`)),
      hovertemplate: "%{customdata}<br>%{z:.2f}<extra></extra>", xgap: 1, ygap: 1, hoverongaps: false,
      colorscale: centre ? [[0, "#2166ac"], [0.5, "#f7f7f7"], [1, "#b2182b"]] : [[0, "#f7f7f7"], [1, "#0f766e"]],
      zmin: centre ? -1 : 0, zmax: 1, colorbar: { thickness: 10, len: 0.9, outlinewidth: 0, tickfont: { size: 13 } },
    }], {
      ...base, height: Math.min(Math.max(220, 18 * K + 130), 520), margin: { l: 8, r: 8, t: 6, b: 8 },
      xaxis: { tickangle: -60, automargin: true, color: ink, showgrid: false, tickfont: { size: wide < 420 ? 9 : 10.5 } },
      yaxis: { autorange: "reversed", automargin: true, color: ink, showgrid: false, tickfont: { size: wide < 420 ? 9 : 10.5 } },
    }, options);
    const axis = { zeroline: false, gridcolor: grid, showticklabels: false, color: ink };
    const traces = value.joint ? [
      ties(value.joint), scatter("text", "diamond", value.joint.texts, value.joint), scatter("labelled pixels", "circle", value.joint.pixels, value.joint),
    ] : [{
      type: "scatter", mode: "markers", x: value.points.map((p) => p.x), y: value.points.map((p) => p.y), name: "",
      marker: { size: 6, opacity: 0.75, color: value.points.map((p) => value.colors[p.k]) },
      text: value.points.map((p) => `<b>${escapeTags(value.names[p.k])}</b><br>${wrap(p.text)}`), hovertemplate: "%{text}<extra></extra>",
      showlegend: false,
    }, {
      type: "scatter", mode: "markers+text", ...middles(value), name: "", texttemplate: short, textposition: "top center",
      textfont: { size: 9.5, color: ink }, cliponaxis: false, showlegend: false,
      marker: { size: 11, color: value.colors, line: { width: 1, color: ink } },
      text: value.names.map((name) => `<b>${escapeTags(name)}</b><br>middle of its sentences`), hovertemplate: "%{text}<extra></extra>",
    }];
    await Plotly.react(map, traces, {
      ...base, uirevision: "map", height: 300, margin: { l: 8, r: 8, t: 8, b: 8 }, xaxis: axis, yaxis: { ...axis, scaleanchor: "x" },
      legend: { orientation: "h", y: -0.02 }, hoverlabel: { bgcolor: style("--background-fill-primary", "#fff"), font: { color: ink } },
    }, options);
    root.dataset.drawn = String((Number(root.dataset.drawn) || 0) + 1);
  }

  function ties(joint) { // a line from each text to its pixels
    const x = [], y = [];
    joint.texts.forEach((text, k) => {
      if (joint.pixels[k]) { x.push(text[0], joint.pixels[k][0], null); y.push(text[1], joint.pixels[k][1], null); }
    });
    return { type: "scatter", mode: "lines", x, y, line: { width: 1, color: style("--border-color-primary", "#bbb") }, hoverinfo: "skip", showlegend: false };
  }

  function scatter(name, symbol, places, joint) {
    const there = places.map((p, k) => [p, k]).filter(([p]) => p);
    return {
      type: "scatter", mode: symbol === "diamond" ? "markers+text" : "markers", name, x: there.map(([p]) => p[0]), y: there.map(([p]) => p[1]),
      marker: { size: 10, symbol, color: there.map(([, k]) => joint.colors[k]), line: { width: 1, color: style("--body-text-color", "#222") } },
      texttemplate: there.map(([, k]) => escapeTags(joint.names[k])), textposition: "top center", cliponaxis: false,
      textfont: { size: 9.5, color: style("--body-text-color", "#222") },
      text: there.map(([, k]) => `${escapeTags(joint.names[k])}: ${name}`), hovertemplate: "%{text}<extra></extra>",
    };
  }

  function render() {
    const value = readValue(), has = Boolean(value.names && value.names.length > 1);
    words(value);
    for (const node of [kinds, matrix, matrixWords, mapTitle, map, mapWords]) node.hidden = !has;
    for (const node of kinds.querySelectorAll("button")) node.setAttribute("aria-pressed", String(node.dataset.key === kind));
    if (!has) return;
    matrixWords.textContent = kind === "centred"
      ? `Cosine after the mean of all classes is taken away: red pairs are what the text model (${value.encoder}) mixes up.`
      : `Cosine of the vectors of the text model (${value.encoder}). One template makes all texts alike; look at the centred ones.`;
    mapTitle.textContent = value.joint ? "Texts and pixels in the trained model" : "Texts on a map";
    mapWords.textContent = value.joint
      ? value.joint.words
      : `Every sentence (small) and the middle of each class in the two directions in which they differ most (${percent(value.shown)} of it). ${value.jointNote}`;
    const mark = JSON.stringify([value, kind, root.clientWidth > 0]);
    if (mark === drawn || !root.clientWidth) return;
    drawn = mark;
    drawing = drawing.then(() => (mark === drawn ? draw(value) : null)) // one after the other, the newest only
      .catch((error) => { status.textContent = `The picture cannot be drawn: ${error.message}.`; });
  }
  new ResizeObserver(() => render()).observe(root); // a closed section has no width
  onValue(render);
  render();
}
