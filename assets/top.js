// The title line: product, scene, its size, what it runs on. value: {title, facts}
const root = element.querySelector(".hsi-top");
const brand = make("h1", "hsi-brand");
brand.append(make("b", "", "HSI"), " Studio");
const title = make("p", "hsi-scene-title");
const facts = make("p", "hsi-scene-facts");
root.append(brand, title, facts);
function render() {
  const value = readValue();
  title.textContent = value.title || "";
  facts.textContent = value.facts || "";
}
watch("value", render);
render();
