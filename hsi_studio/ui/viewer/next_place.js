// @ts-check
// "Where next?": the crosshair goes where the map wavers most between two classes, and it is said which. Every further
// question shows another place; those that were passed over stay so until the page is loaded again or another project opens.

const MOST = 300;  // places that are remembered
const SLOW_MS = 400;  // from then on it is said that it takes a while

/**
 * @param {object} page
 * @param {() => string} page.project
 * @param {(shown: Array<[number, number]>) => Promise<{row: number, col: number, between: string[]}>} page.ask
 * @param {(row: number, col: number) => void} page.go
 * @param {() => boolean} page.blind  somebody labels random pixels
 * @param {(text: string, kind?: string) => void} page.say
 */
export function makeNextPlace({project, ask, go, blind, say}) {
  let of = '', asking = false;
  /** @type {Array<[number, number]>} */
  let shown = [];
  return async () => {
    if (asking || !project()) return;
    if (blind()) { say('Random pixels are labelled as they come: where the map wavers is shown afterwards.', 'hint'); return; }
    if (project() !== of) { of = project(); shown = []; }
    asking = true;
    const slow = setTimeout(() => say('Looking for where the map wavers …', 'hint'), SLOW_MS);
    try {
      const mine = of, {row, col, between} = await ask(shown);
      if (mine !== project()) return;
      clearTimeout(slow);
      shown = [...shown.slice(1 - MOST), /** @type {[number, number]} */ ([row, col])];
      go(row, col);
      say(`The map of your labels wavers here between ${between[0]} and ${between[1]}. Label it if you know what it is; “Where next?” shows another place.`, 'hint');
    } catch (error) {
      clearTimeout(slow);
      say(error instanceof TypeError ? 'The server did not answer: check that it runs.' : error.message);
    } finally { asking = false; }
  };
}
