// @ts-check
// Files from the user's machine: what a drop holds, folders too, and its way into the server's waiting room, with the
// bytes that have gone. Nothing here knows the sheet.

const UPLOAD = "/gradio_api/upload";
const MOST = 300; // files that are taken at once, as on the server

/** Files of a folder, from `readEntries`, which gives a hundred at a time. @param {any} entry @param {File[]} out */
async function walk(entry, out) {
  if (out.length > MOST || entry.name.startsWith(".")) return;
  if (entry.isFile) {
    out.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return;
    for (const one of some) await walk(one, out);
  }
}

/** The files of a drop, those of its folders too. @param {DataTransfer} data @returns {Promise<File[]>} */
export async function filesOf(data) {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean); // before the first await
  if (!entries.length) return [...data.files];
  const out = /** @type {File[]} */ ([]);
  for (const entry of entries) await walk(entry, out);
  return out;
}

/**
 * Send files; resolves to their paths on the server. `stop` ends it at once.
 * @param {File[]} files
 * @param {(done: number, total: number) => void} told
 * @returns {{paths: Promise<string[]>, stop: () => void}}
 */
export function upload(files, told) {
  const request = new XMLHttpRequest();
  const paths = new Promise((resolve, reject) => {
    if (files.length > MOST) {
      reject(new Error(`${files.length} files are too many at once: give the ${MOST} that belong together.`));
      return;
    }
    const form = new FormData();
    for (const file of files) form.append("files", file, file.name);
    request.open("POST", UPLOAD);
    request.upload.onprogress = (event) => told(event.loaded, event.total);
    request.onload = () => {
      const body = parsed(request.responseText);
      if (request.status === 200 && Array.isArray(body)) resolve(body);
      else reject(new Error(typeof body?.detail === "string" ? body.detail : `The server did not take the files (${request.status}).`));
    };
    request.onerror = () => reject(new Error("The server did not answer while the files were sent: check that it runs."));
    request.onabort = () => reject(new DOMException("stopped", "AbortError"));
    request.send(form);
  });
  return { paths, stop: () => request.abort() };
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
