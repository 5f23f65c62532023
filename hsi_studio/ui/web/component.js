// @ts-check
// What a panel's module starts from: its element, its value, its events to Python, the page's own events.
//
// Gradio runs one constant line for each panel (`ui/web_component.py`): it imports the panel's module and calls its
// `mount`, once. The value travels as one JSON string.

/**
 * What Gradio gives a component's script.
 * @typedef {object} Gradio
 * @property {HTMLElement} element
 * @property {Record<string, any>} props
 * @property {(event: string, data?: object) => void} trigger  an event to Python
 * @property {(prop: string, work: () => void) => void} watch  `work` runs when an event of Gradio's changed the prop
 * @property {string[]} events  those that Python can hear, named in `PANELS` there
 */

/** @type {Record<string, string>} */
const shown = {}; // by id, what plain routes answered last: for panels that are made later (web/steps.js)
globalThis.document?.addEventListener("hsi:show", (event) => Object.assign(shown, /** @type {CustomEvent} */ (event).detail));

/** The value a panel was built with. @param {string} id */
const builtWith = (id) =>
  (/** @type {any} */ (globalThis).gradio_config?.components || []).find((one) => one.props.elem_id === id)?.props.value;

/**
 * A panel: the element `selector` of its template, and how it hears and speaks.
 * @param {Gradio} gradio
 * @param {string} selector
 */
export function panel({ element, props, trigger: send, watch, events }, selector) {
  const root = /** @type {HTMLElement} */ (element.querySelector(selector)), id = element.closest('[id^="hsi-"]')?.id || "";
  if (shown[id] !== undefined) props.value = shown[id];

  /** An event to Python. Fails for one that Python cannot hear. @param {string} event @param {object} [data] */
  function trigger(event, data = {}) {
    if (!events.includes(event)) throw new Error(`${event} is no event of ${selector}: name it in PANELS`);
    send(event, data);
  }

  /** The value as it is now; {} when there is none. @returns {Record<string, any>} */
  const readValue = () => (props.value ? JSON.parse(props.value) : {});

  /** An event `act` to Python. @param {string} what @param {object} [more] */
  const act = (what, more = {}) => trigger("act", { do: what, ...more });

  /**
   * Hear an event of the page, as long as this panel stands in it.
   * @template {keyof PageEvents} Name
   * @param {Name} name
   * @param {(detail: PageEvents[Name]) => void} work
   */
  function onPage(name, work) {
    /** @param {any} event */
    const heard = (event) => {
      if (root.isConnected) work(event.detail);
      else document.removeEventListener(name, heard);
    };
    document.addEventListener(name, heard);
  }

  /**
   * Run at every new value: from a Gradio event, or by a plain route (`ui/viewer/label_routes.py`), whose values come by
   * the components' ids. Gradio tells nobody of a value that the page itself has set.
   * @param {() => void} work
   */
  function onValue(work) {
    let first = shown[id] !== undefined;
    watch("value", () => {
      // Gradio may hand a panel that is built late what it was built with after its script ran: that is no news
      if (first && (!props.value || props.value === builtWith(id))) props.value = shown[id];
      first = false;
      work();
    });
    onPage("hsi:show", (texts) => {
      const text = texts[id];
      if (text === undefined || text === props.value) return;
      props.value = text;
      work();
    });
  }

  /**
   * A moment after the panel comes to sight, what it must ask Python then: where something has changed since it did last.
   * Not at once: opening a step only shows it.
   * @param {() => void} work
   */
  function whenSeen(work) {
    let news = true, timer = 0;
    const soon = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        if (!news || root.offsetParent === null) return;
        news = false;
        work();
      }, 300);
    };
    new ResizeObserver(soon).observe(root);
    onPage("hsi:seen", () => { news = true; soon(); });
  }

  return { root, element, props, trigger, act, readValue, onValue, onPage, whenSeen };
}

/**
 * Send an event of the page.
 * @template {keyof PageEvents} Name
 * @param {Name} name
 * @param {PageEvents[Name]} [detail]
 */
export function tell(name, detail) {
  document.dispatchEvent(new CustomEvent(name, { detail }));
}
