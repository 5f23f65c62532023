// @ts-check
// Numbers, durations and times as text, in one spelling for the whole page. Nothing here needs a page.

/** "1 label", "3 labels". @param {number} n @param {string} noun @param {string} [many] */
export const counted = (n, noun, many = `${noun}s`) => `${n} ${n === 1 ? noun : many}`;

/** A fraction in percent, without decimals. @param {number} fraction */
export const percent = (fraction) => `${Math.round(100 * fraction)} %`;

/** One decimal, with a real minus. @param {number} v */
export const decimal = (v) => v.toFixed(1).replace("-", "−");

/** An end of an interval: as `decimal`; one beside nought keeps its side, "−0.04". @param {number} v */
export function end(v) {
  const text = v.toFixed(Math.abs(v) >= 0.05 ? 1 : 2);
  return Number(text) === 0 ? "0.0" : text.replace("-", "−");
}

/** One decimal with its sign; nought has none. @param {number} v */
export function signed(v) {
  const text = Math.abs(v).toFixed(1);
  return text === "0.0" ? text : `${v > 0 ? "+" : "−"}${text}`;
}

/** "40 s", "12 min", "2.5 h". @param {number} seconds */
export function duration(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** "about 40 s left"; "" when it is not known. @param {number | null | undefined} seconds */
export const remaining = (seconds) => (seconds == null ? "" : `about ${duration(seconds)} left`);

/** The hour of a day that is today, else day and hour. @param {string} iso @param {Date} [now] */
export function when(iso, now = new Date()) {
  const date = new Date(iso);
  const time = date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  if (date.toDateString() === now.toDateString()) return time;
  return `${date.toLocaleDateString("en-GB", { day: "numeric", month: "short" })}, ${time}`;
}

/** The hour of a day that is today, else the day, with the year when it is another. @param {number} seconds @param {Date} [now] */
export function day(seconds, now = new Date()) {
  const date = new Date(seconds * 1000);
  if (date.toDateString() === now.toDateString()) {
    return date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
  }
  const year = date.getFullYear() === now.getFullYear() ? undefined : "2-digit";
  return date.toLocaleDateString([], { day: "numeric", month: "short", year });
}

/** The largest 1, 2 or 5 × 10ⁿ that is at most `most`, for a scale bar. @param {number} most */
export function niceLength(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  return [5, 2, 1].map((m) => m * power).find((v) => v <= most);
}

/** "5 km", "20 m", "50 cm". @param {number} metres */
export function lengthText(metres) {
  if (metres >= 1000) return `${metres / 1000} km`;
  return metres >= 1 ? `${metres} m` : `${Math.round(metres * 100)} cm`;
}

/** For plotly, which reads tags in its texts. @param {string} text */
export const escapeTags = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

/** Whether two values are the same as JSON. @param {any} a @param {any} b */
export const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/** A deep copy of what JSON can hold. @template T @param {T} value @returns {T} */
export const copyOf = (value) => JSON.parse(JSON.stringify(value));

/** An area of a map: hectares, m² of little ones, or pixels where a pixel has no size. @param {number} pixels @param {number | null} [gsd_m] */
export function areaText(pixels, gsd_m) {
  if (!pixels) return "–";
  if (!gsd_m) return `${pixels.toLocaleString("en")} px`;
  const area = pixels * gsd_m * gsd_m;
  if (area < 1e3) return `${area.toFixed(area >= 10 ? 0 : 2)} m²`;
  return `${(area / 1e4).toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 })} ha`;
}
