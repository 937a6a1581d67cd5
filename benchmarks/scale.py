"""Time and memory of Snakemake itself as a workflow grows: ``python benchmarks/scale.py [jobs …]`` prints a table.

The workflow is the real one, on a config of so many jobs; no job does any work (`noop/`). Three things are measured, each a process of
its own, in seconds (of them CPU seconds) and megabytes: building the DAG, submitting every job, and finding that there is nothing to do.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
SIZES = (1_000, 10_000, 50_000)
REGIMES = {"replace": {}, "keep": {"original": {"share": 0.1}}, "control": {"pool": 1.0, "synthetic": "none"}}
GENERATIONS = 10
JOBS_A_SEED = 3 + 4 * GENERATIONS * len(REGIMES)
"""Of an origin and of three arms."""
HELP = "jobs\tseeds\tDAG s\tDAG MB\tsubmit s\tsubmit MB\tnothing to do s\tnothing to do MB"


def main() -> None:
    """Print one line a size."""
    print(HELP)
    for jobs in [int(one) for one in sys.argv[1:]] or SIZES:
        with tempfile.TemporaryDirectory() as folder:
            seeds = max(1, round(jobs / JOBS_A_SEED))
            write(Path(folder), seeds)
            print(1 + seeds * JOBS_A_SEED, seeds, sep="\t", end="", flush=True)
            for arguments in (["--rulegraph"], ["--executor", "noop", "--jobs", "100"], ["--executor", "noop", "--jobs", "100"]):
                print("", *measure(Path(folder), *arguments), sep="\t", end="", flush=True)
            print(flush=True)
            if "Select jobs to execute" in said(Path(folder)):
                sys.exit("the last call found something to do: was the project's code changed meanwhile?")


def write(folder: Path, seeds: int) -> None:
    """Write the workflow and a config, and a `heirloom` that does nothing: Snakemake's hooks call one."""
    for name in ("Snakefile", "rules", "profiles", "docs"):
        (folder / name).symlink_to(ROOT / name)
    gaussian = {"family": {"name": "gaussian"}, "source": {"name": "normal", "rows": 1000}, "rows": 100}
    experiment = {**gaussian, "regimes": sorted(REGIMES), "seeds": list(range(seeds)), "generations": GENERATIONS}
    config = {"regimes": REGIMES, "experiments": {"many": experiment}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    (folder / "bin").mkdir()
    (folder / "bin/heirloom").write_text("#!/bin/sh\n")
    (folder / "bin/heirloom").chmod(0o755)


def measure(folder: Path, *arguments: str) -> tuple[str, str]:
    """Return seconds and megabytes of a call of Snakemake that ends with every measure."""
    env = {
        **os.environ,
        "HEIRLOOM_GROUP_SECONDS": "0",
        "PATH": f"{folder}/bin:{os.environ['PATH']}",
        "PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'benchmarks/noop'}",
    }
    command = [
        "snakemake",
        "--workflow-profile",
        "none",
        "--quiet",
        "rules",
        "progress",
        "--rerun-triggers",
        "code",
        "input",
        "params",
        "--until",
        "evaluate",
    ]
    began = time.perf_counter()
    with (folder / "said").open("w") as log:
        running = subprocess.Popen([*command, *arguments], cwd=folder, env=env, stdout=log, stderr=log)
        _, status, used = os.wait4(running.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        sys.exit(said(folder)[-3000:])
    return f"{seconds:.1f} ({used.ru_utime + used.ru_stime:.1f})", f"{used.ru_maxrss / 1024:.0f}"


def said(folder: Path) -> str:
    """Return what the last call of Snakemake printed."""
    return (folder / "said").read_text()


if __name__ == "__main__":
    main()
