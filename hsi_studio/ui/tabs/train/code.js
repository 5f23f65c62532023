// @ts-check
// The same work as a command line and as Python, to copy.

import { button, copyText, make } from "../../web/dom.js";

export function makeCode() {
  const box = make("details", "tr-details");
  box.append(make("summary", "", "The same from a shell or Python"));
  const parts = ["Shell", "Python"].map((name) => {
    const row = make("div", "tr-code"), text = make("pre");
    text.tabIndex = 0;
    text.setAttribute("aria-label", name);
    const copy = button("hsi-small", "Copy", "", () => copyText(text.textContent, copy));
    copy.setAttribute("aria-label", `Copy the ${name} lines`);
    row.append(make("span", "tr-code-name", name), copy, text);
    box.append(row);
    return text;
  });
  return {
    node: box,
    show(shell, python) {
      box.hidden = !shell;
      [shell || "", python || ""].forEach((text, i) => { if (parts[i].textContent !== text) parts[i].textContent = text; });
    },
  };
}
