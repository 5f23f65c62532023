// @ts-check
// A button that brings files to the map: they go the way of all uploads (the body of another route may have 64 KiB at
// most), and then a route of ours is told where they lie.

import { upload } from "../../opening/upload.js";
import { make } from "../../web/dom.js";

/**
 * @param {string} text
 * @param {{accept?: string, multiple?: boolean, route: () => string, said: HTMLElement, done: (body: any) => void}} options
 */
export function fileButton(text, { accept = "", multiple = false, route, said, done }) {
  const field = make("input", "ev-file"), label = make("label", "hsi-small", text);
  Object.assign(field, { type: "file", accept, multiple });
  field.addEventListener("change", async () => {
    const files = [...(field.files || [])];
    field.value = "";
    if (!files.length) return;
    said.textContent = "Reading …";
    try {
      const paths = await upload(files, () => {}).paths;
      const answer = await fetch(route(), {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ files: paths }),
      });
      const body = await answer.json().catch(() => null);
      said.textContent = body?.said || body?.detail || "The server did not take the file: try again.";
      if (answer.ok) done(body);
    } catch (error) {
      said.textContent = error instanceof TypeError ? "The server did not answer: check that it runs, then try again." : error.message;
    }
  });
  label.append(field);
  return label;
}
