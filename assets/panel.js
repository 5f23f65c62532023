// Stands before every panel's script: the value as an object and its changes, an element with a class and (safe) text, plotly.js.

const readValue = () => (props.value ? JSON.parse(props.value) : {});
// `work` runs at every new value: from a Gradio event, or by a plain route (hsi_studio/ui/viewer/label_routes.py), whose values come
// as `hsi:show` by the elements' ids. Gradio tells nobody of a value that the page itself has set.
const onValue = (work) => {
  watch("value", work);
  document.addEventListener("hsi:show", (event) => {
    const id = element.closest('[id^="hsi-"]')?.id, text = element.isConnected ? event.detail[id] : undefined;
    if (text === undefined || text === props.value) return;
    props.value = text;
    work();
  });
};
const make = (tag, cls, text) => {
  const node = document.createElement(tag);
  if (cls) node.className = cls;
  if (text !== undefined) node.textContent = text;
  return node;
};

// plotly.js, loaded once a page from the installed plotly package, when something is first drawn with it.
const plotly = () => {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  window.__hsiPlotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = "/hsi/plotly.min.js";
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => reject(new Error("plotly.js could not be loaded"));
    document.head.append(script);
  });
  return window.__hsiPlotly;
};
