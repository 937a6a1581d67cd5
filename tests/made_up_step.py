"""A step that Heirloom does not have, as somebody would add it: a rule, a module, an entry in `STEPS`."""

from __future__ import annotations

from pathlib import Path

RULE = '''# Thin. Needs: the generation's synthetic set.
# Leaves: data/{experiment}/{regime}/seed={seed}/gen={generation}/thinned.parquet.
THIN = RUN.rule("thin")


rule thin:
    """Keep every second synthetic row."""
    input:
        unpack(THIN.inputs),
    output:
        **THIN.outputs(),
    log:
        THIN.log,
    resources:
        **THIN.resources,
    params:
        slice=THIN.slice,
    shell:
        "heirloom thin --slice {params.slice:q} --synthetic {input.synthetic} --thinned {output.thinned} 2> {log}"
'''

MODULE = '''"""Thin: keep every second synthetic row."""

import pyarrow.parquet as pq

from heirloom.manifest import replacing
from heirloom.planning.work import Work
from heirloom.steps import slices
from heirloom.steps.common import finish


class Slice(slices.GenerationSlice):
    """What thinned rows depend on."""

    name = "thin"

    every: int


def slice_of(config, key):
    """Return the slice of a generation's thinned rows."""
    return Slice(**slices.common(config, Slice, "heirloom.steps.thin:run"), **slices.place(key), every=2)


def run(step, inputs, outputs):
    """Write every second row."""
    rows = pq.read_table(inputs["synthetic"])
    with replacing(outputs["thinned"]) as temporary:
        pq.write_table(rows.take(list(range(0, rows.num_rows, step.every))), temporary)
    finish(step, inputs, [outputs["thinned"]])


def work(config, job):
    """Return the work of a pass over a synthetic set."""
    return Work(1e6, 0, 1e3)
'''

ENTRY = """    Step(
        "thin",
        "Keep every second synthetic row.",
        makes={"thinned": kinds.kind_in(kinds.GENERATION, "thinned.parquet", "thinned", "rows")},
        takes={"synthetic": Role(own(kinds.SYNTHETIC), "The synthetic set.")},
        exists=is_later,
        is_asked=True,
        work="heirloom.steps.thin:work",
    ),
"""


def add(project: Path) -> None:
    """Add the step to a copy of the project: these three things and nothing else."""
    (project / "rules/thin.smk").write_text(RULE)
    (project / "src/heirloom/steps/thin.py").write_text(MODULE)
    steps = project / "src/heirloom/workflow/steps.py"
    before, mark, after = steps.read_text().partition('    Step(\n        "mix",\n')
    steps.write_text(before + ENTRY + mark + after)


SEEN = """
import json
import sys
from pathlib import Path

from heirloom import config as configuration
from heirloom.artefacts.kinds import Key
from heirloom.export import crate
from heirloom.lineage.project import Project
from heirloom.lineage.render import tree
from heirloom.lineage.trace import trace
from heirloom.planning.plan import plan
from heirloom.report.page import lineage
from heirloom.workflow.jobs import jobs
from heirloom.workflow.steps import STEPS

config = configuration.load("config.yaml")
for job in jobs(config):
    step = STEPS[job.step]
    made = {role: kind.at(job.key) for role, kind in step.makes.items() if role not in step.optional}
    inputs = {role: " ".join(several) for role, several in step.inputs(config, job.key).items()}
    step.load().run(step.slice(config, job.key), inputs, made)
crate.export("e/replace/0/1", Path("crate"), config=Path("config.yaml"), limit=None)
graph = json.loads(Path("crate/ro-crate-metadata.json").read_text())["@graph"]
shown = lineage.nodes(lineage.boxes("e", config), Project())
seen = {
    "plan": [line.step for line in plan(config, {}).lines],
    "trace": tree(trace("e/replace/0/1:thinned")),
    "export": {entity["name"]: entity["position"] for entity in graph if entity["@type"] == "HowToStep"},
    "page": list(shown),
}
print(json.dumps(seen))
"""
"""Makes the data of a small config by all its jobs, and says where the step is seen."""
