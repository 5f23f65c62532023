// @ts-check
// Leaflet, from the installed package by our own server; one copy a page.

import { loadScript, loadSheet } from '../web/dom.js';

const FAILED = 'The map library could not be loaded from this server: reload the page.';

/** Leaflet's `L`. Fails when the server does not answer. @param {string} base  where our routes are @returns {Promise<any>} */
export async function leaflet(base) {
  if (!window.L?.CRS) {
    await Promise.all([loadSheet(`${base}/leaflet/leaflet.css`, FAILED), loadScript(`${base}/leaflet/leaflet.js`, FAILED)]);
  }
  return window.L;
}

/** The picture's frame: it says where pixels are, and is dragged and zoomed; nothing is drawn by it. @param {any} L @param {HTMLElement} stage */
export function frameOn(L, stage) {
  return L.map(stage, {
    crs: L.CRS.Simple, minZoom: -12, maxZoom: 6, zoomSnap: 0.25, zoomDelta: 1, wheelPxPerZoomLevel: 110,
    zoomAnimation: false, fadeAnimation: false, markerZoomAnimation: false, bounceAtZoomLimits: false,
    zoomControl: false, attributionControl: false, keyboard: false, boxZoom: false, doubleClickZoom: false, inertia: true,
    trackResize: false,  // the viewer's observer does
  }).setView([0, 0], 0, {animate: false});
}
