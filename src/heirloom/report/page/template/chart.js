// A chart of lines by generation: labels at the ends of the lines, bands, onsets, and the values of all lines at the nearest generation.
// Colours are variables of the style sheet, so a change of scheme, or paper, draws nothing anew.
const SVG = "http://www.w3.org/2000/svg";
const FEW_POINTS = 12;
const LABEL_GAP = 15;

const shape = (name, attributes, ...inside) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) if (value != null) made.setAttribute(key, value);
  made.append(...inside);
  return made;
};

const evenTicks = (low, high, count) => {
  const rough = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= rough * 0.75);
  const ticks = [];
  for (let at = Math.ceil(low / step - 1e-9); at * step <= high + 1e-9 * step; at += 1) ticks.push(at * step || 0);
  return ticks;
};

// Ticks of a log axis lie between its ends: the axis is never stretched to a decade.
const logTicks = (low, high, count) => {
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1)
    for (const digit of [1, 2, 5]) ticks.push(digit * 10 ** power);
  const inside = ticks.filter((one) => one >= low && one <= high);
  return inside.length >= 3 ? inside.filter((_, at) => at % Math.ceil(inside.length / (count + 2)) === 0) : evenTicks(low, high, count).filter((one) => one > 0);
};

const scaleOf = (values, log) => {
  let [low, high] = [Math.min(...values), Math.max(...values)];
  const onLog = log && low > 0;
  if (low === high) [low, high] = onLog ? [low / 1.1, high * 1.1] : [low - (Math.abs(low) || 1) * 0.05, high + (Math.abs(high) || 1) * 0.05];
  const across = onLog ? (value) => Math.log(value) : (value) => value;
  const [first, last] = [across(low), across(high)];
  const margin = (last - first) * 0.05;
  const place = (value) => (across(value) - first + margin) / (last - first + 2 * margin);
  return { place, ticks: (count) => (onLog ? logTicks(low, high, count) : evenTicks(low, high, count)), onLog };
};

const seedsOf = (line) => Object.keys(line).filter((key) => /^s\d+$/.test(key));

const numbersOf = (chart, lines) => {
  const all = lines.flatMap((line) => ["v", "l", "h", "t", "c", ...seedsOf(line)].flatMap((key) => line[key] ?? []));
  const band = chart.band ? [...chart.band.l, ...chart.band.h] : [];
  return [...all, ...band].filter(isNumber);
};

// Labels that would lie on one another are moved apart, in their order.
const apart = (labels, top, bottom) => {
  const sorted = [...labels].sort((one, other) => one.y - other.y);
  sorted.forEach((label, at) => (label.at = Math.max(label.y, at ? sorted[at - 1].at + LABEL_GAP : top)));
  let limit = bottom;
  for (const label of sorted.toReversed()) {
    label.at = Math.min(label.at, limit);
    limit = label.at - LABEL_GAP;
  }
  return labels;
};

class LineChart {
  constructor(place, chart) {
    Object.assign(this, { place, chart, shown: new Set() });
    this.tip = element("div", { className: "tip", hidden: true });
    this.tip.setAttribute("aria-live", "polite");
    place.addEventListener("pointermove", (event) => this.point(event));
    place.addEventListener("pointerleave", () => this.hide());
    place.addEventListener("blur", () => this.hide());
    place.addEventListener("keydown", (event) => this.step(event));
    new ResizeObserver(() => place.clientWidth && place.clientWidth !== this.width && this.draw()).observe(place);
  }

  lines() {
    return this.chart.lines.filter((line) => !this.shown.size || this.shown.has(line.arm ?? line.name));
  }

