// @ts-check
// The labels as the server knows them, and the clicks it has not confirmed yet. Nothing here needs a page.
//
// A click is shown at once as *pending* (hollow), before the server knows of it. Each answer of the server is a
// whole label set with the journal's sequence number: an older set never replaces a newer one, and a pending
// click ends when a set agrees with it, when the server refuses it, or when nothing came back in time.

const PENDING_MS = 8000, ASK_AGAIN_MS = 2500;
const key = (row, col) => `${row},${col}`;

/**
 * @typedef {object} Wish
 * @property {number} row
 * @property {number} col
 * @property {string | null} id  class id, null = the label goes
 * @property {number} n  the click's number
 * @property {number} seq  of the label set it was made on
 * @property {number} since  when, in milliseconds
 */

/** @param {() => void} changed  called after every change */
export function labelSet(changed) {
  let classes = [], seq = -1, counts = [];
  /** @type {Map<string, [number, number, number]>} */
  let points = new Map(); // "row,col" → [row, col, index of the class]
  /** @type {Map<string, Wish>} */
  const pending = new Map();

  /** The class of a pixel, with what was clicked on it since; null = none. */
  function classIdAt(row, col, withPending = true) {
    const waiting = withPending && pending.get(key(row, col));
    if (waiting) return waiting.id;
    const point = points.get(key(row, col));
    return point ? classes[point[2]]?.id ?? null : null;
  }

  function settle() {
    for (const [place, wish] of pending) {
      if (classIdAt(wish.row, wish.col, false) === wish.id && seq > wish.seq) pending.delete(place);
    }
    counts = classes.map(() => 0);
    for (const point of points.values()) counts[point[2]]++;
    changed();
  }

  return {
    classIdAt,
    /** @param {{id: string, color: string}[]} next */
    setClasses(next) { classes = next; settle(); },
    /** A set of the server; false when it is older than what is shown. @param {{seq: number, points: [number, number, number][]}} labels */
    setLabels(labels) {
      if (labels.seq < seq) return false;
      seq = labels.seq;
      points = new Map(labels.points.map((p) => [key(p[0], p[1]), p]));
      settle();
      return true;
    },
    /** A click: the server gives the pixel the class, or takes it away when it has this class. */
    wish(row, col, id, n, now) {
      pending.set(key(row, col), { row, col, id: classIdAt(row, col) === id ? null : id, n, seq, since: now });
      changed();
    },
    /** The server said no to click `n`; without a number, to the oldest one. */
    refuse(n) {
      for (const [place, entry] of pending) if (n == null || entry.n === n) { pending.delete(place); break; }
      settle();
    },
    /** Clicks that wait too long: whether to ask the server for its labels, and how many were given up. @param {number} now */
    overdue(now) {
      let ask = false, gone = 0;
      for (const [place, entry] of pending) {
        if (now - entry.since > PENDING_MS) { pending.delete(place); gone++; } else if (now - entry.since > ASK_AGAIN_MS) ask = true;
      }
      if (gone) settle();
      return { ask, gone };
    },
    reset() { seq = -1; points = new Map(); pending.clear(); settle(); },
    classes: () => classes,
    /** What to draw. */
    points: () => points, pending: () => pending, pendingAt: (place) => pending.get(place),
    /** Labels of a class, what was clicked since included. @param {string} id */
    countOf(id) {
      let n = 0;
      for (const [place, point] of points) if (classes[point[2]]?.id === id && !pending.has(place)) n++;
      for (const wish of pending.values()) if (wish.id === id) n++;
      return n;
    },
    seq: () => seq, counts: () => counts, pendingCount: () => pending.size,
    labelled: () => counts.filter((n) => n > 0).length,
  };
}
