// @ts-check
// One pixel's spectrum against wavelength, over the class means ± one standard deviation. Drawn by plotly.js,
// which is served from the installed plotly package; zoom survives updates (uirevision).
//
// value from Python: {scene, axis, unit} shades [[from, to, why]], with pixel: {name, x, y} or with x and classes: [{name, color, mean, low,
//   high}]. Each answer holds one of the two; the other stays as it is shown.

import { panel, tell } from "../web/component.js";
import { cssValue, make, plotly } from "../web/dom.js";
import { escapeTags } from "../web/formats.js";
import { makeSpectra } from "./spectra_panel.js";

const faint = (color) => `${color}2e`; // #rrggbb + alpha

// Mean ± std as one closed outline a stretch of bands: plotly's "tonexty" would bridge the gaps with a wedge.
function outline(x, low, high) {
  const out = { x: [], y: [] };
  let from = 0;
  for (let i = 0; i <= x.length; i++) {
    if (i < x.length && low[i] !== null && high[i] !== null) continue;
    if (i > from) {
      if (out.x.length) { out.x.push(null); out.y.push(null); }
      out.x.push(...x.slice(from, i), ...x.slice(from, i).reverse());
      out.y.push(...high.slice(from, i), ...low.slice(from, i).reverse());
    }
    from = i + 1;
  }
  return out;
}

/** @param {import("../web/component.js").Gradio} gradio */
export function mount(gradio) {
  const { root, readValue, onValue, onPage } = panel(gradio, ".hsi-spectrum");
  const plot = make("div", "hsi-spectrum-plot");
  const words = make("p", "hsi-hint");
  root.append(plot, words);
  const compared = makeSpectra(plot, onPage, () => draw());

  const style = (name, fallback) => cssValue(root, name, fallback);

  function traces() {
    const out = [];
    for (const c of compared.changed() ? [] : classes) {
      const name = escapeTags(c.name);
      const band = outline(x, c.low, c.high);
      out.push({
        ...band, mode: "lines", line: { width: 0 }, fill: "toself", fillcolor: faint(c.color),
        hoverinfo: "skip", showlegend: false, connectgaps: false,
      });
      out.push({
        x, y: c.mean, mode: "lines", name, line: { width: 1.5, color: c.color }, connectgaps: false,
        hovertemplate: `%{y:.4g}<extra>${name}</extra>`, showlegend: false,
      });
    }
    for (const one of compared.lines()) {
      const name = escapeTags(one.name);
      if (one.low) {
        out.push({
          ...outline(one.x, one.low, one.high), mode: "lines", line: { width: 0 }, fill: "toself", fillcolor: faint(one.color),
          hoverinfo: "skip", showlegend: false, connectgaps: false,
        });
      }
      out.push({
        x: one.x, y: one.y, mode: "lines", name, line: { width: 1.8, color: one.color, dash: one.dash || "solid" },
        connectgaps: false, hovertemplate: `%{y:.4g}<extra>${name}</extra>`, showlegend: false,
      });
    }
    const last = compared.changed() ? compared.last() : pixel;
    if (pixel && last) {
      const name = escapeTags(pixel.name);
      out.push({
        x: last.x, y: last.y, mode: "lines", name, connectgaps: false,
        line: { width: 2, color: style("--body-text-color", "#111") },
        hovertemplate: `%{y:.4g}<extra>${name}</extra>`, showlegend: false,
      });
    }
    return out;
  }

  let pixel = null, classes = [], x = [], shownScene = null, drawnWidth = 0, shades = {}, listening = false;

  function take(value) {
    if (value.scene !== shownScene) { pixel = null; classes = []; }
    shownScene = value.scene;
    if (value.shades) shades = { shades: value.shades };
    if (value.pixel) pixel = value.pixel;
    if (value.classes) { classes = value.classes; x = value.x; }
    const parts = [];
    if (pixel) parts.push(`Bold line: ${pixel.name}.`);
    if (classes.length) parts.push("Shaded lines: class mean ± one standard deviation of your labels.");
    if (pixel || classes.length) parts.push("Click a band to see it as the picture; grey: bands not used, and water vapour.");
    words.textContent = parts.join(" ") || "Click a pixel to see its spectrum here; class means appear as you label.";
  }

  async function render() {
    const value = /** @type {any} */ ({ ...shades, ...readValue() }), drawable = classes.length || pixel || compared.lines().length;
    plot.hidden = !drawable;
    drawnWidth = plot.clientWidth;
    if (!drawable || !drawnWidth) return; // in a tab that is not shown: the observer below asks again
    const Plotly = await plotly();
    const ink = style("--body-text-color", "#222");
    const grid = style("--border-color-primary", "#ddd");
    const axis = { gridcolor: grid, linecolor: grid, zeroline: false, color: ink, automargin: true };
    await Plotly.react(
      plot,
      traces(),
      {
        uirevision: value.scene,
        width: drawnWidth,
        height: 170,
        margin: { l: 48, r: 8, t: 6, b: 34 },
        paper_bgcolor: "rgba(0,0,0,0)",
        plot_bgcolor: "rgba(0,0,0,0)",
        font: { size: 13, color: ink },
        hovermode: "x unified",
        hoverlabel: { bgcolor: style("--background-fill-primary", "#fff"), font: { color: ink } },
        shapes: (value.shades || []).map(([from, to]) => ({
          type: "rect", xref: "x", yref: "paper", x0: from, x1: to, y0: 0, y1: 1, layer: "below", line: { width: 0 }, fillcolor: "#8888882e",
        })),
        xaxis: {
          ...axis, showspikes: true, spikemode: "across", spikesnap: "hovered data", spikethickness: 1, spikedash: "solid", title: { text: value.axis, standoff: 6, font: { size: 13 } },
        },
        yaxis: { ...axis, title: { text: compared.unit() || value.unit, standoff: 4, font: { size: 13 } } },
      },
      { displaylogo: false, modeBarButtonsToRemove: ["sendChartToCloud", "lasso2d", "select2d", "autoScale2d"] },
    );
    if (!listening) {
      listening = true;
      /** @type {any} */ (plot).on("plotly_click", (event) => tell("hsi:band", { value: event.points[0].x }));
    }
    root.dataset.drawn = String((Number(root.dataset.drawn) || 0) + 1);
  }
  // The map comes first: plotly is slow (some 100 ms on a laptop), so the plot waits until the page is idle.
  let waiting = 0; // the timer
  const later = window.requestIdleCallback || ((work) => setTimeout(work, 50));
  function draw() {
    clearTimeout(waiting);
    waiting = setTimeout(() => later(() => {
      render().catch((error) => (words.textContent = `The spectrum cannot be drawn: ${error.message}.`));
    }, { timeout: 500 }), 250);
  }
  onValue(() => { take(readValue()); draw(); });
  take(readValue());
  draw();
  new ResizeObserver(() => { if (plot.clientWidth && plot.clientWidth !== drawnWidth) draw(); }).observe(root);
}
