// @ts-check
// Elements, once for all panels. Text goes in by `textContent` alone: names, prompts and notes come from people and files.

/**
 * An element with a class and a text.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} [cls]
 * @param {string} [text]
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, cls, text) {
  const node = document.createElement(tag);
  if (cls) node.className = cls;
  if (text !== undefined) node.textContent = text;
  if (/^h[3-6]$/.test(tag)) node.setAttribute("aria-level", "2"); // which panel is first is up to the open step
  return node;
}

/**
 * A button that does something. One or two signs are no name: there the hint is read out in their place.
 * @param {string} cls
 * @param {string} label
 * @param {string} hint
 * @param {(event: MouseEvent) => void} onclick
 */
export function button(cls, label, hint, onclick) {
  const node = make("button", cls, label);
  node.type = "button";
  if (hint) node.title = hint;
  if (hint && label && label.length < 3) node.setAttribute("aria-label", hint);
  node.addEventListener("click", onclick);
  return node;
}

/**
 * A shape of a drawing.
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {string} [text]
 */
export function shape(tag, attributes, text) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  if (text !== undefined) node.textContent = text;
  return node;
}

/** A dot in a class's colour. @param {string} color @param {"span" | "i"} [tag] @param {string} [cls] */
export function dot(color, tag = "span", cls = "hsi-dot") {
  const node = make(tag, cls);
  node.style.background = color;
  return node;
}

/**
 * A control with its name before it.
 * @param {string} text
 * @param {HTMLElement} control
 * @param {string} cls
 */
export function labelled(text, control, cls) {
  const box = make("label", cls);
  box.append(make("span", "", text), control);
  return box;
}

/**
 * The choices of a list, anew only when they are others; what was chosen stays chosen when it is still there.
 * @param {HTMLSelectElement} list
 * @param {[string, string][]} entries  text and value
 * @param {string} [value]  the choice to begin with
 */
export function setOptions(list, entries, value) {
  const key = JSON.stringify(entries);
  if (list.dataset.key === key) return;
  const before = list.value;
  list.dataset.key = key;
  list.replaceChildren(...entries.map(([text, id]) => new Option(text, id)));
  list.value = entries.some(([, id]) => id === before) ? before : value ?? entries[0]?.[1] ?? "";
}

/** Where one types: keys and pasted text are that field's. */
export const TYPING = "input:not([type=checkbox], [type=radio], [type=range], [type=button], [type=color]), textarea, select, [contenteditable=true], dialog, [role=combobox], [role=listbox]";

/**
 * A field that renames something: Enter and leaving it keep the text, Escape does not. It takes the cursor.
 * @param {string} cls
 * @param {string} name  as it is now
 * @param {number} longest
 * @param {string} hint
 * @param {(name: string | null) => void} done  called once; null = as before
 */
export function renameBox(cls, name, longest, hint, done) {
  const box = make("input", cls);
  box.value = name;
  box.maxLength = longest;
  box.setAttribute("aria-label", hint);
  let over = false;
  /** @param {boolean} keep */
  const end = (keep) => {
    if (over) return;
    over = true;
    const wanted = box.value.trim();
    done(keep && wanted && wanted !== name ? wanted : null);
  };
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter") end(true);
    if (event.key === "Escape") end(false);
    event.stopPropagation();
  });
  box.addEventListener("blur", () => end(true));
  queueMicrotask(() => {
    box.focus();
    box.select();
  });
  return box;
}

/**
 * A dialog: a title, what is in it, a row of buttons.
 * @param {string} title
 * @param {HTMLElement[]} parts
 * @param {HTMLElement[]} buttons
 */
export function dialogOf(title, parts, buttons) {
  const node = make("dialog", "hsi-dialog"), row = make("div", "hsi-dialog-row");
  row.append(...buttons);
  node.append(make("h3", "", title), ...parts, row);
  return node;
}

/** A text area as high as its text. @param {HTMLTextAreaElement} box */
export function fitHeight(box) {
  box.style.height = "auto";
  if (box.scrollHeight) box.style.height = `${box.scrollHeight + 2}px`;
}

/** A colour or size of the page's style. @param {Element} node @param {string} name @param {string} [fallback] */
export const cssValue = (node, name, fallback = "") => getComputedStyle(node).getPropertyValue(name).trim() || fallback;

/** Whether the user is typing in a field of `node`. @param {HTMLElement} node */
export function typingIn(node) {
  const field = document.activeElement;
  return Boolean(field) && node.contains(field) && /^(INPUT|TEXTAREA)$/.test(field.tagName);
}

/** Copy a text; `node` says so for a moment. @param {string} text @param {HTMLElement} node */
export async function copyText(text, node) {
  try {
    await navigator.clipboard.writeText(text);
  } catch { // no permission, or not a secure page: the old way
    const area = make("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  const before = node.textContent;
  node.textContent = "Copied";
  setTimeout(() => (node.textContent = before), 1200);
}

/** @type {Map<string, Promise<void>>} */
const loading = new Map();

/** A script of our own server that is no module, once a page. @param {string} address @param {string} failed */
export function loadScript(address, failed) {
  if (!loading.has(address)) {
    loading.set(address, new Promise((resolve, reject) => {
      const script = Object.assign(document.createElement("script"), { src: address });
      script.onload = () => resolve();
      script.onerror = () => reject(new Error(failed));
      document.head.append(script);
    }));
  }
  return loading.get(address);
}

/** A style sheet of our own server, once a page; resolves when it holds. @param {string} address @param {string} failed */
export function loadSheet(address, failed) {
  if (!loading.has(address)) {
    loading.set(address, new Promise((resolve, reject) => {
      const sheet = Object.assign(document.createElement("link"), { rel: "stylesheet", href: address });
      sheet.onload = () => resolve();
      sheet.onerror = () => reject(new Error(failed));
      document.head.append(sheet);
    }));
  }
  return loading.get(address);
}

/** plotly.js from the installed plotly package, when something is first drawn with it. */
export async function plotly() {
  if (!window.Plotly) await loadScript("/hsi/plotly.min.js", "plotly.js could not be loaded");
  return window.Plotly;
}
