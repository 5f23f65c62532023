// One pixel's spectrum against wavelength, over the class means ± one standard deviation. Drawn by plotly.js,
// which is served from the installed plotly package; zoom survives updates (uirevision).
//
// value from Python: {scene, axis, unit, pixel: {name, x, y} | null,
//   classes: [{name, color, x, mean, low, high}]}; without `pixel` the one shown stays

const root = element.querySelector(".hsi-spectrum");
const plot = document.createElement("div");
plot.className = "hsi-spectrum-plot";
const words = document.createElement("p");
words.className = "hsi-hint";
root.append(plot, words);

function library() {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  window.__hsiPlotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = "/hsi/plotly.min.js";
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => reject(new Error("plotly.js could not be loaded"));
    document.head.append(script);
  });
  return window.__hsiPlotly;
}

const style = (name, fallback) => getComputedStyle(root).getPropertyValue(name).trim() || fallback;
const escape = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;"); // plotly reads tags
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

function traces(value) {
  const out = [];
  for (const c of value.classes || []) {
    const name = escape(c.name);
    const band = outline(c.x, c.low, c.high);
    out.push({
      ...band, mode: "lines", line: { width: 0 }, fill: "toself", fillcolor: faint(c.color),
      hoverinfo: "skip", showlegend: false, connectgaps: false,
    });
    out.push({
      x: c.x, y: c.mean, mode: "lines", name, line: { width: 1.5, color: c.color }, connectgaps: false,
      hovertemplate: `%{y:.4g}<extra>${name}</extra>`, showlegend: false,
    });
  }
  if (pixel) {
    const name = escape(pixel.name);
    out.push({
      x: pixel.x, y: pixel.y, mode: "lines", name, connectgaps: false,
      line: { width: 2, color: style("--body-text-color", "#111") },
      hovertemplate: `%{y:.4g}<extra>${name}</extra>`, showlegend: false,
    });
  }
  return out;
}

let pixel = null, shownScene = null;

function say(value) {
  const means = "Coloured: class mean ± one standard deviation of your labels.";
  if (!pixel && !(value.classes || []).length) return "Click a pixel to see its spectrum here; class means appear as you label.";
  return [pixel ? `Bold line: ${pixel.name}.` : "", (value.classes || []).length ? means : ""].join(" ").trim();
}

async function render() {
  const value = props.value || {};
  if ("pixel" in value) pixel = value.pixel;
  else if (value.scene !== shownScene) pixel = null;
  shownScene = value.scene;
  words.textContent = say(value);
  const drawable = (value.classes || []).length || pixel;
  plot.hidden = !drawable;
  if (!drawable) return;
  const Plotly = await library();
  const ink = style("--body-text-color", "#222");
  const grid = style("--border-color-primary", "#ddd");
  const axis = { gridcolor: grid, linecolor: grid, zeroline: false, color: ink, automargin: true };
  await Plotly.react(
    plot,
    traces(value),
    {
      uirevision: value.scene,
      height: 230,
      margin: { l: 48, r: 8, t: 8, b: 40 },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { size: 11, color: ink },
      hovermode: "x unified",
      hoverlabel: { bgcolor: style("--background-fill-primary", "#fff"), font: { color: ink } },
      xaxis: { ...axis, title: { text: value.axis, standoff: 6 } },
      yaxis: { ...axis, title: { text: value.unit, standoff: 4 } },
    },
    { displaylogo: false, responsive: true, modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"] },
  );
  root.dataset.drawn = String((Number(root.dataset.drawn) || 0) + 1);
}
const draw = () => render().catch((error) => (words.textContent = `The spectrum cannot be drawn: ${error.message}.`));
watch("value", draw);
draw();
