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
from heirloom.diffs.comparison import Options, compare
from heirloom.diffs.result import Control, DatasetDiff
from heirloom.diffs.sides import Side, locate
from heirloom.errors import HeirloomError
from heirloom.lineage.settings import setting
from heirloom.specs.regime import Regime

REGIME = "control"
"""The control of lineages whose manifests do not say how their training sets were mixed."""


def control(a: str | Path, b: str | Path, found: DatasetDiff, options: Options) -> Control:
    """Return the distance between the control generations of A's and B's numbers, and how many times as far A and B are apart.

    Generation 0 is shared by all regimes: it stands for itself.

    Raises
    ------
    HeirloomError
        If A or B is no generation of a lineage, both are the same generation, or the experiment has no control of as many rows on disk.
    """
    pair = [_of(locate(one)) for one in (a, b)]
    if pair[0] == pair[1]:
        raise HeirloomError(f"--against-control: {a} and {b} are the same generation of one experiment; compare two generations")
    sides = [locate(path) for path in pair]
    between = compare(sides[0], sides[1], options)
    distance = between.distribution.distance if between.distribution else 0.0
    own = found.distribution.distance if found.distribution else 0.0
    return Control(sides[0].name, sides[1].name, distance, own / distance if distance else None)


def _of(side: Side) -> str:
    """Return the path of the control's generation that answers to a side."""
    known = kinds.GENERATION.wildcards(side.path_here)
    if known is None:
        raise HeirloomError(f"--against-control: {side.name} is no generation of a lineage, so it has no control")
    regime, name = _regime(known), Path(side.path_here).name
    twin = f"{kinds.GENERATION.path(known['experiment'], regime, known['seed'], known['generation'])}/{name}"
    if not Path(twin).exists():
        raise HeirloomError(
            f"--against-control: {twin} does not exist; give the experiment a regime named {regime}, or fetch it with dvc pull"
        )
    return twin


def _regime(known: Mapping[str, str]) -> str:
    """Return the regime that is the control of a generation's lineage."""
    mixed = _mixed(known)
    if mixed is None:
        return REGIME
    arm, rows = mixed
    generations = int(known["generation"])
    others = {regime: _mixed({**known, "regime": regime}) for regime in _regimes(known)}
    arms = {regime: other[0] for regime, other in others.items() if other is not None}
    regime = controls.first_of_equal_size(arm, arms, rows, generations)
    if regime is None:
        control = controls.matching_control(arm, rows, generations)
        cure = "" if control is None else f"; give it `{controls.yaml_line(controls.control_name(control, arms), control)}`"
        raise HeirloomError(
            f"--against-control: no regime of {known['experiment']} is trained on real rows alone, as many as {known['regime']}{cure}"
        )
    return regime


def _regimes(known: Mapping[str, str]) -> list[str]:
    """Return the regimes of an experiment that have a lineage of a generation's seed here."""
    pattern = kinds.LINEAGE.path(known["experiment"], "*", known["seed"])
    here = (kinds.LINEAGE.wildcards(path.as_posix()) for path in sorted(Path().glob(pattern)))
    return [place["regime"] for place in here if place is not None]


def _mixed(known: Mapping[str, str]) -> tuple[Regime, int] | None:
    """Return how the training set of a generation was mixed, and from how many ``rows``; None where no manifest says so."""
    note = Path(paths.manifest(kinds.TRAIN.path(known["experiment"], known["regime"], known["seed"], known["generation"])))
    if not note.is_file():
        return None
    made: Mapping[str, Any] = read_json(note).get("slice", {})
    mixing, rows = setting(made, "mixing"), setting(made, "rows")
    try:
        return (Regime.model_validate(mixing), int(rows)) if mixing is not None else None
    except ValidationError:  # of a version whose regimes were others
        return None
