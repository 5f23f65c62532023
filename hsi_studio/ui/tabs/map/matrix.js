// @ts-check
// The confusion matrix: rows are classes of the reference (or of the labels), columns what the map shows. Counts, shares of
// the row (producer's view) or of the column (user's view); a cell puts its pixels on the picture.

import { tell } from "../../web/component.js";
import { button, dot, make } from "../../web/dom.js";

const WAYS = [["counts", "Pixels"], ["row", "Row %"], ["column", "Column %"]];

/**
 * What stands in a cell.
 * @param {number[][]} counts (K, K + 1)
 * @param {string} way  one of `WAYS`
 * @param {number} i @param {number} j
 */
export function cellText(counts, way, i, j) {
  const n = counts[i][j];
  if (way === "counts") return n ? n.toLocaleString("en-GB") : "0";
  const sum = way === "row" ? counts[i].reduce((a, b) => a + b, 0) : counts.reduce((total, row) => total + row[j], 0);
  return sum ? (100 * n / sum).toFixed(n && n < sum ? 1 : 0) : "–";
}

/** Share of its row, for the shade of a cell. @param {number[][]} counts @param {number} i @param {number} j */
export function shade(counts, i, j) {
  const sum = counts[i].reduce((a, b) => a + b, 0);
  return sum ? counts[i][j] / sum : 0;
}

/**
 * Puts the pixels of a cell on the picture. Throws what the server says.
 * @param {string} project
 * @param {{reference: string, mapped: string, far: number, title: string}} cell  `mapped` "" = another class, or none
 */
async function showCell(project, { reference, mapped, far, title }) {
  const path = [project, "cell", reference, mapped || "-", String(far)].map(encodeURIComponent).join("/");
  const answer = await fetch(`/hsi/evidence/${path}?${new URLSearchParams({ title })}`, { cache: "no-store" }).catch(() => null);
  const body = answer && await answer.json().catch(() => null);
  if (!answer?.ok) throw new Error(body?.detail || "The server did not answer: check that it runs.");
  tell("hsi:show", body.show);
}

export function makeMatrix() {
  const node = make("div", "ev-matrix"), which = make("div", "ev-row ev-choice"), ways = make("div", "ev-row ev-choice");
  const sheet = make("div", "ev-sheet"), words = make("p", "hsi-hint");
  let value = null, far = 0, way = "counts";
  node.append(which, ways, sheet, words);

  function choices(box, entries, now, choose) {
    box.replaceChildren(...entries.map(([id, title]) => {
      const one = button("hsi-small", title, "", () => { choose(id); paint(); });
      one.setAttribute("aria-pressed", String(id === now));
      return one;
    }));
  }

  /** `text`: the class's number, as markers and legend have it. */
  function head(text, info, row) {
    const cell = make("th");
    cell.scope = row ? "row" : "col";
    if (info) cell.append(dot(info.color));
    cell.append(make("b", "", text));
    if (info) cell.title = info.name;
    return cell;
  }

  function table(block) {
    const { classes, counts } = block, out = make("table", "ev-cells"), top = out.createTHead().insertRow();
    top.append(make("th", "ev-corner", "is ↓  shown as →"), ...classes.map((info) => head(info.number, info, false)), head("–", null, false));
    top.lastElementChild.setAttribute("title", "another class, or none");
    const body = out.createTBody();
    classes.forEach((info, i) => {
      const line = body.insertRow(), name = head(info.number, info, true);
      name.append(make("span", "", info.name));
      line.append(name);
      counts[i].forEach((n, j) => {
        const text = cellText(counts, way, i, j), told = classes[j]?.name ?? "another class, or none";
        const cell = line.insertCell(), hint = `${n.toLocaleString("en-GB")} ${n === 1 ? "pixel" : "pixels"} of ${info.name}, shown as ${told}`;
        cell.className = i === j ? "is-right" : n ? "is-wrong" : "is-none";
        cell.style.setProperty("--share", shade(counts, i, j).toFixed(3));
        if (!n || !block.cells) {
          cell.textContent = text;
          cell.title = hint;
          return;
        }
        const one = button("ev-cell", text, `${hint}: show them`, () => {
          showCell(value.project, { reference: info.id, mapped: classes[j]?.id ?? "", far: block.far, title: hint })
            .catch((error) => (words.textContent = error.message));
        });
        one.setAttribute("aria-label", hint);
        cell.append(one);
      });
    });
    return out;
  }

  function paint() {
    const blocks = value?.blocks || [], block = blocks[far] || blocks[0];
    which.hidden = blocks.length < 2;
    choices(which, blocks.map((one, k) => [k, one.title]), blocks.indexOf(block), (k) => (far = k));
    ways.hidden = !block?.counts.length;
    choices(ways, WAYS, way, (name) => (way = name));
    sheet.replaceChildren();
    if (!block) {
      words.textContent = value?.unknown || "The matrix appears with the first map.";
      return;
    }
    if (block.counts.length) sheet.append(table(block));
    words.textContent = block.problem || [block.means.join(", "), block.words, value.unknown].filter(Boolean).join(" · ");
  }

  return {
    node,
    draw(next) {
      value = next;
      paint();
    },
  };
}
