// @ts-check
// Settings of a new run: method, effort, prompts, seed, heights; the labels it would learn from; its forecast; its start.
// What was chosen is kept for this browser tab, project by project.

import { tell } from "../../web/component.js";
import { button, dot, labelled, make } from "../../web/dom.js";
import { makeForm } from "./form.js";
import { notAgain, promptsOf } from "./again.js";
import { complaint } from "./limits.js";
import { makeCode } from "./code.js";

const SEED = { whole: true, min: 0, max: 2 ** 32 - 1 };

/**
 * @param {(event: string, data: object) => void} trigger
 * @param {{project: () => string, base: () => string, ask: (address: string) => Promise<any>}} feed
 */
export function makeNewRun(trigger, feed) {
  let specs = [], setup = null, planWanted = 0, planTimer = 0;
  const store = () => `hsi-train-${feed.project()}`;

  const head = make("div", "tr-head"), said = make("p", "tr-said"), panel = make("div", "tr-panel");
  const toggle = button("tr-toggle", "", "", () => open(panel.hidden));
  const start = button("hsi-small hsi-primary tr-start", "Train on my labels", "", () => {
    const wrong = form.wrong() || (complaint(SEED, seed.value) && `Seed: ${complaint(SEED, seed.value)}`);
    if (wrong) { say(wrong, true); return; }
    start.disabled = true;
    say("", false);
    trigger("start", {
      method: form.method().name, params: JSON.stringify(form.differences()), prompts: prompts.value, seed: Number(seed.value),
    });
  });
  start.id = "hsi-train-start";
  head.append(toggle, start);
  said.setAttribute("role", "alert");
  panel.id = "hsi-train-settings";
  toggle.setAttribute("aria-controls", panel.id);
  function open(yes) {
    panel.hidden = !yes;
    toggle.setAttribute("aria-expanded", String(yes));
  }
  function say(text, bad) {
    said.textContent = text;
    said.classList.toggle("tr-wrong", bad);
  }

  const method = make("select", "tr-method"), prompts = make("select"), seed = make("input"), heights = make("input");
  method.id = "hsi-method";
  Object.assign(seed, { type: "number", min: 0, step: 1, value: 0 });
  heights.type = "checkbox";
  const aboutMethod = make("p", "hsi-hint"), promptsBox = labelled("Prompts", prompts, "tr-labelled"), promptWords = make("p", "hsi-hint");
  const heightsBox = make("label", "tr-switch"), heightsWords = make("span", "");
  heightsBox.append(heights, heightsWords);
  const choices = make("div", "tr-row tr-choices");
  choices.append(promptsBox, labelled("Seed", seed, "tr-labelled tr-seed"), heightsBox);
  const form = makeForm(changed);
  const labels = make("div", "tr-labels"), device = make("p", "tr-device"), forecast = make("p", "tr-forecast");
  forecast.setAttribute("aria-live", "polite");
  const drawLabels = button("hsi-small tr-draw", "Draw labels from the reference …", "", () => tell("hsi:draw-labels"));
  const code = makeCode();
  panel.append(
    labelled("Method", method, "tr-labelled"), aboutMethod, form.dial, choices, promptWords, labels, device, forecast, form.advanced,
    code.node,
  );
  method.addEventListener("change", () => useMethod(method.value));
  for (const input of [prompts, seed]) input.addEventListener("change", changed);
  heights.addEventListener("change", () => form.set("use_dsm", heights.checked));

  function changed() {
    summarise();
    keep();
    plan();
  }
  /** @param {string} name @param {object} [values]  of a run; without them as the form was left */
  function useMethod(name, values) {
    const spec = specs.find((s) => s.name === name) || specs[0];
    method.value = spec.name;
    aboutMethod.textContent = spec.about;
    promptsBox.hidden = promptWords.hidden = !spec.needs.includes("text");
    form.use(spec, values);
  }
  function summarise() {
    const spec = form.method(), count = form.changedFromBase();
    heightsBox.hidden = !form.has("use_dsm");
    heights.disabled = !setup?.heights;
    heights.checked = Boolean(form.value("use_dsm")) && Boolean(setup?.heights);
    heightsWords.textContent = setup && !setup.heights ? "Surface model (DSM): this scene has none" : "Use the surface model (DSM)";
    promptWords.textContent = promptsBox.hidden ? "" : setup?.prompts.find((p) => p.name === prompts.value)?.words || "";
    toggle.replaceChildren(
      make("span", "tr-caret"), make("b", "", "New run"),
      make("span", "", [spec.title, form.effort(), count ? `${count} changed` : ""].filter(Boolean).join(" · ")),
    );
  }
  function keep() {
    if (feed.project()) sessionStorage.setItem(store(), JSON.stringify([form.method().name, prompts.value, seed.value, form.saved()]));
  }
  // Returns what of the run the form cannot have again, in a sentence; "" when it has all.
  function useSettings(run) {
    if (!specs.some((s) => s.name === run.method)) return `The method ${run.method} is not installed here.`;
    seed.value = run.seed;
    const words = promptsOf(run);
    if (setup.prompts.some((p) => p.name === words)) prompts.value = words;
    useMethod(run.method, run.changed);
    return notAgain(run, setup.prompts, !promptsBox.hidden);
  }

  // Forecast and command line of the settings as they are, a moment after the last change.
  function plan() {
    clearTimeout(planTimer);
    planTimer = setTimeout(async () => {
      const mine = ++planWanted, query = new URLSearchParams({
        method: form.method().name, params: JSON.stringify(form.differences()), prompts: prompts.value || "p5", seed: seed.value || "0",
      });
      const got = await feed.ask(`${feed.base()}/plan?${query}`);
      if (!got || mine !== planWanted) return;
      forecast.textContent = got.words;
      forecast.classList.toggle("tr-wrong", got.bad);
      code.show(got.cli, got.python);
    }, 350);
  }

  return {
    nodes: [head, said, panel], open, say, useSettings,
    /** @param {any[]} list  the methods' forms */
    setMethods(list) {
      specs = list;
      method.replaceChildren(...specs.map((s) => new Option(s.title, s.name)));
    },
    hasMethods: () => specs.length > 0,
    /** Whether a method's form is shown already. */
    isReady: () => Boolean(form.method()),
    /** As it was left in this browser tab, else as the newest run, else the first method. */
    remember(latest) {
      try {
        const [name, style, number, saved] = JSON.parse(sessionStorage.getItem(store()));
        form.restore(saved, specs);
        seed.value = number;
        if (setup.prompts.some((p) => p.name === style)) prompts.value = style;
        useMethod(name);
      } catch { // nothing kept, or by an older version
        if (latest) useSettings(latest);
        else useMethod(specs[0].name);
      }
    },
    /** Another project: the form stays, what the scene says of it comes. */
    leave() {
      setup = null;
      if (form.method()) useMethod(form.method().name);
    },
    /** What the project has to train on, as `routes.py` says it. */
    draw(next) {
      setup = next;
      const chosen = prompts.value || "p5";
      prompts.replaceChildren(...setup.prompts.map((p) => new Option(p.title, p.name)));
      if (setup.prompts.some((p) => p.name === chosen)) prompts.value = chosen;
      labels.replaceChildren(make("h4", "", setup.labels.title));
      const list = make("ul", "tr-counts");
      for (const info of setup.labels.classes) {
        const item = make("li");
        item.append(dot(info.color, "span", "tr-dot"), make("span", "", info.name), make("b", "", String(info.count)));
        list.append(item);
      }
      labels.append(list);
      for (const text of setup.labels.words) labels.append(make("p", "hsi-hint", text));
      if (setup.draw) labels.append(drawLabels);
      device.textContent = setup.device;
    },
    refresh() { summarise(); plan(); },
    /** @param {boolean} busy  whether something trains or waits */
    queue(busy) { start.textContent = busy ? "Add to the queue" : "Train on my labels"; },
    answered() { start.disabled = false; },
    focus() { start.focus(); },
  };
}
