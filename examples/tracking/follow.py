"""Follow a run with dvclive: its generations' measures as they land, from Heirloom's own records and never from a job.

``python examples/tracking/follow.py --configfile CONFIG [--folder dvclive] [--every SECONDS] [--once]``, beside `snakemake`.

Each lineage has a folder of its own, written anew whenever one of its generations lands. So a run that goes on after a kill, or a
follower that is started again, leaves no row twice.
"""

import argparse
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import yaml
from dvclive import Live

Records = dict[int, dict[str, float]]
"""Generation → its measures."""


def lineages(config: Path) -> Iterator[str]:
    """Yield the folders of a config's lineages; those of a grid's variants begin with its name."""
    for name, experiment in yaml.safe_load(config.read_text())["experiments"].items():
        places = [*Path("data").glob(f"{name}/"), *Path("data").glob(f"{name}__*/")]
        for place in sorted(places):
            for regime in ["origin", *experiment["regimes"]]:
                yield from (folder.as_posix() for folder in sorted(place.glob(f"{regime}/seed=*")))


def records(lineage: str) -> Records:
    """Return the measures of each generation that is sealed: the note of its fingerprint is the last thing that a job writes."""
    measures = {}
    for file in Path(lineage).glob("gen=*/metrics.json"):
        if file.with_name("metrics.fingerprint.json").is_file():
            measures[int(file.parent.name.removeprefix("gen="))] = json.loads(file.read_text())
    return dict(sorted(measures.items()))


def write(lineage: str, measured: Records, folder: Path) -> None:
    """Write all generations of a lineage, in place of what was written before."""
    target = folder / Path(lineage).relative_to("data")
    shutil.rmtree(target, ignore_errors=True)
    with Live(str(target), report=None, save_dvc_exp=False, dvcyaml=None, monitor_system=False) as live:
        for generation, measures in measured.items():
            live.step = generation
            for name, value in measures.items():
                live.log_metric(name, value, timestamp=False)
            live.make_summary()


def follow(config: Path, folder: Path, every: float, once: bool) -> None:
    """Write each lineage when it has a generation more than before, until no one waits any more."""
    known: dict[str, Records] = {}
    while True:
        for lineage in lineages(config):
            measured = records(lineage)
            if measured and measured != known.get(lineage):
                write(lineage, measured, folder)
                known[lineage] = measured
                print(f"{lineage}: generations {', '.join(map(str, measured))}", flush=True)
        if once:
            return
        time.sleep(every)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--configfile", type=Path, required=True)
    parser.add_argument("--folder", type=Path, default=Path("dvclive"))
    parser.add_argument("--every", type=float, default=10.0)
    parser.add_argument("--once", action="store_true")
    options = parser.parse_args()
    follow(options.configfile, options.folder, options.every, options.once)
