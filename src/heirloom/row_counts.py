"""Which row counts a config asks for, and whether its sources can meet them: arithmetic only, before any job starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from heirloom.errors import HeirloomError
from heirloom.specs.regime import Regime
from heirloom.specs.vector_source import VectorSource

if TYPE_CHECKING:
    from heirloom.config import Experiment


def check(name: str, experiment: Experiment, regimes: Mapping[str, Regime], pool_rows: int | None = None) -> None:
    """Check every need for real rows against what is known to exist.

    Parameters
    ----------
    pool_rows
        Rows of the real training pool, a replica; None where it has not been counted.

    Raises
    ------
    HeirloomError
        If the original set, the prompts or a regime needs more real rows than exist; the message names the keys.
    """
    if isinstance(experiment.source, VectorSource):
        pool_rows = experiment.source.rows
    for what, rows, there in _needs(experiment, regimes, pool_rows):
        if there is not None and rows > there:
            raise HeirloomError(f"experiments.{name}: {what} needs {rows} real rows, but there are {there}")


def most_needed(experiment: Experiment, regimes: Mapping[str, Regime]) -> int:
    """Return how many rows the real training pool must have at least."""
    return max(rows for _, rows, _ in _needs(experiment, regimes, None))


def _needs(experiment: Experiment, regimes: Mapping[str, Regime], pool_rows: int | None) -> Iterator[tuple[str, int, int | None]]:
    """Yield (what, rows needed, rows there; None where unknown)."""
    original, rows, last = experiment.original_rows or pool_rows, experiment.rows, experiment.generations
    yield "origin_rows", experiment.original_rows or 1, pool_rows
    for name in experiment.regimes:
        regime = regimes[name]
        budget = regime.budget_rows(rows, last)
        if regime.edit:
            yield f"regime {name!r} (one original row an edited row)", regime.sampled_rows(rows, last), original
        elif getattr(experiment.family.sampling, "prompts", "none") == "original":
            what = "rows" if regime.sampled_rows(rows, last) == rows else f"regime {name!r}"
            yield f"{what} (one original row a prompt)", regime.sampled_rows(rows, last), original
        if regime.original:
            yield f"regime {name!r} (original.share of rows)", round(regime.original.share * budget), original
        yield f"regime {name!r} (pool)", round(regime.pool * budget), pool_rows
        if fresh := sum(regime.fresh_rows(rows, last)):
            what = f"regime {name!r} (original set and fresh rows of {last} generations)"
            yield what, (original or 1) + fresh, pool_rows
