"""The colours of all figures, and the look of each regime's line.

Colours are those of Okabe and Ito 2008, told apart by colour-blind readers, and a control is dashed grey as well. Generations and frequency
bands are ordered, so they get an ordered scale (viridis).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from heirloom.specs.regime import Regime

PALETTE = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
PLACES = {"replace": 0, "keep": 1, "accumulate": 2, "fresh": 3, "accumulate_fixed": 4}
SOLID: tuple[int, ...] = (1, 0)
DASHED: tuple[int, ...] = (6, 3)
DOTTED: tuple[int, ...] = (2, 3)
GREY, BLACK, BLUE, ORANGE = "#666666", "#000000", "#0072B2", "#D55E00"
VIRIDIS = ("#440154", "#414487", "#2A788E", "#22A884", "#7AD151", "#D4B300")


@dataclass(frozen=True)
class Look:
    """Colour and dashes of a regime's line."""

    colour: str
    dashes: tuple[int, ...] = SOLID


def looks(regimes: Mapping[str, Regime]) -> dict[str, Look]:
    """Return the look of each regime: usual names have their own colour, other names get free colours, controls are dashed grey.

    A control is a regime whose rows are all redrawn from the real pool, whatever its name; one that grows has other dashes. More regimes
    than colours begin again with dashed lines.
    """
    arms = [name for name in sorted(regimes) if not regimes[name].is_control]
    usual = {name: PLACES[name] for name in arms if name in PLACES}
    free_places = [place for place in range(len(PALETTE) + len(arms)) if place not in usual.values()]
    others = [name for name in arms if name not in usual]
    places = usual | dict(zip(others, free_places, strict=False))
    dashes = (SOLID, (8, 2), (4, 2), DOTTED)
    arm_looks = {}
    for name, place in places.items():
        cycle, colour = divmod(place, len(PALETTE))
        arm_looks[name] = Look(PALETTE[colour], dashes[cycle % len(dashes)])
    control_looks = {name: Look(GREY, DOTTED if regime.growth else DASHED) for name, regime in regimes.items() if regime.is_control}
    return arm_looks | control_looks


def ramp(count: int) -> list[str]:
    """Return colours spread evenly over the ordered scale, darkest first."""
    num_steps = max(1, count - 1)
    last_colour = len(VIRIDIS) - 1
    return [VIRIDIS[round(step * last_colour / num_steps)] for step in range(count)]
