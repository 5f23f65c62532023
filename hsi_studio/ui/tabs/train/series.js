// @ts-check
// A run's metrics as curves over its steps. Nothing here needs a page.
// A run that resumed from a checkpoint repeats steps: there the later ones count. Stages lie one after another.

const KEEP = 3000; // points a curve; beyond it every second one is dropped, then every new second one is left out

// What one run's curves are made of.
export function makeSeries() {
  const stages = []; // {name, from, steps}
  const curves = new Map(); // key → {x, y, every, skipped}
  const place = (name, steps) => {
    let stage = stages.find((s) => s.name === name);
    if (!stage) {
      const last = stages[stages.length - 1];
      stages.push((stage = { name, from: last ? last.from + last.steps : 0, steps }));
      for (const curve of curves.values()) { curve.x.push(stage.from); curve.y.push(null); } // stages are not joined
    } else if (steps > stage.steps) stage.steps = steps;
    return stage;
  };
  return {
    stages, curves,
    // Returns {fresh: Map key → {x, y}} to append, or {redraw: true} when old points changed.
    add(metrics) {
      const fresh = new Map(), before = stages.length;
      let redraw = false;
      for (const [name, step, steps, values] of metrics) {
        const x = place(name, steps).from + step;
        for (const [key, y] of Object.entries(values)) {
          if (!curves.has(key)) { curves.set(key, { x: [], y: [], every: 1, skipped: 0 }); redraw = true; }
          const curve = curves.get(key);
          let cut = curve.x.length;
          while (cut && curve.x[cut - 1] >= x && curve.y[cut - 1] !== null) cut--;
          if (cut < curve.x.length) { curve.x.length = curve.y.length = cut; redraw = true; }
          if (++curve.skipped < curve.every && step < steps) continue;
          curve.skipped = 0;
          curve.x.push(x);
          curve.y.push(y);
          if (!fresh.has(key)) fresh.set(key, { x: [], y: [] });
          fresh.get(key).x.push(x);
          fresh.get(key).y.push(y);
          if (curve.x.length > KEEP) {
            curve.x = curve.x.filter((_, i) => i % 2 === 0);
            curve.y = curve.y.filter((_, i) => i % 2 === 0);
            curve.every *= 2;
            redraw = true;
          }
        }
      }
      return redraw || stages.length !== before ? { redraw: true } : { fresh };
    },
  };
}

// Exponential moving average without the start's bias (Kingma & Ba 2015, eq. of section 3); gaps start it again.
export function smoothed(y, weight, state = { sum: 0, norm: 0 }) {
  if (!weight) return y.slice();
  return y.map((value) => {
    if (value === null) { state.sum = state.norm = 0; return null; }
    state.sum = weight * state.sum + (1 - weight) * value;
    state.norm = weight * state.norm + (1 - weight);
    return state.sum / state.norm;
  });
}