  draw(width = this.place.clientWidth) {
    const { chart, place } = this;
    this.width = width;
    const full = Math.max(260, width || 900);
    const height = Math.round(Math.min(chart.height ?? 330, Math.max(230, full * 0.62)));
    this.narrow = full < 560;
    const longest = Math.max(...chart.lines.map((line) => this.label(line).length));
    const right = Math.min(full * 0.4, longest * 7.5 + 18);
    const box = { left: 58, right: full - right, top: 12, bottom: height - 36 };
    const values = numbersOf(chart, this.lines());
    const y = scaleOf(values.length ? values : [0], chart.log);
    this.box = box;
    this.x = (generation) => box.left + ((box.right - box.left) * generation) / Math.max(1, chart.last);
    this.y = (value) => box.bottom - (box.bottom - box.top) * y.place(value);
    const svg = shape("svg", { viewBox: `0 0 ${full} ${height}`, width: full, height, "aria-hidden": "true" });
    svg.append(...this.axes(y), ...this.band(), ...this.lines().flatMap((line) => this.line(line)), ...this.labels());
    this.rule = shape("line", { class: "rule", y1: box.top, y2: box.bottom, visibility: "hidden" });
    svg.append(this.rule);
    place.replaceChildren(svg, this.tip);
    place.dataset.drawn = chart.name;
  }

  // What stands at the end of a line: its name, and on the first chart its last value, too.
  label(line) {
    return this.narrow ? (line.end ?? line.name).split(" (")[0] : (line.end ?? line.name);
  }

  axes(y) {
    const { box, chart } = this;
    const made = [];
    for (const tick of y.ticks(5)) {
      const at = this.y(tick);
      if (at < box.top - 1 || at > box.bottom + 1) continue;
      made.push(shape("line", { class: tick === 0 && chart.zero ? "zero" : "level", x1: box.left, x2: box.right, y1: at, y2: at }));
      const sign = chart.zero && tick > 0 ? "+" : "";
      made.push(shape("text", { x: box.left - 8, y: at + 4, "text-anchor": "end" }, sign + amount(tick)));
    }
    const count = Math.min(chart.last, box.right - box.left < 300 ? 5 : 10);
    for (const tick of evenTicks(0, chart.last, count).filter(Number.isInteger)) {
      made.push(shape("text", { x: this.x(tick), y: box.bottom + 18, "text-anchor": "middle" }, amount(tick)));
    }
    made.push(shape("text", { class: "axis", x: (box.left + box.right) / 2, y: box.bottom + 33, "text-anchor": "middle" }, "generation"));
    return made;
  }

  area(g, low, high, attributes) {
    const kept = g.map((one, at) => [one, low[at], high[at]]).filter(([, l, h]) => isNumber(l) && isNumber(h));
    if (!kept.length) return [];
    const up = kept.map(([one, , h]) => `${this.x(one)},${this.y(h)}`);
    const down = kept.toReversed().map(([one, l]) => `${this.x(one)},${this.y(l)}`);
    return [shape("polygon", { points: [...up, ...down].join(" "), ...attributes })];
  }

  band() {
    const band = this.chart.band;
    return band ? this.area(band.g, band.l, band.h, { class: "control-band" }) : [];
  }

  path(g, values, attributes) {
    let d = "";
    let broken = true;
    g.forEach((generation, at) => {
      if (isNumber(values[at])) d += `${broken ? "M" : "L"}${this.x(generation).toFixed(1)} ${this.y(values[at]).toFixed(1)}`;
      broken = !isNumber(values[at]);
    });
    return shape("path", { d, fill: "none", ...attributes });
  }

  line(line) {
    const stroke = paint(line.colour);
    const dashes = line.dashes[1] ? line.dashes.join(" ") : null;
    const made = line.l ? this.area(line.g, line.l, line.h, { fill: stroke, opacity: 0.14 }) : [];
    for (const key of seedsOf(line)) made.push(this.path(line.g, line[key], { style: `stroke:${stroke}`, "stroke-width": 1, opacity: 0.5 }));
    if (line.c) made.push(this.path(line.g, line.c, { style: `stroke:${stroke}`, "stroke-width": 1.2, "stroke-dasharray": "6 3" }));
    if (line.t) made.push(this.path(line.g, line.t, { class: "theory" }));
    made.push(this.path(line.g, line.v, { class: "line", style: `stroke:${stroke}`, "stroke-dasharray": dashes }));
    if (this.chart.last <= FEW_POINTS) {
      line.g.forEach((generation, at) => {
        if (isNumber(line.v[at])) made.push(shape("circle", { cx: this.x(generation), cy: this.y(line.v[at]), r: 3, style: `fill:${stroke}` }));
      });
    }
    return [...made, ...this.onset(line, stroke)];
  }

