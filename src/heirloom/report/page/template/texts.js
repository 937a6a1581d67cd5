// Texts of one prompt: what a human wrote, and what two arms wrote in the set that the slider chooses.
const spelled = (pieces) =>
  pieces.map((piece) => (typeof piece === "string" ? piece : element("mark", { className: piece[1], textContent: piece[0] })));

const sentences = (list) =>
  list.length ? list.map((pieces) => element("p", { dir: "auto" }, ...spelled(pieces))) : [element("p", { className: "nothing", textContent: "the document ends here" })];

const percent = (share) => `${amount(100 * share, 2)} %`;

// Bars of one statistic of an arm, set by set; the chosen set is filled.
const bars = (values, most, at, words, told) => {
  const [width, height, gap] = [26, 44, 5];
  const svg = shape("svg", { viewBox: `0 0 ${values.length * (width + gap)} ${height + 16}`, class: "bars", role: "img" });
  svg.setAttribute("aria-label", `${words}: ${values.map(told).join(", ")}`);
  values.forEach((value, place) => {
    const size = most ? Math.max(1, (height * value) / most) : 1;
    const x = place * (width + gap);
    svg.append(shape("rect", { x, y: height - size, width, height: size, class: place === at ? "now" : "" }, shape("title", {}, told(value))));
    svg.append(shape("text", { x: x + width / 2, y: height + 13, "text-anchor": "middle", class: place === at ? "now" : "" }, told(value)));
  });
  return element("div", { className: "stat" }, element("span", { textContent: words }), svg);
};

const STATISTICS = [
  ["r", "words in repeated phrases", percent],
  ["i", "invented words", percent],
  ["words", "different words", (value) => amount(value, 3)],
];

class Texts {
  constructor(part) {
    this.part = part;
    this.data = dataOf(part.dataset.of);
    const { prompts, arms, left, right, generations, experiment } = this.data;
    this.controls = Object.fromEntries(["prompt", "left", "right", "set"].map((name) => [name, part.querySelector(`.${name}`)]));
    const start = (one) => (one.prompt || "no prompt").trim().replace(/^… /, "").slice(0, 60);
    options(this.controls.prompt, prompts.map((one, at) => [String(at), `${at + 1}. ${start(one)}…`]), chosen(`p.${experiment}`) ?? "0");
    options(this.controls.left, arms.map((name) => [name, name]), chosen(`l.${experiment}`) ?? left);
    options(this.controls.right, arms.map((name) => [name, name]), chosen(`r.${experiment}`) ?? right);
    Object.assign(this.controls.set, { min: 0, max: generations.length - 1 });
    this.controls.set.value = chosen(`g.${experiment}`) ?? generations.length - 1;
    for (const [name, key] of Object.entries({ prompt: "p", left: "l", right: "r", set: "g" })) {
      this.controls[name].addEventListener("input", (event) => {
        choose(`${key}.${experiment}`, event.target.value);
        this.show();
      });
    }
    this.show();
  }

  side(arm, one, at) {
    const { statistics } = this.data;
    const head = element("h4", { textContent: arm });
    const stats = STATISTICS.map(([key, words, told]) => {
      const most = Math.max(...Object.values(statistics).flatMap((sets) => sets.map((set) => set[key])));
      return bars(statistics[arm].map((set) => set[key]), most, at, words, told);
    });
    const said = element("div", { className: "said" }, ...sentences(one.arms[arm][at]));
    said.dataset.arm = arm;
    return element("div", { className: "side" }, head, said, element("div", { className: "stats" }, ...stats));
  }

  show() {
    const { prompt, left, right, set } = this.controls;
    const one = this.data.prompts[Number(prompt.value)] ?? this.data.prompts[0];
    const at = Number(set.value);
    const writer = this.data.generations[at] - 1;
    this.part.querySelector(".writer").textContent = `written by generation ${writer}`;
    set.setAttribute("aria-valuetext", `written by generation ${writer}`);
    this.part.querySelector(".asked").replaceChildren(one.prompt || "none");
    this.part.querySelector(".human").replaceChildren(...sentences(one.real));
    this.part.querySelector(".sides").replaceChildren(this.side(left.value, one, at), this.side(right.value, one, at));
  }
}
