// @ts-check
// What a parameter's number must fulfil, in words. Nothing here needs a page.
// A field's limits: min, max (with the ends), above, below (without them), whole, optional; see forms.py.

// What a number must fulfil, in words, or "" when it does.
export function complaint(field, text) {
  const number = Number(text);
  if (text.trim() === "" || !Number.isFinite(number)) return field.optional && text.trim() === "" ? "" : "Write a number.";
  if (field.whole && !Number.isInteger(number)) return "Write a whole number.";
  if ("min" in field && number < field.min) return `At least ${field.min}.`;
  if ("max" in field && number > field.max) return `At most ${field.max}.`;
  if ("above" in field && number <= field.above) return `More than ${field.above}.`;
  if ("below" in field && number >= field.below) return `Less than ${field.below}.`;
  return "";
}
export function reach(field) {
  const low = field.min ?? field.above, high = field.max ?? field.below;
  if (low === undefined && high === undefined) return "";
  if (high === undefined) return `${field.min === undefined ? "more than" : "at least"} ${low.toLocaleString("en")}`;
  if (low === undefined) return `${field.max === undefined ? "less than" : "at most"} ${high.toLocaleString("en")}`;
  return `${low.toLocaleString("en")} … ${high.toLocaleString("en")}`;
}
