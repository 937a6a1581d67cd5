// What all parts of the page share: elements, numbers in words, and the reader's choices, which stand in the address.
const dataOf = (id) => JSON.parse(document.getElementById(id).textContent);

const element = (name, properties = {}, ...inside) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...inside);
  return made;
};

const options = (select, names, chosen) => {
  select.replaceChildren(...names.map(([value, words]) => element("option", { value, textContent: words, selected: value === chosen })));
};

const amount = (value, digits = 4) =>
  value !== 0 && (Math.abs(value) < 1e-4 || Math.abs(value) >= 1e9)
    ? value.toExponential(2).replace(/-/g, "−")
    : value.toLocaleString("en", { maximumSignificantDigits: digits }).replace("-", "−");

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

// A colour of a figure's file → the colour of the page, which differs between a light and a dark scheme.
const paint = (colour) => `var(--x-${colour.slice(1).toLowerCase()}, ${colour})`;

const choices = () => new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
const chosen = (name) => choices().get(name);
const choose = (name, value) => {
  const all = choices();
  if (value === null) all.delete(name);
  else all.set(name, value);
  history.replaceState(null, "", `#${all}`);
};

// One of several buttons can be reached by the Tab key; arrows go on from it.
const roving = (group, buttons) => {
  buttons.forEach((one, at) => (one.tabIndex = at ? -1 : 0));
  group.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const at = buttons.indexOf(document.activeElement);
    if (!step || at < 0) return;
    event.preventDefault();
    const next = buttons[(at + step + buttons.length) % buttons.length];
    buttons.forEach((one) => (one.tabIndex = one === next ? 0 : -1));
    next.focus();
  });
};
