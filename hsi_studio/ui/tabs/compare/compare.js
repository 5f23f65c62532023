// @ts-check
// One comparison: how far it is, what it says, its figures and plots, its maps. Plain DOM and SVG; all text through
// textContent. Which protocol and which pair of arms are shown is the page's own matter.
//
// value from Python: hsi_studio/ui/tabs/compare/values.py (`panel_value`). Event: act {do: open | show | hide | go on |
// delete, …}

import { panel } from "../../web/component.js";
import { button, dot, labelled, make, shape } from "../../web/dom.js";
import { end, percent, remaining, signed } from "../../web/formats.js";

const range = (g) => (g.low === null ? "no interval yet" : `${end(g.low)} to ${end(g.high)}`);

function select(label, options, chosen, change) {
  const node = make("select");
  for (const [value, text] of options) node.append(new Option(text, value, value === chosen, value === chosen));
  node.addEventListener("change", () => change(node.value));
  return labelled(label, node, "hsi-compare-select");
}

// Rows of "name, interval and dot, figures" on one shared axis with 0 on it.
function chart(rows, unit) {
  const out = make("div", "hsi-gaps");
  const ends = rows.flatMap((r) => [r.low ?? r.value, r.high ?? r.value, 0]);
  let low = Math.min(...ends), high = Math.max(...ends);
  const air = Math.max(0.5, (high - low) * 0.06);
  low -= air; high += air;
  const at = (v) => (100 * (v - low)) / (high - low);
  for (const r of rows) {
    const line = make("div", `hsi-gap${r.control ? " is-control" : ""}${r.strong ? " is-strong" : ""}`);
    const name = make("span", "hsi-gap-name");
    if (r.color) name.append(dot(r.color, "i", "hsi-compare-dot"));
    name.append(make("span", "", r.name));
    name.title = r.name;
    const plot = shape("svg", {class: "hsi-gap-plot", role: "img", "aria-label": `${r.name}: ${signed(r.value)} ${unit}, ${range(r)}`});
    plot.append(shape("line", {class: "zero", x1: `${at(0)}%`, x2: `${at(0)}%`, y1: 0, y2: "100%"}));
    if (r.bar) {
      const from = at(Math.min(0, r.value)), to = at(Math.max(0, r.value));
      plot.append(shape("rect", {class: r.value < 0 ? "bar down" : "bar up", x: `${from}%`, width: `${Math.max(0.3, to - from)}%`, y: "22%", height: "56%"}));
    }
    if (r.low !== null) plot.append(shape("line", {class: "whisker", x1: `${at(r.low)}%`, x2: `${at(r.high)}%`, y1: "50%", y2: "50%"}));
    if (!r.bar) plot.append(shape("circle", {class: "dot", cx: `${at(r.value)}%`, cy: "50%", r: 4}));
    const said = make("span", "hsi-gap-value", signed(r.value));
    line.title = `${r.name}: ${signed(r.value)} ${unit}, 95 % interval ${range(r)}, ${r.seeds} seeds${r.n ? `, ${r.n.toLocaleString("en")} test pixels` : ""}`;
    line.append(name, plot, said, make("span", "hsi-gap-range", r.low === null ? "" : range(r)));
    out.append(line);
  }
  return out;
}

function progress(run) {
  const box = make("div", "hsi-compare-run");
  const bar = make("div", "hsi-compare-track"), fill = make("div", "hsi-compare-fill");
  fill.style.width = run.fraction == null ? "8%" : `${Math.max(1, 100 * run.fraction)}%`;
  bar.append(fill);
  box.append(bar, make("p", "hsi-hint", [run.text, run.fraction == null ? "" : percent(run.fraction), remaining(run.seconds_left)].filter(Boolean).join(" · ")));
  return box;
}

function table(result, id) {
  const out = make("table", "hsi-compare-table"), head = make("tr");
  head.append(...["", "OA", "AA", "κ"].map((t) => make("th", t ? "number" : "", t)));
  out.append(make("thead"), make("tbody"));
  out.tHead.append(head);
  for (const arm of result.arms) {
    const row = make("tr", arm.control ? "is-control" : "");
    row.append(make("td", "", arm.name));
    const problem = arm.problem || arm.problems[id];
    if (problem && arm.figures[id].every((t) => t === "–")) {
      const cell = make("td", "hsi-compare-bad", problem);
      cell.colSpan = 3;
      row.append(cell);
    } else row.append(...arm.figures[id].map((t) => make("td", "number", t)));
    row.title = `${arm.seconds} s for a fit and a map`;
    out.tBodies[0].append(row);
  }
  return out;
}

