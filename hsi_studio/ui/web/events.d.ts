// The events by which the page's parts talk to each other, on the document; nothing else passes between them. Send one
// with `tell` and hear one with `onPage`, both of component.js.

interface PageEvents {
  /** Bring the class map and its accuracy up to date with the labels, which have just changed. To the viewer. */
  "hsi:follow": undefined;
  /** Values that a plain route answered: the text that is a component's value, by the component's id in the page. */
  "hsi:show": Record<string, string>;
  /** The map has followed the labels. From the viewer. */
  "hsi:seen": undefined;
  /** The class that a click labels with, and the element where it was chosen. */
  "hsi:active": { id: string; from: HTMLElement };
  /** The user wants to type the name of a new class. To the class list. */
  "hsi:add-class": undefined;
  /** So many labels, and the next class is chosen; 0 = never. To the viewer. */
  "hsi:advance": { after: number };
  /** The page is being shown to a room now, or no longer. */
  "hsi:present": { on: boolean };
  /** Show this project, anew when it is the one on the page. To the title line. */
  "hsi:open": { project: string };
  /** Open a part of the dock: accuracy, spectra, matrix, curves, history, origin. */
  "hsi:dock": { part: string };
  /** For the status line: clicks that wait to be saved; the training that runs. From the viewer. */
  "hsi:status": { pending?: number; job?: import("../viewer/status.js").Job | null };
  /** Open the dialog that draws labels from the reference. */
  "hsi:draw-labels": undefined;
  /** Have the user draw a region in the picture, or (`off`) give it up and take the outline away. To the viewer. */
  "hsi:draw": { off?: boolean };
  /** The region drawn: its corners as [row, col] in pixels, (0, 0) the scene's corner; null when given up. */
  "hsi:region": { polygon: [number, number][] | null };
  /** Show a single band: its wavelength in nm, or its number in a file without wavelengths. To the viewer. */
  "hsi:band": { value: number };
  /** What is compared in the plot of spectra: up to 12 places, [row, col], numbered from 1. To the viewer. */
  "hsi:pins": { pins: [number, number][] };
  /** A pixel was clicked in the picture. From the viewer. */
  "hsi:pixel": { project: string; row: number; col: number };
  /** The likeness from which the heat map counts as found, 0 to 1, while its slider moves. To the viewer. */
  "hsi:heat": { threshold: number };
  /** A box of the scene to frame, [row, col, height, width], or none; with `go` the picture moves there. To the viewer. */
  "hsi:place": { box: [number, number, number, number] | null; go: boolean };
}

type PageEventMap = { [Name in keyof PageEvents]: CustomEvent<PageEvents[Name]> };

interface DocumentEventMap extends PageEventMap {}

interface Window {
  /** plotly.js, once it is loaded (dom.js). */
  Plotly?: any;
  /** Leaflet, once it is loaded (viewer/leaflet.js). */
  L?: any;
}
