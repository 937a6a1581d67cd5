"""A toy workflow with the shape of the real one: Heirloom's paths, fingerprints as inputs, heavy files as `ancient`, real git and DVC."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINEAGE = Path("data/toy/replace/seed=0")

SNAKEFILE = """
from heirloom import paths
from heirloom.lineage.restore import restore
if workflow.is_main_process:
    restore()
if not workflow.configfiles:
    configfile: "config.yaml"
TOY = config["experiments"]["toy"]
def sealed(path):
    return [paths.fingerprint(path), paths.manifest(path)]
def at(pattern, w, generation):
    return paths.fill(pattern, w.experiment, w.regime, w.seed, generation)
def parent(w):
    g = int(w.generation)
    return at(paths.CHECKPOINT, w, g - 1) if g else paths.REAL_TRAIN.format(experiment=w.experiment)
def wanted(w):
    every = [paths.fill(paths.METRICS, "toy", "replace", 0, g) for g in range(TOY["generations"] + 1)]
    return [paths.fingerprint(path) for path in every]
wildcard_constraints: regime=paths.NAME, seed=paths.NUMBER, generation=paths.NUMBER
rule all:
    input: wanted, "results/metrics.json"
rule real:
    output: paths.REAL_TRAIN, sealed(paths.REAL_TRAIN)
    shell: "{PYTHON} step.py {output[0]} rows={TOY[source][rows]}"
rule train:
    input: heavy=lambda w: ancient(parent(w)), fingerprint=lambda w: paths.fingerprint(parent(w))
    output: directory(paths.CHECKPOINT), sealed(paths.CHECKPOINT)
    benchmark: paths.benchmark("train", paths.CHECKPOINT)
    params: rows=TOY["rows"]
    shell: "{PYTHON} step.py {output[0]} rows={params.rows} {input.fingerprint}"
rule evaluate:
    input: heavy=lambda w: ancient(at(paths.CHECKPOINT, w, w.generation)),
        fingerprint=lambda w: paths.fingerprint(at(paths.CHECKPOINT, w, w.generation))
    output: paths.METRICS, sealed(paths.METRICS)
    shell: "{PYTHON} step.py {output[0]} rows=1 {input.fingerprint}"
rule headlines:
    input: wanted
    output: "results/metrics.json"
    shell: "cat {input[0]} > {output}"
""".replace("{PYTHON}", sys.executable)

STEP = """
import os, sys
from pathlib import Path
from heirloom.manifest import fingerprint, read_json, replacing, seal
out, setting, *parents = sys.argv[1:]
if os.environ.get("TOY_FAILS_AT", "never") in out:
    sys.exit("as the test asked")
inputs = {"parent": read_json(parent)["sha256"] for parent in parents}
text = f"{out} {setting} {inputs}" + "x" * 100_000
with replacing(out) as temporary:
    if out.endswith("checkpoint"):
        temporary.mkdir()
        (temporary / "model.safetensors").write_text(text)
    else:
        temporary.write_text("{}" if out.endswith("json") else text)
seal([out], {"slice": {"setting": setting}, "inputs": inputs, "environment": {}})
"""

CONFIG = """
regimes: {replace: {}}
experiments:
  toy:
    family: {name: gaussian}
    source: {name: normal, rows: 50, test_rows: 5}
    regimes: [replace]
    seeds: [0]
    generations: 2
    rows: 10
"""

FILES = {
    "Snakefile": SNAKEFILE,
    "step.py": STEP,
    "config.yaml": CONFIG,
    "rules/none.smk": "",
    "src/code.py": "",
    "src/heirloom.egg-info/PKG-INFO": "",
}

Shell = Callable[..., str]


def commit(sh: Shell) -> None:
    """Commit everything that git sees."""
    sh("git", "add", "-A")
    sh("git", "commit", "-q", "-m", "a version")


def snakemake(sh: Shell, *arguments: str, status: int = 0, **environment: str) -> str:
    """Run the toy workflow."""
    return sh("snakemake", "--cores", "1", "--rerun-incomplete", *arguments, status=status, **environment)


def write(folder: Path) -> None:
    """Write the toy project's files into a new folder, with the real DVC and git settings."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    for name in ("dvc.yaml", ".gitignore", ".dvcignore", ".dvc/config", ".dvc/.gitignore"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
