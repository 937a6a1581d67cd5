// The page's own script: charts are drawn one after another, in the order in which a reader meets them; text enters as text only.
const dataOf = (id) => JSON.parse(document.getElementById(id).textContent);
const element = (name, properties = {}, ...inside) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...inside);
  return made;
};
const options = (select, names, chosen) => {
  select.replaceChildren(...names.map(([value, words]) => element("option", { value, textContent: words, selected: value === chosen })));
};
const NARROW = 500;
const embed = (place, spec) => {
  const inside = element("div");
  place.replaceChildren(inside);
  spec.background = "transparent";
  return vegaEmbed(inside, spec, { actions: false, renderer: "svg" });
};

// Curves

const rowsOf = (measure) => {
  const rows = [];
  for (const [regime, curve] of Object.entries(measure.arms)) {
    curve.g.forEach((generation, at) => {
      const row = { regime, generation, value: curve.v[at] };
      if (curve.l) Object.assign(row, { low: curve.l[at], high: curve.h[at] });
      if (curve.t) row.theory = curve.t[at];
      if (curve.c) row.control = curve.c[at];
      if (measure.onset?.arms[regime] === generation) row.onset = curve.v[at];
      rows.push(row);
    });
  }
  const band = measure.band;
  if (band) band.g.forEach((generation, at) => rows.push({ generation, control_low: band.l[at], control_high: band.h[at] }));
  return rows;
};

const scaled = (spec, rows, kind) => {
  const numbers = rows.flatMap((row) => [row.value, row.low, row.high, row.theory, row.control]).filter((one) => one != null);
  const type = kind === "log" ? (numbers.every((one) => one > 0) ? "log" : "symlog") : "linear";
  for (const layer of spec.layer) layer.encoding.y.scale = { type, zero: false };
};

const explorer = async (part) => {
  const { data, spec } = dataOf(part.dataset.of);
  const select = part.querySelector(".measure");
  const place = part.querySelector(".chart");
  options(select, data.measures.map((one) => [one.name, one.label]), data.measures[0].name);
  const draw = async () => {
    const measure = data.measures.find((one) => one.name === select.value);
    const rows = rowsOf(measure);
    const own = structuredClone(spec);
    own.layer = own.layer.filter((layer) => rows.some((row) => row[layer.encoding.y.field] != null));
    scaled(own, rows, part.querySelector("input:checked").value);
    for (const layer of own.layer) layer.encoding.y.title = measure.name;
    own.datasets = { rows };
    own.config.legend.columns = place.clientWidth < NARROW ? 2 : 4;
    part.querySelector(".about").textContent = [measure.about, measure.band?.about, measure.onset?.about].filter(Boolean).join("; ");
    await embed(place, own);
    place.dataset.drawn = measure.name;
  };
  part.querySelector(".controls").addEventListener("change", draw);
  await draw();
};

const figure = async (place) => {
  await embed(place, dataOf(place.dataset.of));
  place.dataset.drawn = "figure";
};

const begun = new Map();
const drawWithin = (experiment) => {
  const draw = async () => {
    for (const part of experiment.querySelectorAll(".explorer")) await explorer(part);
    for (const place of experiment.querySelectorAll(".figure")) await figure(place);
  };
  if (!begun.has(experiment)) begun.set(experiment, draw());
  return begun.get(experiment);
};

const drawAll = async () => {
  for (const experiment of document.querySelectorAll(".experiment")) {
    experiment.addEventListener("toggle", () => experiment.open && drawWithin(experiment));
    if (experiment.open) await drawWithin(experiment);
  }
  document.body.dataset.drawn = "all";
};

// Text

const spelled = (pieces) =>
  pieces.map((piece) => (typeof piece === "string" ? piece : element("mark", { className: piece[1], textContent: piece[0] })));

const said = (arm, pieces) => {
  const made = element("p", { dir: "auto" }, ...spelled(pieces));
  made.dataset.arm = arm;
  return made;
};

const texts = (part) => {
  const data = dataOf(part.dataset.of);
  const [prompt, left, right] = ["prompt", "left", "right"].map((name) => part.querySelector(`.${name}`));
  options(prompt, data.prompts.map((one, at) => [String(at), `${one.row}: ${(one.prompt || "no prompt").trim().slice(0, 48)}…`]), "0");
  const arms = data.arms.map((name) => [name, name]);
  options(left, arms, arms[0][0]);
  options(right, arms, arms[arms.length - 1][0]);
  const show = () => {
    const one = data.prompts[Number(prompt.value)];
    part.querySelector(".said").replaceChildren(one.prompt || "none");
    part.querySelector(".human").replaceChildren(...(one.real.length ? spelled(one.real) : ["the document ends here"]));
    const cells = ["set", left.value, right.value].map((words) => element("b", { className: "head", textContent: words }));
    data.generations.forEach((generation, at) => {
      cells.push(element("b", { textContent: String(generation) }));
      for (const side of [left, right]) cells.push(said(side.value, one.arms[side.value][at]));
    });
    part.querySelector(".sides").replaceChildren(...cells);
  };
  part.querySelector(".controls").addEventListener("change", show);
  show();
};

// Lineage

const lineage = (part) => {
  const told = dataOf(part.dataset.of);
  const show = (box) => {
    const one = told[Number(box.dataset.at)];
    part.querySelectorAll(".chosen").forEach((other) => other.classList.remove("chosen"));
    box.classList.add("chosen");
    part.querySelectorAll(".edge").forEach((edge) => edge.classList.toggle("lit", [edge.dataset.from, edge.dataset.to].includes(box.dataset.at)));
    const pairs = one.pairs.flatMap(([name, value]) => [element("dt", { textContent: name }), element("dd", { textContent: value })]);
    part.querySelector(".manifest").replaceChildren(
      element("h4", { textContent: one.name }),
      element("dl", {}, ...pairs),
      element("pre", { textContent: one.manifest, tabIndex: 0 }),
    );
  };
  part.querySelector(".graph").addEventListener("click", (event) => {
    const box = event.target.closest(".box");
    if (box) show(box);
  });
  part.querySelector(".graph").addEventListener("keydown", (event) => {
    const box = event.target.closest(".box");
    if (!box || (event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    show(box);
  });
};

document.querySelectorAll(".texts").forEach(texts);
document.querySelectorAll(".lineage").forEach(lineage);

// Print: what is closed is opened; only the button can wait until its charts are drawn.
const openAll = () => document.querySelectorAll("main details:not(.vega-embed *)").forEach((part) => (part.open = true));
window.addEventListener("beforeprint", openAll);
document.getElementById("print").addEventListener("click", async () => {
  openAll();
  for (const experiment of document.querySelectorAll(".experiment")) await drawWithin(experiment);
  window.print();
});
await drawAll();
