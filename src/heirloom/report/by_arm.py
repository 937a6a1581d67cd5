"""One experiment's measures as small tables, one per measure and arm: generations by seeds. A reader looks a table up by its key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heirloom.artefacts import kinds

if TYPE_CHECKING:
    import pandas as pd

ByArm = dict[tuple[str, str], "pd.DataFrame"]


def tables(rows: pd.DataFrame) -> ByArm:
    """Return (metric, regime) → table with one row per generation and one column per seed, both ascending.

    Parameters
    ----------
    rows
        The tidy rows of one experiment.
    """
    values = rows.set_index(["metric", "regime", "generation", "seed"])["value"]
    by_seed = values.unstack("seed")  # keeps what is not a number
    arms = by_seed.groupby(level=[0, 1], sort=False)
    return {(str(metric), str(regime)): arm.droplevel([0, 1]) for (metric, regime), arm in arms}


def with_origin(arms: ByArm, metric: str, regime: str) -> pd.DataFrame | None:
    """Return an arm's table with the origin's row of generation 0 at its head; None if the arm does not have the metric.

    Where the origin does not have the metric, the table is the arm's alone.
    """
    import pandas as pd

    if (metric, regime) not in arms:
        return None
    parts = [arms[metric, arm] for arm in (kinds.ORIGIN, regime) if (metric, arm) in arms]
    return pd.concat(parts).sort_index()
