// The page from top to bottom, in the order in which a reader meets it; text enters as text only.
const embed = (place, spec) => {
  const inside = element("div");
  place.replaceChildren(inside);
  spec.background = "transparent";
  return vegaEmbed(inside, spec, { actions: false, renderer: "svg" });
};

const figure = async (place) => {
  await embed(place, dataOf(place.dataset.of));
  place.dataset.drawn = "figure";
};

const begun = new Map();
const drawWithin = (part) => {
  const draw = async () => {
    for (const place of part.querySelectorAll(".figure")) if (place.closest("details") === part) await figure(place);
  };
  if (!begun.has(part)) begun.set(part, draw());
  return begun.get(part);
};

const drawFigures = async () => {
  for (const part of document.querySelectorAll(".figures")) {
    part.addEventListener("toggle", () => part.open && drawWithin(part));
    if (part.open) await drawWithin(part);
  }
};

// A link into what is closed opens it.
const reveal = () => {
  const target = location.hash.length > 1 && !location.hash.includes("=") && document.getElementById(location.hash.slice(1));
  if (!target) return;
  target.querySelectorAll(":scope > details.detail").forEach((part) => (part.open = true));
  for (let part = target.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
  target.scrollIntoView();
};

// Print: what is closed is opened, and line charts get the width of the paper; only the button can wait until all is drawn.
const PAPER = 688;
const [PHONE, FIRST] = [640, 2];
const openAll = () => {
  document.querySelectorAll("main details:not(.vega-embed *)").forEach((part) => (part.open = true));
  charts.forEach((chart) => chart.draw(PAPER));
};

document.querySelectorAll(".hero .chart").forEach(opening);
document.querySelectorAll(".texts").forEach((part) => new Texts(part));
document.querySelectorAll(".explorer").forEach((part) => explorers.push(new Explorer(part)));
explorers.forEach((explorer) => explorer.draw());
document.querySelectorAll(".comparison").forEach(comparison);
document.querySelectorAll(".lineage").forEach(lineage);
document.querySelectorAll("#answer > .claims").forEach((list) => roving(list, [...list.querySelectorAll("summary")]));
if (window.innerWidth < PHONE) document.querySelectorAll("#curves .experiment").forEach((part, at) => (part.open = at < FIRST));
window.addEventListener("beforeprint", openAll);
window.addEventListener("afterprint", () => charts.forEach((chart) => chart.draw()));
window.addEventListener("hashchange", () => (location.hash.includes("=") ? follow() : reveal()));
document.getElementById("print").addEventListener("click", async () => {
  openAll();
  for (const part of document.querySelectorAll(".figures")) await drawWithin(part);
  window.print();
});
await drawFigures();
if (location.hash) location.hash.includes("=") ? follow() : reveal();
document.body.dataset.drawn = "all";
