// @ts-check
// What a click or a key does to a pixel: it gets the chosen class, loses its label, or only shows its spectrum.

import { counted } from '../web/formats.js';

/**
 * @param {import('./pane.js').Pane} pane
 * @param {any} map  Leaflet's
 * @param {object} parts
 * @param {ReturnType<typeof import('./labels.js').makeLabels>} parts.labels
 * @param {ReturnType<typeof import('./server.js').makeServer>} parts.server
 * @param {ReturnType<typeof import('./readout.js').makeReadout>} parts.readout
 * @param {ReturnType<typeof import('./controls.js').makeControls>} parts.controls
 * @param {() => string} parts.active  the class that a click gives, "" = none
 * @param {() => void} parts.ask  have the server send its labels again
 * @param {(id: string) => void} parts.next  a label was given: the class may have enough
 * @param {() => boolean} parts.blind  random pixels are looked at: a click gives no label
 */
export function makeLabelling(pane, map, {labels, server, readout, controls, active, ask, next, blind}) {
  let on = true, n = 0;
  controls.mode(on);

  function look(pixel) {
    server.spectrum(pixel.row, pixel.col);
    readout.describe(pixel);
  }
  function send(pixel, id) {
    const gone = labels.classIdAt(pixel.row, pixel.col) === id;
    labels.wish(pixel.row, pixel.col, id, ++n);  // on the screen before anything else happens
    server.act({do: 'pick', row: pixel.row, col: pixel.col, class_id: id, n});
    look(pixel);
    if (!gone) next(id);
    if (gone) controls.message(`The label of row ${pixel.row}, column ${pixel.col} is taken away. Undo (Ctrl+Z) brings it back.`, 'hint');
  }
  function act(pixel, looking) {
    if (!pane.scene()) return;
    const {scale} = pane.place();
    labels.setCross({row: pixel.row, col: pixel.col});
    if (looking || !on || blind()) look(pixel);
    else if (scale < 1 && pixel.pointed) {  // which of them was meant cannot be known
      look(pixel);
      controls.message(`Zoom in to label (Z, + or the wheel): here one point of the screen covers ${Math.ceil(1 / scale)} × ${Math.ceil(1 / scale)} pixels.`, 'hint');
    }
    else if (active()) send(pixel, active());
    else {
      controls.message('Add a class first: a click gives a pixel the chosen class.', 'hint');
      server.spectrum(pixel.row, pixel.col);
    }
  }
  function moveTo(row, col) {
    const scene = pane.scene();
    if (!scene || !Number.isFinite(row) || !Number.isFinite(col)) return;
    const pixel = {row: Math.min(scene.h - 1, Math.max(0, Math.round(row))), col: Math.min(scene.w - 1, Math.max(0, Math.round(col)))};
    labels.setCross(pixel);
    if (!pane.shows(pixel, 24)) map.setView([-(pixel.row + 0.5), pixel.col + 0.5], map.getZoom(), {animate: false});
    controls.parts.row.value = pixel.row; controls.parts.col.value = pixel.col;
    readout.describe(pixel);
  }
  const here = () => labels.cross() || pane.middle();

  map.on('click', ({originalEvent}) => {
    const pixel = pane.pixelAt(originalEvent);
    if (pixel) act({...pixel, pointed: true}, originalEvent.shiftKey);
  });
  setInterval(() => {
    const late = labels.overdue(performance.now());
    if (late.gone) controls.message(`The server did not confirm ${late.gone === 1 ? 'a click' : counted(late.gone, 'click')}: check the connection and click again.`);
    if (late.ask) ask();
  }, 1500);

  return {
    /** The crosshair to a pixel. @param {number} row @param {number} col */
    moveTo,
    /** The crosshair by so many pixels. @param {number} rows @param {number} cols */
    step(rows, cols) { const from = here(); moveTo(from.row + rows, from.col + cols); },
    /** As a click at the crosshair. */
    actHere() { act(here(), false); },
    removeHere() {
      const cross = labels.cross(), id = cross && labels.classIdAt(cross.row, cross.col);
      if (id) send(cross, id); else controls.say('There is no label here.');
    },
    /** Clicks label, or only look. */
    toggle() { on = !on; controls.mode(on); },
  };
}
