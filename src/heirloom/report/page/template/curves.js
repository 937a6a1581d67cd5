// The first chart, and an explorer per experiment: every measure by generation.
const charts = [];

const opening = (place) => {
  const chart = new LineChart(place, { ...dataOf(place.dataset.of), zero: true, height: 400 });
  charts.push(chart);
  chart.draw();
};

const measureMenu = (select, measures, start) => {
  const groups = Map.groupBy(measures, (one) => one.group);
  const parts = [...groups].map(([label, members]) =>
    element(
      "optgroup",
      { label },
      ...members.map((one) =>
        element("option", { value: one.name, textContent: one.words, title: `${one.name}. ${one.definition}`, selected: one.name === start }),
      ),
    ),
  );
  select.replaceChildren(...parts);
};

const definition = (measure) => {
  const unit = measure.unit ? `, in ${measure.unit}` : "";
  const direction = measure.direction ? ` It ${measure.direction}.` : "";
  return [element("b", { textContent: measure.words }), ` (${measure.name}${unit}). ${measure.definition}${direction}`];
};

class Explorer {
  constructor(part) {
    this.part = part;
    this.data = dataOf(part.dataset.of);
    this.name = this.data.experiment;
    this.select = part.querySelector(".measure");
    this.chart = new LineChart(part.querySelector(".chart"), { lines: [] });
    charts.push(this.chart);
    measureMenu(this.select, this.data.measures, this.data.start);
    this.buttons();
    this.restore();
    this.select.addEventListener("change", () => this.changed("m", this.select.value));
    part.querySelector("fieldset").addEventListener("change", () => this.changed("s", this.log() ? "log" : null));
  }

  log() {
    return this.part.querySelector("input[value=log]").checked;
  }

  changed(key, value) {
    choose(`${key}.${this.name}`, value);
    this.draw();
  }

  buttons() {
    const bar = this.part.querySelector(".arms");
    const buttons = this.data.arms.map((arm) => {
      const swatch = element("i", { className: "swatch" });
      swatch.style.background = paint(arm.colour);
      const button = element("button", { type: "button", title: `Show ${arm.name} alone, or beside others that are chosen` }, swatch, ` ${arm.name}`);
      button.dataset.arm = arm.name;
      button.addEventListener("click", () => this.toggle(arm.name));
      return button;
    });
    bar.replaceChildren(...buttons);
    roving(bar, buttons);
  }

  toggle(name) {
    const shown = this.chart.shown;
    if (!shown.delete(name)) shown.add(name);
    if (shown.size === this.data.arms.length) shown.clear();
    this.changed("a", shown.size ? [...shown].join(" ") : null);
  }

  restore() {
    const measure = chosen(`m.${this.name}`);
    const known = this.data.measures.some((one) => one.name === measure);
    this.select.value = known ? measure : this.data.start;
    this.part.querySelector(`input[value=${chosen(`s.${this.name}`) === "log" ? "log" : "linear"}]`).checked = true;
    const names = (chosen(`a.${this.name}`) ?? "").split(" ");
    this.chart.shown = new Set(this.data.arms.map((arm) => arm.name).filter((name) => names.includes(name)));
    return known;
  }

  // Returns the lines of a measure: the arms of this run, and those of a run that is compared with it.
  lines(measure) {
    const looks = new Map(this.data.arms.map((arm) => [arm.name, arm]));
    const own = Object.entries(measure.arms).map(([name, curve]) => ({ ...looks.get(name), ...curve }));
    return [...own, ...otherLines(this.name, measure, looks)];
  }

  draw(width) {
    const measure = this.data.measures.find((one) => one.name === this.select.value);
    const { onset, band } = measure;
    Object.assign(this.chart.chart, { name: measure.name, last: this.data.last, lines: this.lines(measure), band, onset: onset?.arms, log: this.log() });
    for (const button of this.part.querySelectorAll(".arms button")) {
      button.setAttribute("aria-pressed", String(!this.chart.shown.size || this.chart.shown.has(button.dataset.arm)));
    }
    this.part.querySelector(".definition").replaceChildren(...definition(measure));
    const log = this.log() && !numbersOf(this.chart.chart, this.chart.lines()).every((one) => one > 0) ? "a log axis needs numbers above 0" : "";
    this.part.querySelector(".about").textContent = [measure.about, band?.about, onset?.about, log].filter(Boolean).join("; ");
    this.chart.draw(width);
  }
}

const explorers = [];

// A link to a curve has its experiment and measure in the address.
const follow = () => {
  for (const explorer of explorers) {
    explorer.restore();
    explorer.draw();
  }
  const names = [...choices().keys()].filter((key) => key.startsWith("m."));
  const target = names.length === 1 && explorers.find((one) => `m.${one.name}` === names[0]);
  if (!target) return;
  target.part.closest("details").open = true;
  target.part.closest("details").scrollIntoView();
};
