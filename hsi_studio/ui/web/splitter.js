// @ts-check
// The line between picture and panel: dragged, or moved with the arrow keys. The width is the browser's to keep.

import { make } from "./dom.js";

const KEPT = "hsi-panel-px", LEAST = 360, PICTURE = 480, STEP = 24; // pixels

/** As wide as it may be, so that the picture stays one. */
const most = () => Math.max(LEAST, window.innerWidth - PICTURE);

/** Once a page. */
export function makeSplitter() {
  const side = document.getElementById("hsi-side"), body = document.getElementById("hsi-body");
  if (!side || !body || side.querySelector(":scope > .hsi-splitter")) return;
  const line = make("div", "hsi-splitter");
  line.tabIndex = 0;
  line.title = "Drag, or arrow keys: width of the panel. Double-click: as at first.";
  for (const [name, value] of Object.entries({
    role: "separator", "aria-orientation": "vertical", "aria-label": "Width of the panel", "aria-controls": "hsi-side", "aria-valuemin": String(LEAST),
  })) line.setAttribute(name, value);

  /** @param {number} px  0 = as at first */
  function show(px) {
    if (px) body.style.setProperty("--hsi-panel", `${Math.round(Math.min(most(), Math.max(LEAST, px)))}px`);
    else body.style.removeProperty("--hsi-panel");
    body.classList.toggle("hsi-split", Boolean(px));
    line.setAttribute("aria-valuemax", String(most()));
    line.setAttribute("aria-valuenow", String(Math.round(side.clientWidth)));
  }
  /** @param {number} px */
  function keep(px) {
    show(px);
    try {
      if (px) localStorage.setItem(KEPT, String(Math.round(side.clientWidth)));
      else localStorage.removeItem(KEPT);
    } catch (error) { console.info("The panel's width is not kept:", error.message); } // a browser that keeps nothing
  }
  function kept() {
    try { return Number(localStorage.getItem(KEPT)) || 0; } catch { return 0; }
  }

  line.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    line.setPointerCapture(event.pointerId);
    line.focus({ preventScroll: true });
  });
  line.addEventListener("pointermove", (event) => {
    if (line.hasPointerCapture(event.pointerId)) show(side.getBoundingClientRect().right - event.clientX);
  });
  line.addEventListener("pointerup", (event) => {
    if (line.hasPointerCapture(event.pointerId)) keep(side.clientWidth);
  });
  line.addEventListener("dblclick", () => keep(0));
  line.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: STEP, ArrowRight: -STEP }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    keep(side.clientWidth + by);
  });
  side.append(line);
  show(kept());
}