/** @param {import("../../web/component.js").Gradio} gradio */
export function mount(gradio) {
  const { root, trigger, act, readValue, onValue, whenSeen } = panel(gradio, ".hsi-compare");
  let protocol = 0, pair = "", left = "", right = "", known = "", open = false;

  function maps(value) {
    const names = value.result.maps, shown = value.shown, box = make("div", "hsi-compare-maps");
    if (names.length < 2) return box;
    const arms = value.result.arms.filter((a) => !a.control && names.includes(a.name)).map((a) => a.name);
    if (!names.includes(left)) left = shown?.left ?? arms[0] ?? names[0];
    if (!names.includes(right) || right === left) right = shown?.right ?? arms.find((n) => n !== left) ?? names.find((n) => n !== left);
    const options = names.map((n) => [n, n]);
    const show = (difference) => act("show", {left, right, difference});
    const again = () => { if (value.shown) show(value.shown.difference); else render(); };
    const pick = make("div", "hsi-compare-pick");
    pick.append(select("A", options, left, (n) => { left = n; again(); }), select("B", options, right, (n) => { right = n; again(); }));
    const buttons = make("div", "hsi-compare-buttons");
    const swipe = button(`hsi-small ${shown && !shown.difference ? "is-on" : ""}`, "Swipe A | B", "", () => show(false));
    const differ = button(`hsi-small ${shown?.difference ? "is-on" : ""}`, "Difference", "", () => show(true));
    swipe.setAttribute("aria-pressed", String(!!shown && !shown.difference));
    differ.setAttribute("aria-pressed", String(!!shown?.difference));
    buttons.append(swipe, differ);
    if (shown) buttons.append(button("hsi-small", "Back to my map", "", () => act("hide")));
    box.append(make("h4", "", "Maps of the first seed"), pick, buttons);
    if (shown?.difference) {
      const key = make("p", "hsi-compare-key");
      for (const [color, text] of [["#e69f00", `only ${shown.left} is right`], ["#0072b2", `only ${shown.right} is right`], ["#8c8c8c", "they differ: neither is right, or no reference there"]]) {
        const item = make("span");
        item.append(dot(color, "i", "hsi-compare-dot"), text);
        key.append(item);
      }
      box.append(key);
    }
    return box;
  }

  function figures(result) {
    const id = result.protocols[protocol].id, box = make("div");
    const tabs = make("div", "hsi-compare-tabs");
    tabs.setAttribute("role", "tablist");
    result.protocols.forEach((p, k) => {
      const tab = button(`hsi-small ${k === protocol ? "is-on" : ""}`, p.title, "", () => { protocol = k; render(); });
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-selected", String(k === protocol));
      tabs.append(tab);
    });
    box.append(tabs, table(result, id), make("p", "hsi-hint", `Percent (κ × 100), ${result.spread ? `mean ± standard deviation over ${result.seeds}` : "of one seed"}.`));
    const gaps = result.gaps.filter((g) => g.protocol === id);
    const own = gaps.filter((g) => !g.control), controls = gaps.filter((g) => g.control);
    if (own.length) box.append(make("h4", "", `OA against ${result.first}: percent points, 95 % interval`), chart(own, "OA"));
    if (controls.length) box.append(make("h4", "", "OA with shuffled words against the right ones"), chart(controls, "OA"));
    const pairs = result.classes.filter((c) => c.protocol === id);
    if (pairs.length) {
      const chosen = pairs.find((c) => c.pair === pair) || pairs[0];
      const head = make("div", "hsi-compare-head");
      head.append(make("h4", "", "F1 by class"));
      head.append(select("", pairs.map((c) => [c.pair, c.title]), chosen.pair, (p) => { pair = p; render(); }));
      const rows = chosen.rows.map((r) => ({...r, bar: true, strong: r.real})).sort((a, b) => b.value - a.value);
      box.append(head, chart(rows, "F1"), make("p", "hsi-hint", "Bold: holds over all classes together (false-discovery rate 5 %). Intervals are each class's own."));
    }
    return box;
  }

  function render() {
    const value = readValue(), run = value.run, result = value.result;
    if (run?.id !== known) { known = run?.id; left = right = pair = ""; protocol = 0; }
    root.replaceChildren();
    root.dataset.state = run?.state || "none";
    if (value.said?.text) root.append(make("p", value.said.bad ? "hsi-compare-said is-bad" : "hsi-compare-said", value.said.text));
    if (value.earlier.length > 1) {
      root.append(select("Comparison", value.earlier.map((e) => [e.id, `${e.title} · ${e.when} · ${e.state}`]), run?.id, (id) => act("open", {id})));
    }
    if (!run) {
      if (value.project) root.append(make("p", "hsi-compare-empty", "Nothing is compared yet. Both sides get the same labelled pixels, seed by seed, so a small difference can be told from chance; shuffled words show whether their meaning matters."));
      return;
    }
    if (run.alive) root.append(progress(run));
    if (run.reason) root.append(make("p", run.state === "failed" ? "hsi-compare-said is-bad" : "hsi-compare-said", run.reason));
    if (run.can_go_on) {
      const again = make("div", "hsi-compare-buttons");
      again.append(button("hsi-small", "Go on", "The same comparison from where it stopped", () => act("go on")));
      root.append(again);
    }
    if (!result) {
      if (run.alive) root.append(make("p", "hsi-hint", "First figures come with the first seed."));
      return;
    }
    const headline = make("p", "hsi-compare-headline", result.headline);
    headline.append(make("span", "", [run.facts, run.alive ? `so far ${result.seeds}` : ""].filter(Boolean).join(" · ")));
    root.append(headline);
    if (result.words.length) {
      const list = make("ul", "hsi-compare-words");
      list.append(...result.words.map((text) => make("li", "", text)));
      root.append(list);
    }
    root.append(maps(value), figures(result));
    const more = make("details", "hsi-compare-more");
    more.open = open;
    more.addEventListener("toggle", () => { open = more.open; });
    more.append(make("summary", "", "How far this reaches"), ...result.notes.map((text) => make("p", "hsi-hint", text)));
    const files = make("div", "hsi-compare-buttons");
    for (const kind of ["html", "md"]) {
      const link = make("a", "hsi-small", kind === "html" ? "Report (HTML)" : "Report (Markdown)");
      link.href = `${run.report}.${kind}`;
      link.setAttribute("download", "");
      files.append(link);
    }
    if (!run.alive) files.append(button("hsi-small hsi-quiet", "Delete", "", () => act("delete")));
    root.append(more, files);
  }
  onValue(render);
  whenSeen(() => trigger("look", {})); // prompt sets may have come since
  render();
}
