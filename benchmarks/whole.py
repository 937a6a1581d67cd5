"""What `make` costs beside the same work in one process: ``python benchmarks/whole.py [config.yaml] [--turns 1]``.

Both sides make all of a config anew in a clone of this commit, in turns: jobs, tables, figures, comparisons, page and summary. `make` is
its four parts without the environment, so with Snakemake, its report, the worker, checks and records. The other side imports what it
needs once and calls the functions of the same steps, one after another. Seconds are of CPU, as the kernel counts them. All fingerprints
of data are compared.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from overhead import ANSWER, seconds_of

if TYPE_CHECKING:
    from heirloom.config import Config
    from heirloom.workflow.step import Job

ROOT = Path(__file__).parents[1]
PARTS = ("run", "record", "report", "summary")
MADE = ("data", "results", "logs", ".heirloom", ".snakemake")
SIDES = ("make", "one process")


def main() -> None:
    """Print a line per turn and side, and the median of the ratios inside a turn."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("config", nargs="?", default="config.yaml")
    parser.add_argument("--turns", type=int, default=1)
    options = parser.parse_args()
    ratios = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "clone")
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
        (folder / ".venv").symlink_to(sys.prefix)
        for turn in range(options.turns):
            taken, prints = {}, {}
            for side in SIDES:
                taken[side] = measure(side, folder, options.config)
                prints[side] = fingerprints(folder)
                print(turn, side, f"{taken[side]:.1f}", f"load {os.getloadavg()[0]:.1f}", sep="\t", flush=True)
            if prints["make"] != prints["one process"]:
                sys.exit("the two sides have made different bytes")
            ratios.append(taken["make"] / taken["one process"])
    print(f"ratio\t{statistics.median(ratios):.2f}\t{len(prints['make'])} equal fingerprints")


def measure(side: str, folder: Path, config: str) -> float:
    """Return the CPU seconds of making a config from nothing."""
    for name in MADE:
        shutil.rmtree(folder / name, ignore_errors=True)
    subprocess.run(["git", "checkout", "--quiet", "--", "."], cwd=folder, check=True)
    told = {"PATH": f"{sys.prefix}/bin:{os.environ['PATH']}", "PYTHONPATH": str(folder / "src"), ANSWER: str(folder.parent / "answer")}
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    if side == "make":
        commands = [["make", "--assume-old", "env", part, f"CONFIG={config}"] for part in PARTS]
    else:
        commands = [[sys.executable, __file__, "--alone", config]]
    before = seconds_of(resource.RUSAGE_CHILDREN)
    for command in commands:
        done = subprocess.run(command, cwd=folder, env=kept | told, text=True, capture_output=True, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return seconds_of(resource.RUSAGE_CHILDREN) - before


def fingerprints(folder: Path) -> dict[str, str]:
    """Return artefact → hash of what a side has made."""
    files = (folder / "data").rglob("*.fingerprint.json")
    return {file.relative_to(folder).as_posix(): json.loads(file.read_text())["sha256"] for file in files}


def alone(config_file: str) -> None:
    """Make all of a config in this process."""
    from heirloom.cli import steps

    steps.settle(yaml.safe_load(Path(config_file).read_text(encoding="utf-8")).get("num_threads", 1))

    from heirloom.config import load
    from heirloom.report import files
    from heirloom.report.figures import draw
    from heirloom.report.page import build
    from heirloom.report.summary import print_summary
    from heirloom.workflow.jobs import jobs

    config = load(config_file)
    for job in jobs(config):
        make(config, job)
    files.write(config)
    draw.write(config)
    for name, experiment in config.experiments.items():
        if experiment.is_text and experiment.generations > 1:
            for regime in experiment.regimes:
                compare(config, name, regime)
    build.write(config, Path(config_file))
    print_summary(config)


def compare(config: Config, name: str, regime: str) -> None:
    """Write the page that compares the first with the last generation of an arm."""
    from heirloom.artefacts import kinds
    from heirloom.diffs.engine import diff
    from heirloom.diffs.render import html
    from heirloom.diffs.render.page import title

    experiment = config.experiments[name]
    first, last = (kinds.SYNTHETIC.path(name, regime, experiment.seeds[0], number) for number in (1, experiment.generations))
    answer = diff(first, last)
    page = Path(config.results.diff.format(experiment=name, regime=regime))
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(html.document(title(answer), html.fragment(answer)), encoding="utf-8")


def make(config: Config, job: Job) -> None:
    """Do one job."""
    from heirloom.workflow.steps import STEPS

    step, key = STEPS[job.step], job.key
    module, fields = step.load(), step.slice(config, key).json_fields()
    is_text = config.experiments[key.experiment].is_text
    inputs = {role: " ".join(paths) for role, paths in step.inputs(config, key).items()}
    outputs = {role: kind.at(key) for role, kind in step.makes.items() if is_text or role not in step.optional}
    for path in outputs.values():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    module.run(module.Slice.model_validate(fields), inputs, outputs)


if __name__ == "__main__":
    alone(sys.argv[2]) if sys.argv[1:2] == ["--alone"] else main()
