"""False alarms of `heirloom.diff` on Heirloom's own control generations of counted values: ``python benchmarks/diff_controls.py 64``.

One chain per family redraws its training rows from the pool each generation, so any two generations have one law over the
replicas. Generations 1 and 2, 3 and 4 … are compared: no generation is in two pairs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from ruamel.yaml import YAML

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import diff_laws
from helpers import environment, make_workspace

import heirloom

FAMILIES = {
    "poisson": {"name": "poisson", "rate": 1.0, "rows": 300},
    "discrete": {"name": "categorical", "law": {"kind": "zipf", "types": 200, "exponent": 1.0}, "rows": 1200},
}


def config(pairs: int) -> dict[str, object]:
    """Return the configuration of 40 replicas of 50 rows."""
    shared = {"regimes": ["control"], "rows": 50, "num_replicas": 40, "granularity": "chain", "generations": 2 * pairs}
    snapshots = list(range(1, 2 * pairs + 1))
    experiments = {
        name: {**shared, "family": {"name": name}, "source": source, "snapshots": snapshots} for name, source in FAMILIES.items()
    }
    return {"schema_version": 1, "regimes": {"control": {"pool": 1.0, "synthetic": "none"}}, "experiments": experiments}


def main(pairs: int) -> None:
    """Print a row per family."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(make_workspace(Path(folder)))
        YAML().dump(config(pairs), Path("config.yaml"))
        wanted = [f"data/{name}/control/seed=0/trajectory.parquet" for name in FAMILIES]
        subprocess.run(["snakemake", "--cores", "1", "--quiet", "all", "--", *wanted], env=environment(), check=True)
        print(f"| control generations | shifted, of {pairs} (99 % limit {diff_laws.most_alarms(pairs)}) | 95 % interval |\n|---|---|---|")
        for name in FAMILIES:
            answers = Counter(
                heirloom.diff(f"{name}/control/0/{2 * pair + 1}", f"{name}/control/0/{2 * pair + 2}", seed=pair, max_examples=0).verdict.answer
                for pair in range(pairs)
            )
            shifted = sum(answers[answer] for answer in diff_laws.SHIFTED)
            low, high = diff_laws.binom_interval(shifted, pairs)
            print(f"| {name} | {shifted} | {100 * low:.0f} to {100 * high:.0f} % |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 64)
