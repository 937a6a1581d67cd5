"""What the workflow costs around a language-model lineage: the jobs of a run beside the same steps in one process.

    python benchmarks/overhead.py [--against REVISION] [--turns 3] [--generations 5]

Each side makes the lineage anew in a folder of its own, in turns; the real rows are made before and not counted. Seconds are of CPU, as the
kernel counts them. Of a run the jobs are counted, with their shells, and its worker; Snakemake's own process and the two commands that it
calls, `heirloom check` and `heirloom record`, stand in columns of their own. `ratio` is the jobs' seconds over those of the steps in one
process, which imports what it needs once; the median over turns of the ratio inside a turn. With ``--against`` the workflow of that
revision takes turns, too. All fingerprints are compared.
"""

from __future__ import annotations

import argparse
import atexit
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
FILES = ("Snakefile", "rules", "profiles", "docs/report", "src")
LINEAGES = ("origin", "replace")
ANSWER = "OVERHEAD_ANSWER"
REAL = "data/lm/real/train.parquet"
ONE_PROCESS = "one process"

COMMAND = f"#!{sys.executable}\nimport sys\nfrom heirloom.cli import main\nmain()\n"
APART = f"""#!/bin/sh
case "$1" in check|record) exec {sys.executable} {Path(__file__).resolve()} --command "$@" ;; esac
exec "$(dirname "$0")/inner/heirloom" "$@"
"""
"""The command that a run finds: it notes what `check` and `record` use."""


def main() -> None:
    """Print a line a turn and side, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--against", help="a revision of this repository")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--generations", type=int, default=5)
    known = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sides = prepare(Path(folder), known.against, known.generations)
        print("turn\tside\tjobs and worker\tSnakemake\tcheck and record\tload")
        turns = []
        for turn in range(known.turns):
            taken = {name: measure(name, place) for name, place in sides.items()}
            for name, seconds in taken.items():
                columns = (f"{seconds.get(key, 0):.2f}" for key in ("jobs", "snakemake", "apart"))
                print(turn, name, *columns, f"{os.getloadavg()[0]:.1f}", sep="\t", flush=True)
            turns.append(taken)
    for name in sides:
        ratios = [taken[name]["jobs"] / taken[ONE_PROCESS]["jobs"] for taken in turns]
        print(f"ratio\t{name}\t{statistics.median(ratios):.2f}\t({', '.join(f'{ratio:.2f}' for ratio in ratios)})")


def prepare(folder: Path, against: str | None, generations: int) -> dict[str, Path]:
    """Return side → folder, ready for the lineage: with the workflow, the config and the real rows."""
    here = folder / "here"
    for name in FILES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / name, here / name)
    (here / "config.yaml").write_text(yaml.safe_dump(config(generations)))
    (here / "bin/inner").mkdir(parents=True)
    for path, text in ((here / "bin/heirloom", APART), (here / "bin/inner/heirloom", COMMAND)):
        path.write_text(text)
        path.chmod(0o755)
    subprocess.run(["git", "init", "-q"], cwd=here, check=True)
    run(here, "snakemake", REAL)
    sides = {"workflow": here, ONE_PROCESS: folder / "one"}
    shutil.copytree(here, sides[ONE_PROCESS])
    if against:
        sides[f"workflow of {against}"] = before = folder / "before"
        shutil.copytree(here, before)
        for name in FILES:
            shutil.rmtree(before / name) if (before / name).is_dir() else (before / name).unlink()
        archive = subprocess.run(["git", "archive", against, *FILES], cwd=ROOT, capture_output=True, check=True).stdout
        subprocess.run(["tar", "x"], cwd=before, input=archive, check=True)
        run(before, "snakemake", REAL)
    return sides


def config(generations: int) -> dict[str, Any]:
    """Return the default config's language model, one arm of it, from an origin that has read as much as a generation does."""
    raw = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    lm = raw["experiments"]["transformer"] | {"regimes": ["replace"], "generations": generations, "origin_rows": 512}
    lm["family"]["training"]["origin"]["epochs"] = 1
    return {"schema_version": 1, "num_threads": 1, "regimes": {"replace": {}}, "experiments": {"lm": lm}}


