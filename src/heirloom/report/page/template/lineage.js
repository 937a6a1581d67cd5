// The lineage: a box that is chosen shows its facts, and what it was made from and what was made from it.
const lineage = (part) => {
  const told = dataOf(part.dataset.of);
  const boxes = [...part.querySelectorAll(".box")];
  const show = (box) => {
    const at = Number(box.dataset.at);
    const one = told[at];
    boxes.forEach((other, place) => {
      other.setAttribute("aria-pressed", String(other === box));
      other.classList.toggle("source", one.sources.includes(place));
      other.classList.toggle("heir", told[place].sources.includes(at));
    });
    const pairs = one.pairs.flatMap(([name, value]) => [element("dt", { textContent: name }), element("dd", { textContent: value })]);
    part.querySelector(".manifest").replaceChildren(
      element("h4", { textContent: one.name }),
      element("dl", {}, ...pairs),
      element("pre", { textContent: one.manifest, tabIndex: 0 }),
    );
  };
  roving(part.querySelector(".generations"), boxes);
  boxes.forEach((box) => box.addEventListener("click", () => show(box)));
};
