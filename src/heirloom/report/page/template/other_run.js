// Another run beside this one: its curves, from the file of its page or of what `heirloom report --against` has put in, dashed.
let other = null;
const OTHER_DASHES = [3, 3];

const otherLines = (experiment, metric, looks) => {
  const measure = other?.experiments[experiment]?.measures.find((one) => one.name === metric);
  if (!measure) return [];
  return Object.entries(measure.arms).map(([name, curve]) => {
    const look = looks.get(name) ?? other.experiments[experiment].arms.find((arm) => arm.name === name);
    const { g, v } = curve;
    return { name: `${name} ${other.mark}`, colour: look.colour, dashes: OTHER_DASHES, g, v };
  });
};
