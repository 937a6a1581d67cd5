"""One experiment's measures as small tables that are looked up, not searched for: generations by seeds, per measure and arm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heirloom.artefacts import kinds

if TYPE_CHECKING:
    import pandas as pd

ByArm = dict[tuple[str, str], "pd.DataFrame"]


def tables(own: pd.DataFrame) -> ByArm:
    """Return (metric, regime) → table with one row per generation and one column per seed, both ascending.

    Parameters
    ----------
    own
        The tidy rows of one experiment.
    """
    wide = own.set_index(["metric", "regime", "generation", "seed"])["value"].unstack("seed")  # keeps what is not a number
    return {(str(metric), str(regime)): part.droplevel([0, 1]) for (metric, regime), part in wide.groupby(level=[0, 1], sort=False)}


def joined(known: ByArm, metric: str, regime: str) -> pd.DataFrame | None:
    """Return an arm's table with the origin's row of generation 0 at its head; None if the arm does not have the metric."""
    import pandas as pd

    if (metric, regime) not in known:
        return None
    parts = [known[metric, arm] for arm in (kinds.ORIGIN, regime) if (metric, arm) in known]
    return pd.concat(parts).sort_index()
