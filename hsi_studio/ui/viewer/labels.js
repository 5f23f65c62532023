// Label markers and the crosshair: a canvas above the picture, redrawn in one go (2,000 markers take about 2 ms).
//
// A click is shown at once as *pending* (hollow), before the server knows of it. Each answer of the server is a
// whole label set with the journal's sequence number: an older set never replaces a newer one, and a pending
// click ends when a set agrees with it, when the server refuses it, or when nothing came back in time.

const PENDING_MS = 8000, ASK_AGAIN_MS = 2500, MANY = 150;

function inkOn(hex) {  // black or white, whichever reads better on a colour (relative luminance, WCAG 2.1)
  const v = parseInt(hex.slice(1), 16);
  const [r, g, b] = [v >> 16, (v >> 8) & 255, v & 255].map((c) => { const s = c / 255; return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4; });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.3 ? '#111' : '#fff';
}

function makeLabels(canvas, pane, onPending) {
  const context = canvas.getContext('2d');
  let classes = [], seq = -1, points = new Map(), counts = [];
  const pending = new Map();  // "row,col" → {row, col, id: class id or null for a removal, n, since}
  const sprites = new Map();
  let cross = null, hover = null, frame = 0, width = 0, height = 0;
  const key = (row, col) => `${row},${col}`;

  function setLabels(labels) {  // false when older than what is shown
    if (labels.seq < seq) return false;
    seq = labels.seq;
    points = new Map(labels.points.map((p) => [key(p[0], p[1]), p]));
    settle();
    return true;
  }

  function classIdAt(row, col, withPending = true) {
    const waiting = withPending && pending.get(key(row, col));
    if (waiting) return waiting.id;
    const point = points.get(key(row, col));
    return point ? classes[point[2]]?.id ?? null : null;
  }

  function settle() {
    for (const [place, wish] of pending) if (classIdAt(wish.row, wish.col, false) === wish.id && seq > wish.seq) pending.delete(place);
    counts = classes.map(() => 0);
    for (const point of points.values()) counts[point[2]]++;
    onPending(pending.size);
    schedule();
  }

  // What a click on a pixel will do: the server gives it the class, or takes it away when it has this class.
  function wish(row, col, id, n) {
    pending.set(key(row, col), {row, col, id: classIdAt(row, col) === id ? null : id, n, seq, since: performance.now()});
    onPending(pending.size);
    draw();
  }

  // The server said no: the oldest click that the label set does not agree with vanishes.
  function refuse(n) {
    for (const [place, entry] of pending) if (n == null || entry.n === n) { pending.delete(place); break; }
    settle();
  }

  function overdue(now) {  // {ask: some wait long, gone: some were given up}
    let ask = false, gone = 0;
    for (const [place, entry] of pending) {
      if (now - entry.since > PENDING_MS) { pending.delete(place); gone++; } else if (now - entry.since > ASK_AGAIN_MS) ask = true;
    }
    if (gone) settle();
    return {ask, gone};
  }

  // Marker under a point of the screen: where pixels are small, a few CSS pixels beside its centre still count.
  function markerNear(x, y) {
    const {scale, x0, y0} = pane.place(), reach = Math.ceil(3.5 / scale);
    if (scale >= 7) return null;
    const col = Math.floor((x - x0) / scale), row = Math.floor((y - y0) / scale);
    let best = null, least = 3.5;
    for (let r = row - reach; r <= row + reach; r++) for (let c = col - reach; c <= col + reach; c++) {
      if (classIdAt(r, c) === null) continue;
      const d = Math.hypot(x0 + (c + 0.5) * scale - x, y0 + (r + 0.5) * scale - y);
      if (d <= least) { least = d; best = {row: r, col: c}; }
    }
    return best;
  }

  function sprite(k, radius, state, dpr) {
    const info = classes[k], name = `${k},${info.color},${radius},${state},${dpr}`;
    let sheet = sprites.get(name);
    if (sheet) return sheet;
    if (sprites.size > 500) sprites.clear();
    sheet = document.createElement('canvas');
    const side = Math.ceil((radius + 3) * 2 * dpr), middle = side / 2;
    sheet.width = sheet.height = side;
    const pen = sheet.getContext('2d'), r = radius * dpr;
    const ring = (by, colour, line) => { pen.beginPath(); pen.arc(middle, middle, by, 0, 2 * Math.PI); pen.strokeStyle = colour; pen.lineWidth = line * dpr; pen.stroke(); };
    pen.globalAlpha = state === 'leaving' ? 0.35 : 1;
    ring(r + 1 * dpr, 'rgba(0,0,0,.65)', 1.6);
    pen.beginPath(); pen.arc(middle, middle, r, 0, 2 * Math.PI);
    pen.fillStyle = info.color;
    if (state === 'coming') pen.globalAlpha = 0.55;
    pen.fill();
    pen.globalAlpha = state === 'leaving' ? 0.35 : 1;
    if (state === 'coming') pen.setLineDash([2.5 * dpr, 2 * dpr]);
    ring(r, '#fff', 1.5);
    if (radius >= 7) {
      pen.fillStyle = inkOn(info.color);
      pen.font = `600 ${Math.round((k >= 9 ? 9 : 10.5) * dpr)}px system-ui, sans-serif`;
      pen.textAlign = 'center'; pen.textBaseline = 'alphabetic';
      const box = pen.measureText(String(k + 1));
      pen.fillText(String(k + 1), middle, middle + (box.actualBoundingBoxAscent - box.actualBoundingBoxDescent) / 2);
    }
    sprites.set(name, sheet);
    return sheet;
  }

  function draw() {
    const {w, h} = pane.size(), dpr = pane.dpr();
    width = Math.round(w * dpr); height = Math.round(h * dpr);
    if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
    context.clearRect(0, 0, width, height);
    const scene = pane.scene();
    if (!scene || !width) return;
    const view = pane.place(), at = (row, col) => [view.x0 + (col + 0.5) * view.scale, view.y0 + (row + 0.5) * view.scale];
    const many = points.size > MANY && view.scale < 12;  // numbers would hide the fields they lie in
    const radius = many ? 3 : view.scale < 1 ? 6 : 8;
    const stamp = (row, col, k, state) => {
      const [x, y] = at(row, col);
      if (!classes[k] || x < -14 || y < -14 || x > w + 14 || y > h + 14) return;
      const sheet = sprite(k, radius, state, dpr);
      context.drawImage(sheet, Math.round(x * dpr - sheet.width / 2), Math.round(y * dpr - sheet.height / 2));
    };
    if (cross) crosshair(view, dpr);
    for (const [place, p] of points) {
      const waiting = pending.get(place);
      if (!waiting) stamp(p[0], p[1], p[2], 'there'); else if (waiting.id === null) stamp(p[0], p[1], p[2], 'leaving');
    }
    for (const entry of pending.values()) if (entry.id !== null) stamp(entry.row, entry.col, classes.findIndex((c) => c.id === entry.id), 'coming');
    if (hover) outline(hover, view, dpr, 'rgba(255,255,255,.9)');
  }

  function outline(pixel, view, dpr, colour) {
    if (view.scale < 3 || (view.scale < 14 && classIdAt(pixel.row, pixel.col) !== null)) return;  // not across a number
    const left = Math.round((view.x0 + pixel.col * view.scale) * dpr), top = Math.round((view.y0 + pixel.row * view.scale) * dpr);
    const side = Math.round(view.scale * dpr);
    context.lineWidth = 1;
    context.strokeStyle = 'rgba(0,0,0,.75)';
    context.strokeRect(left - 0.5, top - 0.5, side + 1, side + 1);
    context.strokeStyle = colour;
    context.strokeRect(left + 0.5, top + 0.5, side - 1, side - 1);
  }

  function crosshair(view, dpr) {
    const x = Math.round((view.x0 + (cross.col + 0.5) * view.scale) * dpr) + 0.5, y = Math.round((view.y0 + (cross.row + 0.5) * view.scale) * dpr) + 0.5;
    const gap = Math.max(13, view.scale * 0.5 + 5) * dpr, arm = 22 * dpr;
    for (const [colour, line] of [['rgba(0,0,0,.7)', 3 * dpr], ['#fff', 1.2 * dpr]]) {
      context.strokeStyle = colour; context.lineWidth = line;
      context.beginPath();
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) { context.moveTo(x + dx * gap, y + dy * gap); context.lineTo(x + dx * (gap + arm), y + dy * (gap + arm)); }
      context.stroke();
    }
    outline(cross, view, dpr, '#fff');
  }

  function schedule() { if (!frame) frame = requestAnimationFrame(() => { frame = 0; draw(); }); }

  return {
    setLabels, classIdAt, wish, refuse, overdue, markerNear, draw, schedule,
    setClasses(next) { classes = next; settle(); },
    setCross(pixel) { cross = pixel; schedule(); },
    setHover(pixel) { if (hover?.row !== pixel?.row || hover?.col !== pixel?.col) { hover = pixel; schedule(); } },
    reset() { seq = -1; points = new Map(); pending.clear(); cross = hover = null; settle(); },
    cross: () => cross, seq: () => seq, counts: () => counts, pendingCount: () => pending.size,
    labelled: () => counts.filter((n) => n > 0).length,
  };
}
