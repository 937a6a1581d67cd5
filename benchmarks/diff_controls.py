"""False alarms of `heirloom.diff` on Heirloom's own control generations of counted values: ``python benchmarks/diff_controls.py 64``.

One chain per family redraws its training rows from the pool each generation, so any two generations have one law over the
replicas. Generations 1 and 2, 3 and 4 … are compared: no generation is in two pairs.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import chdir
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parent))

import diff_laws

import heirloom
from by_hand import slice_of
from heirloom.artefacts import kinds
from heirloom.config import Config, load
from heirloom.steps import chain, mix, real, train

SOURCES = {
    "poisson": {"name": "poisson", "rate": 1.0, "rows": 300},
    "discrete": {"name": "categorical", "law": {"kind": "zipf", "types": 200, "exponent": 1.0}, "rows": 1200},
}


def written(pairs: int) -> Config:
    """Write and return the configuration of 40 replicas of 50 rows."""
    kept = {"generations": 2 * pairs, "snapshots": list(range(1, 2 * pairs + 1))}
    shared = {"regimes": ["control"], "rows": 50, "num_replicas": 40, "granularity": "chain", **kept}
    experiments = {name: {**shared, "family": {"name": name}, "source": source} for name, source in SOURCES.items()}
    regimes = {"control": {"pool": 1.0, "synthetic": "none"}}
    Path("config.yaml").write_text(yaml.safe_dump({"schema_version": 1, "regimes": regimes, "experiments": experiments}))
    return load(Path("config.yaml"))


def generations(config: Config, name: str) -> list[str]:
    """Run a control without Snakemake and return the synthetic sets of its generations."""

    def at(kind: kinds.Kind, generation: int = 0) -> str:
        return kind.path(name, "control", 0, generation)  # generation 0 is the origin's

    pool, held_out = at(kinds.REAL_TRAIN), at(kinds.REAL_TEST)
    real.run_vectors(slice_of("real", config, name), {"train": pool, "test": held_out})
    original, checkpoint = at(kinds.TRAIN), at(kinds.CHECKPOINT)
    mix.run(slice_of("mix", config, name, "origin", 0, 0), {"pool": pool}, {"train": original})
    train.run(slice_of("train", config, name, "origin", 0, 0), {"train": original}, {"checkpoint": checkpoint})
    inputs = {"pool": pool, "held_out": held_out, "original": original, "checkpoint": checkpoint}
    chain.run(slice_of("chain", config, name, "control", 0), inputs, {"trajectory": at(kinds.TRAJECTORY, generation=1)})
    return [at(kinds.SYNTHETIC, generation=number) for number in range(1, config.experiments[name].generations + 1)]


def main(pairs: int) -> None:
    """Print a row per family."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        config = written(pairs)
        print(f"| control generations | shifted, of {pairs} (99 % limit {diff_laws.most_alarms(pairs)}) | 95 % interval |\n|---|---|---|")
        for name in SOURCES:
            sets = generations(config, name)
            found = [heirloom.diff(*sets[2 * pair : 2 * pair + 2], seed=pair, max_examples=0) for pair in range(pairs)]
            shifted = sum(one.verdict.answer in diff_laws.SHIFTED for one in found)
            low, high = diff_laws.binom_interval(shifted, pairs)
            print(f"| {name} | {shifted} | {100 * low:.0f} to {100 * high:.0f} % |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 64)
