"""What resampling alone does: the same comparison between two control generations of the same experiment and seed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from heirloom import paths
from heirloom.diffs.result import Control, DatasetDiff
from heirloom.diffs.sides import Place, locate, open_side
from heirloom.errors import HeirloomError
from heirloom.lineage import folders

if TYPE_CHECKING:
    from heirloom.diffs.engine import Options

REGIME = "control"


def control(a: str | Path, b: str | Path, found: DatasetDiff, options: Options) -> Control:
    """Return the distance between the control generations of A's and B's numbers, and how many times as far A and B are apart.

    Generation 0 is shared by all regimes: it stands for itself.

    Raises
    ------
    HeirloomError
        If A or B is no generation of a lineage, both are the same generation, or the experiment has no control on disk.
    """
    from heirloom.diffs.engine import compare

    pair = [_of(locate(one)) for one in (a, b)]
    if pair[0] == pair[1]:
        raise HeirloomError(f"--against-control: {a} and {b} are the same generation of one experiment; compare two generations")
    sides = [open_side(locate(path)) for path in pair]
    between = compare(sides[0], sides[1], options)
    distance = between.distribution.distance if between.distribution else 0.0
    own = found.distribution.distance if found.distribution else 0.0
    return Control(sides[0].place.name, sides[1].place.name, distance, own / distance if distance else None)


def _of(place: Place) -> str:
    """Return the path of the control's generation that answers to a place."""
    known = folders.keys(place.recorded or "", paths.GENERATION)
    if known is None:
        raise HeirloomError(f"--against-control: {place.name} is no generation of a lineage, so it has no control")
    name = Path(place.recorded or "").name
    twin = paths.fill(f"{paths.GENERATION}/{name}", known["experiment"], REGIME, known["seed"], known["generation"])
    if not Path(twin).exists():
        raise HeirloomError(
            f"--against-control: {twin} does not exist; give the experiment a regime named {REGIME}, or fetch it with dvc pull"
        )
    return twin