  onset(line, stroke) {
    const generation = this.chart.onset?.[line.name];
    const value = generation == null ? null : line.v[line.g.indexOf(generation)];
    if (!isNumber(value)) return [];
    const [x, y] = [this.x(generation), this.y(value)];
    return [shape("path", { class: "onset", d: `M${x - 7} ${y - 15}L${x + 7} ${y - 15}L${x} ${y - 3}Z`, style: `fill:${stroke}` })];
  }

  labels() {
    const ends = [];
    for (const line of this.lines()) {
      const at = line.v.findLastIndex(isNumber);
      if (at >= 0) ends.push({ line, x: this.x(line.g[at]), y: this.y(line.v[at]) });
    }
    return apart(ends, this.box.top + 4, this.box.bottom).flatMap(({ line, x, y, at }) => [
      shape("path", { d: `M${x + 3} ${y}L${this.box.right + 8} ${at}`, class: "leader" }),
      shape("text", { class: "end", x: this.box.right + 11, y: at + 4, style: `fill:${paint(line.colour)}` }, this.label(line)),
    ]);
  }

  generations() {
    return [...new Set(this.lines().flatMap((line) => line.g))].sort((one, other) => one - other);
  }

  point(event) {
    if (!this.x) return;
    const bounds = this.place.querySelector("svg").getBoundingClientRect();
    const x = ((event.clientX - bounds.left) * Math.max(260, this.width)) / bounds.width;
    const nearest = this.generations().reduce((best, one) => (Math.abs(this.x(one) - x) < Math.abs(this.x(best) - x) ? one : best));
    this.show(nearest);
  }

  step(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (event.key === "Escape") this.hide();
    if (!step || event.target !== this.place) return;
    event.preventDefault();
    const all = this.generations();
    const at = this.at == null ? (step > 0 ? -1 : all.length) : all.indexOf(this.at);
    this.show(all[Math.min(all.length - 1, Math.max(0, at + step))]);
  }

  show(generation) {
    this.at = generation;
    const x = this.x(generation);
    this.rule.setAttribute("x1", x);
    this.rule.setAttribute("x2", x);
    this.rule.setAttribute("visibility", "visible");
    const rows = this.lines().map((line) => ({ line, at: line.g.indexOf(generation) }));
    const told = rows.filter(({ line, at }) => at >= 0 && isNumber(line.v[at])).sort((one, other) => other.line.v[other.at] - one.line.v[one.at]);
    this.tip.replaceChildren(element("b", { textContent: `generation ${generation}` }), ...told.map((one) => this.told(one)));
    this.tip.hidden = false;
    const half = (this.place.clientWidth || this.width) / 2;
    this.tip.style.left = x < half ? `${x + 14}px` : "auto";
    this.tip.style.right = x < half ? "auto" : `${(this.place.clientWidth || this.width) - x + 14}px`;
  }

  told({ line, at }) {
    const swatch = element("i", { className: "swatch" });
    swatch.style.background = paint(line.colour);
    const sign = this.chart.zero && line.v[at] > 0 ? "+" : "";
    const parts = [` ${line.name} `, element("span", { className: "value", textContent: sign + amount(line.v[at]) })];
    if (isNumber(line.l?.[at]) && isNumber(line.h?.[at])) parts.push(` (${amount(line.l[at])} to ${amount(line.h[at])})`);
    if (isNumber(line.t?.[at])) parts.push(`, closed form ${amount(line.t[at])}`);
    if (isNumber(line.c?.[at])) parts.push(`, its control in closed form ${amount(line.c[at])}`);
    if (this.chart.onset?.[line.name] === line.g[at]) parts.push(", onset of collapse");
    return element("div", {}, swatch, ...parts);
  }

  hide() {
    this.at = null;
    this.tip.hidden = true;
    this.rule?.setAttribute("visibility", "hidden");
  }
}
