"""What a family of the user's own programs costs beside them: a step as a job of its own, inside a run's worker, and inside a chain.

    python benchmarks/plugins.py [--turns 5] [--against REVISION]

The programs copy files that were made before, so that nearly all that is counted is Heirloom's. What they use themselves is measured alone
and taken off. Seconds are of CPU, as the kernel counts them, of a job with all that it has started; in a worker, of its client and of the
process that was forked for it. Of a chain, the difference between a long and a short lineage is divided by the generations between, and by
the three commands of each. The three take turns; what is printed are medians over turns. With ``--against`` another revision's code takes
turns, too.
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
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FILES = ("Snakefile", "rules", "profiles", "docs/report", "src")
ROWS, LONG, SHORT = 100, 21, 1
STEPS = ("train", "sample", "evaluate")
COMMANDS = {
    "train": ["/bin/sh", "-c", 'mkdir "$1" && cp model "$1"', "train", "{checkpoint}", "{train}"],
    "sample": ["/bin/sh", "-c", 'cp synthetic.parquet "$1"', "sample", "{synthetic}", "{checkpoint}", "{num_rows}"],
    "measure": ["/bin/cp", "measures.json", "{measures}"],
}
SHIM = f"""#!/bin/sh
case "$1" in train|sample|evaluate|mix|chain) exec {sys.executable} -S {Path(__file__).resolve()} --command "$@" ;; esac
exec "$(dirname "$0")/inner/heirloom" "$@"
"""
COMMAND = f"#!{sys.executable}\nimport sys\nfrom heirloom.cli import main\nmain()\n"
Seconds = dict[str, list[float]]


def main() -> None:
    """Print the medians."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--against", help="a revision of this repository")
    options = parser.parse_args()
    revisions = ["here", *([options.against] if options.against else [])]
    with tempfile.TemporaryDirectory() as folder:
        places = {revision: prepare(Path(folder, revision.replace("/", "-")), revision) for revision in revisions}
        seconds: dict[str, Seconds] = {revision: defaultdict(list) for revision in revisions}
        for turn in range(options.turns + 1):
            for revision, place in places.items():
                measure(place, seconds[revision])
                if not turn:
                    seconds[revision].clear()  # modules were compiled
            print(f"turn {turn}, load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
        print(f"a command alone\t{command_seconds(places['here']):.3f}")
    for revision, measured in seconds.items():
        for what, each in measured.items():
            print(f"{revision}\t{what}\t{statistics.median(each):.3f}\t({min(each):.3f} to {max(each):.3f})")


def prepare(folder: Path, revision: str) -> Path:
    """Return a folder with the workflow of a revision, the config, the files that programs copy, and the real rows."""
    folder.mkdir(parents=True)
    if revision == "here":
        for name in FILES:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            copy(ROOT / name, folder / name)
    else:
        archive = subprocess.run(["git", "archive", revision, *FILES], cwd=ROOT, capture_output=True, check=True).stdout
        subprocess.run(["tar", "x"], cwd=folder, input=archive, check=True)
    import pyarrow as pa
    import pyarrow.parquet as pq
    import yaml  # not in the shim, which every job starts

    (folder / "config.yaml").write_text(yaml.safe_dump(config()))
    (folder / "model").write_text("a model\n")
    (folder / "measures.json").write_text('{"one": 1.0}')
    pq.write_table(pa.table({"x": [[float(row), 1.0] for row in range(ROWS)]}), folder / "synthetic.parquet")
    (folder / "bin/inner").mkdir(parents=True)
    for path, text in ((folder / "bin/heirloom", SHIM), (folder / "bin/inner/heirloom", COMMAND)):
        path.write_text(text)
        path.chmod(0o755)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    snakemake(folder, "job", *(f"data/{name}/real/train.parquet" for name in config()["experiments"]))
    return folder


def config() -> dict[str, Any]:
    """Return one experiment by step, and a short and a long chain."""
    programs = {name: {"command": command} for name, command in COMMANDS.items()}
    experiment = {
        "family": {"name": "external", "rows": "vectors", **programs},
        "source": {"name": "normal", "rows": ROWS, "test_rows": ROWS, "dim": 2},
        "regimes": ["replace"],
        "rows": ROWS,
    }
    chain = {**experiment, "granularity": "chain"}
    experiments = {
        "steps": {**experiment, "generations": 1},
        "short": {**chain, "generations": SHORT},
        "long": {**chain, "generations": LONG},
    }
    return {"schema_version": 1, "num_threads": 1, "regimes": {"replace": {}}, "experiments": experiments}


def measure(folder: Path, seconds: Seconds) -> None:
    """Add what each kind of job has used in one turn."""
    own = command_seconds(folder)
    for kind in ("job", "worker"):
        jobs = run_jobs(folder, kind, "data/steps/replace/seed=0/gen=1/metrics.json")
        for step in STEPS:
            place = jobs[step, "replace"]
            seconds[f"{step}, {'a job of its own' if kind == 'job' else 'in a worker'}"].append(place - own)
    chains = {}
    for name in ("short", "long"):
        jobs = run_jobs(folder, "job", f"data/{name}/replace/seed=0/trajectory.parquet")
        chains[name] = jobs["chain", "replace"]
    per_generation = (chains["long"] - chains["short"]) / (LONG - SHORT)
    seconds["a step, in a chain"].append(per_generation / len(STEPS) - own)


def run_jobs(folder: Path, kind: str, target: str) -> dict[tuple[str, str], float]:
    """Make a lineage anew, and return the CPU seconds of each of its jobs by step and regime."""
    for name in ("data", "logs"):
        for lineage in (folder / name).glob("*/replace" if name == "data" else "**/replace"):
            shutil.rmtree(lineage, ignore_errors=True)
    (folder / "jobs").unlink(missing_ok=True)
    snakemake(folder, kind, target)
    seconds = {}
    for line in (folder / "jobs").read_text().splitlines():
        job = json.loads(line)
        arguments = job["arguments"]
        if "/replace/" not in " ".join(arguments[3:]):
            continue
        used = job["seconds"]
        if kind == "worker":
            (cost,) = (folder / "logs/costs" / arguments[0] / "steps/replace").rglob("*.json")
            used += json.loads(cost.read_text())["cpu_seconds"]
        seconds[arguments[0], "replace"] = used
    return seconds


def snakemake(folder: Path, kind: str, *targets: str) -> None:
    """Run Snakemake, with or without a worker for its jobs."""
    told = {"PATH": f"{folder}/bin:{os.environ['PATH']}", "PYTHONPATH": str(folder / "src"), "JOBS": str(folder / "jobs")}
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONDONTWRITEBYTECODE", "HEIRLOOM_WORKER")}
    variables = kept | told | ({"HEIRLOOM_WORKER": ""} if kind == "job" else {})
    done = subprocess.run(
        ["snakemake", "--quiet", "all", "--cores", "1", "--", *targets],
        cwd=folder,
        env=variables,
        text=True,
        capture_output=True,
        check=False,
    )
    logs = "".join(file.read_text() for file in (folder / "logs").rglob("*.log"))
    if done.returncode or (kind == "worker" and "starts for itself" in logs):
        sys.exit(f"{' '.join(targets)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}\n{logs[-2000:]}")


def command_seconds(folder: Path, repeats: int = 20) -> float:
    """Return the CPU seconds of one of the programs alone."""
    before = os.times()
    for number in range(repeats):
        target = folder / f"alone-{number}"
        arguments = [str(target) if argument == "{checkpoint}" else argument for argument in COMMANDS["train"]]
        subprocess.run(arguments, cwd=folder, check=True)
        shutil.rmtree(target)
    after = os.times()
    return (after.children_user + after.children_system - before.children_user - before.children_system) / repeats


def command() -> None:
    """Do a job's command in a process of its own, and note what it has used."""
    arguments = sys.argv[2:]
    program = f"{Path.cwd()}/bin/inner/heirloom"
    status = subprocess.run([program, *arguments], check=False).returncode
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    with Path(os.environ["JOBS"]).open("a", encoding="utf-8") as file:
        print(json.dumps({"arguments": arguments, "seconds": used.ru_utime + used.ru_stime}), file=file)
    sys.exit(status)


if __name__ == "__main__":
    command() if sys.argv[1:2] == ["--command"] else main()
