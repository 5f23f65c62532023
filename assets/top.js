// The title line: product, scene, its size, what it runs on. value: {title, facts}
const root = element.querySelector(".hsi-top");
const brand = document.createElement("h1");
brand.className = "hsi-brand";
const accent = document.createElement("b");
accent.textContent = "HSI";
brand.append(accent, " Studio");
const title = document.createElement("p");
title.className = "hsi-scene-title";
const facts = document.createElement("p");
facts.className = "hsi-scene-facts";
root.append(brand, title, facts);
function render() {
  const value = readValue();
  title.textContent = value.title || "";
  facts.textContent = value.facts || "";
}
watch("value", render);
render();
