"""What resampling alone does: the same comparison between two generations of the control, of the same experiment and seed.

The control is the regime that is trained on as many rows as the lineage, all real and redrawn, by what the manifests of both declare.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from heirloom import controls
from heirloom.artefacts import kinds, paths
from heirloom.artefacts.files import read_json
from heirloom.diffs.comparison import compare
from heirloom.diffs.options import Options
from heirloom.diffs.result import Control, DatasetDiff
from heirloom.diffs.sides import Side, locate
from heirloom.errors import HeirloomError
from heirloom.lineage.settings import setting
from heirloom.specs.regime import Regime

REGIME = "control"
"""The control of lineages whose manifests do not say how their training sets were mixed."""


def control(a: str | Path, b: str | Path, diff: DatasetDiff, options: Options) -> Control:
    """Return the distance between the control generations of A's and B's numbers, and how many times as far A and B are apart.

    Generation 0 is shared by all regimes: it stands for itself.

    Raises
    ------
    HeirloomError
        If A or B is no generation of a lineage, both are the same generation, or the experiment has no control of as many rows on disk.
    """
    path_a, path_b = (_control_path(locate(side)) for side in (a, b))
    if path_a == path_b:
        raise HeirloomError(f"--against-control: {a} and {b} are the same generation of one experiment; compare two generations")
    control_a, control_b = locate(path_a), locate(path_b)
    control_distance = _distance(compare(control_a, control_b, options))
    ratio = _distance(diff) / control_distance if control_distance else None
    return Control(control_a.name, control_b.name, control_distance, ratio)


def _distance(diff: DatasetDiff) -> float:
    return diff.distribution.distance if diff.distribution else 0.0


def _control_path(side: Side) -> str:
    """Return the path of the control's generation that answers to a side."""
    generation = kinds.GENERATION.wildcards(side.path_here)
    if generation is None:
        raise HeirloomError(f"--against-control: {side.name} is no generation of a lineage, so it has no control")
    regime, name = _regime(generation), Path(side.path_here).name
    folder = kinds.GENERATION.path(generation["experiment"], regime, generation["seed"], generation["generation"])
    path = f"{folder}/{name}"
    if not Path(path).exists():
        raise HeirloomError(
            f"--against-control: {path} does not exist; give the experiment a regime named {regime}, or fetch it with dvc pull"
        )
    return path


def _regime(generation: Mapping[str, str]) -> str:
    """Return the regime that is the control of a generation's lineage."""
    declaration = _declaration(generation)
    if declaration is None:
        return REGIME
    arm, rows = declaration
    num_generations = int(generation["generation"])
    declarations = {regime: _declaration({**generation, "regime": regime}) for regime in _regimes(generation)}
    arms = {regime: declared[0] for regime, declared in declarations.items() if declared is not None}
    regime = controls.first_of_equal_size(arm, arms, rows, num_generations)
    if regime is None:
        control = controls.matching_control(arm, rows, num_generations)
        cure = "" if control is None else f"; give it `{controls.yaml_line(controls.control_name(control, arms), control)}`"
        need = f"is trained on real rows alone, as many as {generation['regime']}"
        raise HeirloomError(f"--against-control: no regime of {generation['experiment']} {need}{cure}")
    return regime


def _regimes(generation: Mapping[str, str]) -> list[str]:
    """Return the regimes of an experiment that have a lineage of a generation's seed here."""
    pattern = kinds.LINEAGE.path(generation["experiment"], "*", generation["seed"])
    folders = sorted(Path().glob(pattern))
    lineages = (kinds.LINEAGE.wildcards(folder.as_posix()) for folder in folders)
    return [lineage["regime"] for lineage in lineages if lineage is not None]


def _declaration(generation: Mapping[str, str]) -> tuple[Regime, int] | None:
    """Return how the training set of a generation was mixed, and from how many ``rows``; None where no manifest says so."""
    train = kinds.TRAIN.path(generation["experiment"], generation["regime"], generation["seed"], generation["generation"])
    manifest = Path(paths.manifest(train))
    if not manifest.is_file():
        return None
    settings: Mapping[str, Any] = read_json(manifest).get("slice", {})
    mixing, rows = setting(settings, "mixing"), setting(settings, "rows")
    if mixing is None:
        return None
    try:
        return Regime.model_validate(mixing), int(rows)
    except ValidationError:  # of a version whose regimes were others
        return None
