"""Named curves: numbers of the world by date, which a config can name in place of a list."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Literal

from pydantic import Field

from heirloom.specs.base import Strict

WEB_START = "2022-11"
"""Month 0: the release of the first widely used assistant."""
WEB_FLOW = ((0.0, 0.0), (12.0, 0.359), (24.0, 0.48), (26.0, 0.50))
"""(months after `WEB_START`, share of newly published articles that a machine has mostly written), straight in between, constant behind.

Graphite, second edition, as the press reported it on 15 May 2026: 55,400 English articles and listicles of at least 100 words from Common
Crawl, published from January 2020 to March 2026, the mean of three detectors (Pangram, GPTZero, Copyleaks): 35.9 % within a year of
November 2022, 48 % within two, about 50 % since early 2025. Detectors err, and paywalls, filters and deduplication are left out. It is a
flow of new pages: a corpus is a stock, whose share is far lower. The straight lines between these numbers are ours.
"""


class Curve(Strict):
    """A named curve at the dates of the generations."""

    curve: Literal["web"] = Field(
        description="`web`: the share of newly published English articles that people have written, 1 in November 2022, 0.52 two years "
        "later, 0.50 from early 2025 (`heirloom.specs.curves.WEB_FLOW`)."
    )
    months_per_generation: float = Field(gt=0.0, le=1200.0, description="Months from one generation to the next; generation 0 is month 0.")

    def value(self, generation: int) -> float:
        """Return the share of rows that people have written at a generation."""
        return 1.0 - machine_share(self.months_per_generation * generation)

    @property
    def num_values(self) -> int:
        """Generations from 1 on until the curve no longer changes."""
        return max(1, math.ceil(WEB_FLOW[-1][0] / self.months_per_generation))


def machine_share(months: float) -> float:
    """Return the share of newly published articles that a machine has mostly written, so many months after `WEB_START`."""
    for (start, low), (end, high) in pairwise(WEB_FLOW):
        if months <= end:
            return low + (high - low) * (max(months, start) - start) / (end - start)
    return WEB_FLOW[-1][1]


def stock_share(flow: tuple[float, ...], volumes: tuple[float, ...], human_stock: float) -> float:
    """Return the machine-written share of a corpus that began without any: sum(v f) / (V_0 + sum(v)).

    Parameters
    ----------
    flow, volumes
        Machine-written share f and volume v of what is added in each period.
    human_stock
        V_0, in the unit of the volumes.
    """
    return sum(share * volume for share, volume in zip(flow, volumes, strict=True)) / (human_stock + sum(volumes))