def measure(side: str, folder: Path) -> dict[str, float]:
    """Return the CPU seconds of making the lineage anew, by what has used them, and check the fingerprints."""
    for lineage in LINEAGES:
        shutil.rmtree(folder / "data/lm" / lineage, ignore_errors=True)
    (folder / "apart").unlink(missing_ok=True)
    if side == ONE_PROCESS:
        seconds = run(folder, "steps")
    else:
        seconds = run(folder, "snakemake", *measures(folder))
        apart = (folder / "apart").read_text().split()
        seconds |= {"apart": sum(map(float, apart)), "jobs": seconds["jobs"] - sum(map(float, apart))}
    found = fingerprints(folder)
    known = fingerprints(folder.parent / "here")
    if found != known:
        sys.exit(f"{side}: other fingerprints")
    return seconds


def measures(folder: Path) -> list[str]:
    """Return the measures of all generations."""
    generations = yaml.safe_load((folder / "config.yaml").read_text())["experiments"]["lm"]["generations"]
    places = ["origin/seed=0/gen=0", *(f"replace/seed=0/gen={generation}" for generation in range(1, generations + 1))]
    return [f"data/lm/{place}/metrics.json" for place in places]


def fingerprints(folder: Path) -> dict[str, str]:
    """Return artefact → hash of what a side has made."""
    files = [file for lineage in LINEAGES for file in (folder / "data/lm" / lineage).rglob("*.fingerprint.json")]
    return {file.relative_to(folder).as_posix(): json.loads(file.read_text())["sha256"] for file in files}


def run(folder: Path, *what: str) -> dict[str, float]:
    """Run a part of this file in a process of its own, in a side's folder and with its code, and return what it has used."""
    told = {"PATH": f"{folder}/bin:{os.environ['PATH']}", "PYTHONPATH": str(folder / "src"), ANSWER: str(folder / "answer")}
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, __file__, f"--{what[0]}", *what[1:]], cwd=folder, env=kept | told, text=True, capture_output=True, check=False
    )
    if done.returncode:
        sys.exit(f"{folder.name}: {' '.join(what)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    answer: dict[str, float] = json.loads((folder / "answer").read_text())
    return answer


def seconds_of(whom: int) -> float:
    """Return the CPU seconds of this process, or of its children that have ended."""
    used = resource.getrusage(whom)
    return used.ru_utime + used.ru_stime


def snakemake() -> None:
    """Be Snakemake, and say at the end what it and its children have used."""
    from snakemake.cli import main as command

    def answer() -> None:
        told = {"snakemake": seconds_of(resource.RUSAGE_SELF), "jobs": seconds_of(resource.RUSAGE_CHILDREN)}
        Path(os.environ[ANSWER]).write_text(json.dumps(told))

    atexit.register(answer)
    sys.argv = ["snakemake", "--quiet", "all", "--", *sys.argv[2:]]
    command()


def command() -> None:
    """Run one of the commands that a run calls, and note what it has used."""
    done = subprocess.run([f"{Path.cwd()}/bin/inner/heirloom", *sys.argv[2:]], check=False)
    with Path("apart").open("a") as file:
        print(seconds_of(resource.RUSAGE_CHILDREN) + seconds_of(resource.RUSAGE_SELF), file=file)
    sys.exit(done.returncode)


def steps() -> None:
    """Do all steps of the lineage in this process, and say what that has used, without the slices, which Snakemake makes."""
    from heirloom.cli.steps import _begin
    from heirloom.config import load
    from heirloom.workflow.jobs import jobs
    from heirloom.workflow.steps import STEPS

    config = load("config.yaml")
    _begin(json.dumps({"num_threads": config.num_threads}))
    listed = [(STEPS[job.step], job.key) for job in jobs(config) if job.step != "real"]
    for step, _ in listed:
        step.load()
    before = time.process_time()
    slices = [step.slice(config, key).json_fields() for step, key in listed]
    slicing = time.process_time() - before
    for (step, key), fields in zip(listed, slices, strict=True):
        module = step.load()
        inputs = {role: " ".join(paths) for role, paths in step.inputs(config, key).items()}
        outputs = {role: kind.at(key) for role, kind in step.makes.items()}
        for path in outputs.values():
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        module.run(module.Slice.model_validate(fields), inputs, outputs)
    Path(os.environ[ANSWER]).write_text(json.dumps({"jobs": time.process_time() - slicing}))


if __name__ == "__main__":
    {"--snakemake": snakemake, "--command": command, "--steps": steps}.get("".join(sys.argv[1:2]), main)()
