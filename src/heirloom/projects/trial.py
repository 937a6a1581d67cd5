"""The text of a config for somebody's data, made smaller until a first look takes minutes, and tried where the project will be."""

from __future__ import annotations

import os
import tempfile
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import chdir
from pathlib import Path
from typing import Any

import yaml

from heirloom import config as configuration
from heirloom import preflight
from heirloom.artefacts import paths
from heirloom.artefacts.files import write_text
from heirloom.planning import plan as planning
from heirloom.projects import sizes
from heirloom.projects.choice import Choice

_SECONDS = 240
"""What the jobs may take by the plan, one after another: five minutes, less a start."""
_FEWEST_ROWS = 16
_REGIMES = """regimes:
  replace: {} # the newest synthetic set and nothing else
  keep: # a tenth of the original rows, redrawn in each generation
    original: {share: 0.1, draw: redrawn}
  control: # real rows only: what an equal model does without inheritance
    pool: 1.0
    synthetic: none
"""
_HEADER = """# Written by `heirloom init --data`, which said why each value was chosen. Every key is in schemas/config.schema.json.
schema_version: 1
num_threads: 1 # threads of one job; their number changes bytes

"""


def config_text(experiment: Mapping[str, Any], folder: Path, pool_rows: int) -> tuple[str, Choice]:
    """Return the text of a config that passes every check and whose jobs take minutes, and the choice of its sizes.

    Parameters
    ----------
    folder
        Where the project will be: paths are written as they are from there.

    Raises
    ------
    HeirloomError
        If the config does not pass `heirloom check --thorough`.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as place:
        placed_experiment = _from(Path(place), experiment)
        with chdir(place):
            row_counts, seconds = _fitting(placed_experiment)
            text = Path(paths.CONFIG).read_text(encoding="utf-8")
            preflight.thorough(configuration.load(Path(paths.CONFIG)))
    reason = f"of {pool_rows:,} training rows; {sizes.GENERATIONS} generations take {seconds / 60:.1f} min of a core by the plan"
    return text, Choice("origin_rows, rows", f"{row_counts['origin_rows']:,}, {row_counts['rows']:,}", reason)


def _fitting(experiment: Mapping[str, Any]) -> tuple[dict[str, int], float]:
    """Write the config of the largest row counts that take minutes, or else of the smallest, and return them with their seconds."""
    row_counts, seconds = {}, 0.0
    for row_counts in _smaller(experiment["origin_rows"], experiment["rows"]):
        write_text(Path(paths.CONFIG), _written({**experiment, **row_counts}))
        seconds = planning.plan(configuration.load(Path(paths.CONFIG)), {}).seconds
        if seconds <= _SECONDS:
            break
    return row_counts, seconds


def _smaller(origin_rows: int, rows: int) -> Iterator[dict[str, int]]:
    """Yield row counts, each smaller than the one before: first the origin's, which is the longest training, then all."""
    while True:
        yield {"origin_rows": origin_rows, "rows": rows}
        if origin_rows >= 4 * rows:
            origin_rows //= 2
        elif rows >= 2 * _FEWEST_ROWS:
            origin_rows, rows = origin_rows // 2, rows // 2
        else:
            return


def _written(experiment: Mapping[str, Any]) -> str:
    """Return the config's text: the family and the source first, the sizes last."""
    keys: dict[str, Any] = {"family": experiment["family"], "source": experiment["source"], "regimes": ["replace", "keep", "control"]}
    keys |= {"generations": sizes.GENERATIONS, "rows": experiment["rows"], "origin_rows": experiment["origin_rows"]}
    return f"{_HEADER}{_REGIMES}\nexperiments:\n  mine:\n{_block(keys | {'evaluation_rows': sizes.EVALUATION_ROWS})}"


class _Dumper(yaml.SafeDumper):
    """Writes text with an end of line in it between double quotes, on one line."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """Return the node of a text."""
        return self.represent_scalar("tag:yaml.org,2002:str", text, style='"' if "\n" in text else None)


_Dumper.add_representer(str, _Dumper.represent_text)


def _block(part: Mapping[str, Any]) -> str:
    """Return YAML as it stands under the name of an experiment."""
    text = yaml.dump(part, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100, default_flow_style=None)
    return textwrap.indent(text, "    ")


def _from(place: Path, experiment: Mapping[str, Any]) -> dict[str, Any]:
    """Return an experiment whose local paths are as they are from another folder."""

    def moved(path: Any) -> Any:
        if isinstance(path, dict):
            return {split: moved(paths_of_split) for split, paths_of_split in path.items()}
        if isinstance(path, list):
            return [moved(entry) for entry in path]
        return Path(os.path.relpath(path, place)).as_posix() if not Path(path).is_absolute() else path

    source, family = dict(experiment["source"]), dict(experiment["family"])
    if "paths" in source:
        source["paths"] = moved(source["paths"])
    elif Path(source["dataset"]).is_dir():
        source["dataset"] = moved(source["dataset"])
    if "model" in family and Path(family["model"]["path"]).is_dir():
        family["model"] = {"path": moved(family["model"]["path"])}
    return {**experiment, "source": source, "family": family}
