"""Steps, each declared once: what a step is added by, how many files name one, and slices that are written as they are read."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import made_up_step
from heirloom import config as configuration
from heirloom.artefacts import kinds
from heirloom.workflow.jobs import jobs, target
from heirloom.workflow.steps import STEPS, job_of, target_of
from helpers import ROOT, make_workspace

LAYERS_BELOW = ("families", "measures", "sources", "specs", "stats", "theory")
"""Packages that know no steps: there `train` and `select` are functions, keys and splits."""

HOMONYMS = {
    "chain": {"config.py"},  # a granularity
    "pretrained": {"artefacts/kinds.py"},  # a folder
    "real": {  # rows that a human wrote, and their folder
        *("artefacts/kinds.py", "diffs/rows.py", "lineage/render_row.py", "lineage/trace_row.py", "report/page/lineage.py"),
        *("lineage/references.py", "report/page/texts.py", "data/rows.py", "workflow/inputs.py", "lineage/passage.py"),
        *("report/page/groups.py", "report/summary_tables.py"),  # their share in a group
    },
    "sample": {  # rows that stand for all; a family's function; a stream
        *("diffs/comparison.py", "steps/chain.py", "steps/group_measures.py", "steps/rowless.py"),
    },
    "select": {
        "compatibility.py",
        "diffs/origin.py",
        "report/page/drawings.py",
    },  # an ability; what Vega-Lite calls a selection
    "mix": {"mixing.py", "steps/rowless.py"},  # a stream
    "evaluate": {"steps/chain.py"},  # a family's function
    "train": {  # a dataset, a split of one, a role, a family's function
        *("export/lineage_folder.py", "lineage/descendants.py"),
        *("diffs/belonging.py", "export/huggingface.py", "lineage/render_row.py", "lineage/schema1.py", "lineage/trace_row.py"),
        *("steps/chain.py", "steps/mix.py", "steps/real.py", "steps/evaluate.py", "steps/sample.py", "steps/trial.py", "rules/real.smk"),
    },
}
"""Step → files whose text has its name and means something else."""


def literals(path: Path) -> set[str]:
    """Return the string literals of a Python file, or the quoted words of a rule file."""
    if path.suffix != ".py":
        text = re.sub(r"#.*", "", path.read_text())
        return set(re.findall(r'"(\w+)"', text)) | set(re.findall(r"^(?:use )?rule (\w+)", text, re.MULTILINE))
    return {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_at_most_three_files_name_a_step() -> None:
    """A file names a step if one of its string literals is the step's name, or one of its rules; homonyms are left out by hand."""
    package = ROOT / "src/heirloom"
    files = [path for path in package.rglob("*.py") if path.relative_to(package).parts[0] not in LAYERS_BELOW]
    named: dict[str, list[str]] = {name: [] for name in STEPS}
    for path in [*files, *(ROOT / "rules").glob("*.smk"), ROOT / "Snakefile"]:
        short = path.relative_to(package if path.is_relative_to(package) else ROOT).as_posix()
        for name in literals(path) & STEPS.keys():
            if short not in HOMONYMS.get(name, ()):
                named[name].append(short)
    module = {name: "steps/chain_slice.py" if name == "chain" else f"steps/{name}.py" for name in STEPS}
    assert {name: sorted(files) for name, files in named.items()} == {
        name: sorted([f"rules/{name}.smk", module[name], "workflow/steps.py"]) for name in STEPS
    }


def test_the_snakefile_and_what_stands_before_the_rules_fit_on_a_screen() -> None:
    for name in ("Snakefile", "rules/common.smk"):
        assert (ROOT / name).read_text().count("\n") <= 60
    assert "def " not in (ROOT / "rules/common.smk").read_text()


