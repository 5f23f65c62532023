// @ts-check
// Which class a question is probably about. Nothing here needs a page.

const words = (text) => text.toLowerCase().split(/[^a-z]+/);

/**
 * The id of the class whose name shares most words with the question (a plural's "s" left away); "" when none does:
 * then it is for people to choose.
 * @param {string} text
 * @param {{id: string, name: string}[]} classes
 */
export function guessClass(text, classes) {
  const asked = new Set(words(text).filter((word) => word.length > 2));
  const score = ({ name }) => words(name).filter((word) => asked.has(word) || asked.has(word.replace(/s$/, ""))).length;
  const best = [...classes].sort((a, b) => score(b) - score(a))[0];
  return best && score(best) > 0 ? best.id : "";
}
