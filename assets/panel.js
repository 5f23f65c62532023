// Stands before every panel's script: the value as an object, and an element with a class and (safe) text.

const readValue = () => (props.value ? JSON.parse(props.value) : {});
const make = (tag, cls, text) => {
  const node = document.createElement(tag);
  if (cls) node.className = cls;
  if (text !== undefined) node.textContent = text;
  return node;
};
