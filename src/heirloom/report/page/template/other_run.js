// Another run beside this one: what `heirloom report --against` has put in, or the file of another page, whose lines are dashed.
let other = null;
const OTHER_DASHES = [4, 3];
const MOST_SETTINGS = 12;

const measuresOf = (run, experiment) => run?.experiments[experiment]?.measures ?? [];

// Returns the other run's lines of a measure, without those that are equal to this run's.
const otherLines = (experiment, own, looks) => {
  const measure = measuresOf(other, experiment).find((one) => one.name === own.name);
  if (!measure) return [];
  const isEqual = ([name, { v }]) => own.arms[name] && String(own.arms[name].v) === String(v);
  const differing = Object.entries(measure.arms).filter((arm) => !isEqual(arm));
  return differing.map(([name, { g, v }]) => {
    const look = looks.get(name) ?? other.experiments[experiment].arms.find((arm) => arm.name === name);
    return { name: `${name} · other`, arm: name, colour: look?.colour ?? "#666666", dashes: OTHER_DASHES, g, v };
  });
};

// The settings that differ, this run's last; nothing where the other's config is not known.
const differences = (theirs, own) => {
  const keys = [...new Set([...Object.keys(theirs), ...Object.keys(own)])].filter((key) => theirs[key] !== own[key]);
  return Object.keys(theirs).length ? keys.map((key) => `${key}: ${theirs[key] ?? "–"} → ${own[key] ?? "–"}`) : [];
};

const lastOf = (curve) => {
  const at = curve ? curve.v.findLastIndex(isNumber) : -1;
  return at < 0 ? null : { generation: curve.g[at], value: curve.v[at] };
};

// A row per arm: the headline of its experiment at the last generation, in the other run and in this one.
const rowsBeside = (explorer) => {
  const metric = explorer.data.headline;
  const own = explorer.data.measures.find((one) => one.name === metric);
  const theirs = measuresOf(other, explorer.name).find((one) => one.name === metric);
  if (!own || !theirs) return [];
  return Object.keys({ ...own.arms, ...theirs.arms }).map((arm) => {
    const [before, now] = [lastOf(theirs.arms[arm]), lastOf(own.arms[arm])];
    const told = (one) => (one ? `${amount(one.value)} (generation ${one.generation})` : "not run");
    const same = before && now && before.generation === now.generation;
    const change = same ? now.value - before.value : null;
    return [explorer.name, arm, own.words, told(before), told(now), change === null ? "–" : `${change > 0 ? "+" : ""}${amount(change)}`];
  });
};

const tableOf = (caption, heads, rows) => {
  const line = (name, cells) => element("tr", {}, ...cells.map((words) => element(name, { textContent: words })));
  const table = element("table", {}, element("caption", { textContent: caption }), element("thead", {}, line("th", heads)));
  table.append(element("tbody", {}, ...rows.map((cells) => line("td", cells))));
  return element("div", { className: "wide" }, table);
};

const showOther = (place) => {
  const settings = differences(other.settings, dataOf("run").settings);
  const all = explorers.flatMap(rowsBeside);
  const rows = all.filter((cells) => cells.at(-1) !== "0");
  const equal = all.length - rows.length;
  const about = settings.length ? "Settings that differ, the other's first:" : Object.keys(other.settings).length ? "All settings are equal." : "";
  const list = settings.slice(0, MOST_SETTINGS).map((words) => element("li", { textContent: words }));
  if (settings.length > MOST_SETTINGS) list.push(element("li", { textContent: `and ${settings.length - MOST_SETTINGS} more` }));
  place.replaceChildren(
    element("p", {}, "Dashed: ", element("b", { textContent: other.name }), ". Solid: this run. ", about),
    element("ul", {}, ...list),
    equal ? element("p", { textContent: `${equal} of ${all.length} arms end at the same number in both runs.` }) : "",
    rows.length
      ? tableOf("Both runs at their last generation", ["experiment", "arm", "measure", "other", "this run", "difference"], rows)
      : all.length
        ? ""
        : element("p", { textContent: "The two runs have no experiment with the same measure in common." }),
  );
};

// What a page says of its run: the data of its explorers, and its settings. Nothing of it is run.
const runOfPage = (text, name) => {
  const page = new DOMParser().parseFromString(text, "text/html");
  const run = page.getElementById("run");
  if (!run) return null;
  const parts = [...page.querySelectorAll(".explorer")].map((part) => JSON.parse(page.getElementById(part.dataset.of).textContent));
  const experiments = Object.fromEntries(parts.map((part) => [part.experiment, part]));
  return { ...JSON.parse(run.textContent), name, experiments };
};

const comparison = (part) => {
  const [file, place, alone] = [".other-file", ".differences", ".alone"].map((name) => part.querySelector(name));
  const put = (run) => {
    other = run;
    alone.hidden = !run;
    if (run) showOther(place);
    else place.replaceChildren();
    explorers.forEach((explorer) => explorer.draw());
  };
  file.addEventListener("change", async () => {
    if (!file.files.length) return;
    const run = runOfPage(await file.files[0].text(), file.files[0].name);
    put(run);
    if (!run) place.replaceChildren(element("p", { textContent: `${file.files[0].name} is no page that heirloom report has written since it can compare.` }));
  });
  alone.addEventListener("click", () => {
    file.value = "";
    put(null);
  });
  const embedded = document.getElementById("other-run");
  if (embedded) put(JSON.parse(embedded.textContent));
};
