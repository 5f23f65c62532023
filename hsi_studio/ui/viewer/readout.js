// @ts-check
// What is under the pointer or the crosshair, in words: place, label, mapped class, coordinates.

import { counted, percent } from '../web/formats.js';

const withShare = (name, sure) => name + (sure == null ? '' : ` ${percent(sure)}`);

/** Coordinates of a pixel's centre, with the scene's coordinate system. @param {any} scene @param {{row: number, col: number}} pixel */
export function coordinates(scene, pixel) {
  const [a, b, c, d, e, f] = scene.transform, x = pixel.col + 0.5, y = pixel.row + 0.5;
  const digits = Math.abs(a) < 0.01 ? 6 : Math.abs(a) < 1 ? 2 : 1;
  return `${(a * x + b * y + c).toFixed(digits)}, ${(d * x + e * y + f).toFixed(digits)} · ${scene.crs_name}`;
}

/**
 * @param {import('./pane.js').Pane} pane
 * @param {{labels: any, raster: any, swipe: any, controls: any, looks: any, classes: () => any[], nameOf: (id: string) => any, blind: () => boolean}} parts
 */
export function makeReadout(pane, {labels, raster, swipe, controls, looks, classes, nameOf, blind}) {
  let read = null;

  function show(pixel) {
    read = pixel;
    const scene = pane.scene();
    if (!pixel) { controls.readout([{text: scene ? `${scene.h} × ${scene.w} pixels, ${scene.b} bands` : '', quiet: true}]); return; }
    const {row, col} = pixel, items = [{text: `row ${row}, col ${col}`}];
    const measured = looks.at(row, col);
    if (measured) items.push({text: measured});
    const marker = nameOf(labels.classIdAt(row, col)), hidden = blind();
    const mapped = hidden ? null : nameOf(raster.classAt(row, col)), other = hidden ? null : nameOf(swipe.classAt(row, col));
    if (marker) items.push({text: `${marker.name} (label)`, color: marker.color});
    if (mapped) items.push({text: withShare(mapped.name, raster.confidenceAt(row, col)), color: mapped.color});
    if (other) items.push({text: withShare(`${swipe.title()}: ${other.name}`, swipe.confidenceAt(row, col)), color: other.color});
    if (scene.transform && scene.crs_name) items.push({text: coordinates(scene, pixel), quiet: true});
    controls.readout(items);
  }

  return {
    show,
    again: () => show(read),
    /** For a screen reader too. */
    describe(pixel) {
      const info = nameOf(labels.classIdAt(pixel.row, pixel.col)) || (blind() ? null : nameOf(raster.classAt(pixel.row, pixel.col)));
      const words = [`row ${pixel.row}`, `column ${pixel.col}`, info ? info.name : 'no class'];
      if (info) words.push(counted(labels.counts()[classes().indexOf(info)] || 0, 'label'));
      controls.say(words.join(', '));
      show(pixel);
    },
  };
}
