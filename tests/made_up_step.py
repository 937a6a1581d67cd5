"""A step that Heirloom does not have, added as the worked example of CONTRIBUTING.md says: a rule, a module, an entry in `STEPS`."""

from __future__ import annotations

from pathlib import Path

import worked_examples

FILES = ["src/heirloom/workflow/steps.py", "src/heirloom/steps/thin.py", "rules/thin.smk"]


def add(project: Path) -> None:
    """Add the step to a copy of the project: these three files and nothing else."""
    assert worked_examples.follow("Add a step", project) == FILES


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