@pytest.mark.slow
def test_a_step_is_added_by_a_rule_a_module_and_an_entry(tmp_path: Path) -> None:
    project = make_workspace(tmp_path)
    made_up_step.add(project)
    experiment = {"family": {"name": "gaussian"}, "source": {"name": "normal", "rows": 40, "test_rows": 10}}
    small = {**experiment, "regimes": ["replace"], "generations": 1, "rows": 10}
    (project / "config.yaml").write_text(yaml.safe_dump({"regimes": {"replace": {}}, "experiments": {"e": small}}))
    for command in (["init", "-q"], ["add", "config.yaml"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "config"]):
        subprocess.run(["git", *command], cwd=project, check=True)
    environment = os.environ | {"PYTHONPATH": str(project / "src")}
    done = subprocess.run(
        [sys.executable, "-c", made_up_step.SEEN], cwd=project, env=environment, text=True, capture_output=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["plan"] == ["real", "sample", "thin", "mix", "train", "evaluate"]
    assert "e/replace/0/1:thinned" in seen["trace"]
    assert "every 2" in seen["trace"]
    assert "thin" in seen["export"]
    assert "data/e/replace/seed=0/gen=1/thinned.parquet" in seen["page"]
    dry = subprocess.run(
        [str(Path(sys.executable).parent / "snakemake"), "-n", "--quiet", "rules", "--forceall"],
        cwd=project,
        env=environment,
        text=True,
        capture_output=True,
        check=False,
        timeout=600,
    )
    assert re.search(r"^thin +1$", dry.stdout, re.MULTILINE), dry.stdout + dry.stderr


GAUSSIAN = {"family": {"name": "gaussian"}, "source": {"name": "normal", "rows": 40, "test_rows": 10}, "rows": 10, "generations": 2}
NGRAM = {
    "family": {"name": "ngram"},
    "source": {"name": "wikipedia", "text": {"vocab_size": 300, "row_tokens": 8}},
    "rows": 10,
    "generations": 2,
}
REGIMES = {
    "plain": {},
    "judged": {
        "multiple": 2.0,
        "select": {"by": "detector", "share": 0.5},
        "synthetic": "all",
        "budget": "drawn",
        "original": {"share": 0.1},
    },
    "edited": {"edit": {"above": 0.5}},
    "repaired": {"repair": {"merge": 0.5}},
}


def declared() -> configuration.Config:
    step = {**GAUSSIAN, "regimes": ["plain", "judged", "repaired"], "seeds": [0, 1], "num_replicas": 2}
    chain = {**step, "granularity": "chain", "snapshots": [2]}
    text = {**NGRAM, "regimes": ["plain", "edited"], "device": "auto"}
    tasks = {"names": ["facts"], "folder": str(ROOT / "findings")}
    examined = {**text, "family": {"name": "transformer"}, "regimes": ["plain"], "tasks": tasks}
    return configuration.parse({"regimes": REGIMES, "experiments": {"step": step, "chain": chain, "text": text, "examined": examined}})


def test_a_slice_is_written_as_it_is_read() -> None:
    config, steps = declared(), set()
    for job in jobs(config):
        if job.generation in (None, 0, 1):
            written: dict[str, Any] = json.loads(json.dumps(STEPS[job.step].slice(config, job.key).json_fields()))
            read = STEPS[job.step].load().Slice.model_validate(written)
            assert (read.json_fields(), read.step) == (written, job.step)
            steps.add(job.step)
    assert steps == STEPS.keys() - {"pretrained"}


def test_a_slice_refuses_a_key_that_its_step_does_not_have() -> None:
    config = declared()
    fields = STEPS["mix"].slice(config, kinds.Key("step", "plain", 0, 1)).json_fields()
    with pytest.raises(ValueError, match="rowz"):
        STEPS["mix"].load().Slice.model_validate({**fields, "rowz": 1})


def test_the_job_that_made_an_artefact_follows_from_its_path() -> None:
    assert job_of("sample", "data/e/keep/seed=1/gen=2/synthetic.parquet") == ("sample", "e", "keep", 1, 2)
    assert job_of("chain", "data/e/keep/seed=1/gen=2/synthetic.parquet") == ("chain", "e", "keep", 1, None)
    assert job_of("real", "data/e/real/train.parquet") == ("real", "e", "real", None, None)
    assert job_of("real", "data/e/real/seed=3/train.parquet") == ("real", "e", "real", 3, None)
    assert job_of("of a later version", "data/e/keep/seed=1/trajectory.parquet") == ("of a later version", "e", "keep", 1, None)


def test_what_snakemake_is_asked_for_is_the_artefact_or_what_its_job_makes_beside_a_snapshot() -> None:
    config, snapshot = declared(), "data/chain/plain/seed=0/gen=2/train.parquet"
    trajectory = "data/chain/plain/seed=0/trajectory.parquet"
    assert target_of("chain", snapshot) == target(config, snapshot) == trajectory
    for own in (
        "data/step/plain/seed=0/gen=2/train.parquet",
        "data/chain/origin/seed=0/gen=0/train.parquet",
        "data/step/real/train.parquet",
    ):
        assert target(config, own) == own
    assert target_of("mix", "data/step/plain/seed=0/gen=2/train.parquet") == "data/step/plain/seed=0/gen=2/train.parquet"
    assert target_of("real", "data/step/real/seed=1/test.parquet") == "data/step/real/seed=1/test.parquet"


def test_what_a_step_takes_is_made_by_another_and_nothing_is_made_twice() -> None:
    config = declared()
    made = [kind.at(job.key) for job in jobs(config) for role, kind in STEPS[job.step].makes.items()]
    assert len(made) == len(set(made))
    taken = {path for job in jobs(config) for paths in STEPS[job.step].inputs(config, job.key).values() for path in paths}
    assert taken <= set(made)


def test_an_artefacts_path_and_key_answer_to_each_other() -> None:
    keys = {
        kinds.SYNTHETIC: kinds.Key("e", "keep", 1, 2),
        kinds.TRAJECTORY: kinds.Key("e", "keep", 1),
        kinds.REAL_TRAIN: kinds.Key("e", seed=3),
        kinds.TOKENIZER: kinds.Key("e"),
    }
    for kind, key in keys.items():
        assert kinds.key_of(kind.at(key)) == key
    assert kinds.SYNTHETIC.at(kinds.Key("e", "keep", 1, 0)) == "data/e/origin/seed=1/gen=0/synthetic.parquet"
    assert kinds.key_of("results/metrics.parquet") is None


def test_no_step_imports_the_config_whose_models_its_jobs_do_not_read() -> None:
    program = """
import sys
from heirloom.workflow.steps import STEPS
for step in STEPS.values():
    step.load()
from heirloom.environment import LIBRARIES
print("heirloom.config" in sys.modules, "heirloom.specs.experiment" in sys.modules, *sorted(LIBRARIES.keys() & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "numpy", "pyarrow"]  # a worker has all steps, and manifests name what is there
