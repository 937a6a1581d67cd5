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
        If the original set, the prompts or a regime needs more real rows than exist, or a regime's shares cannot be met in whole rows, or a
        generation is too small for the family; the message names the keys.
    """
    if isinstance(experiment.source, VectorSource):
        pool_rows = experiment.source.rows
    for what, rows, there in _needs(experiment, regimes, pool_rows):
        if there is not None and rows > there:
            raise HeirloomError(f"experiments.{name}: {what} needs {rows} real rows, but there are {there}")
    smallest = min(experiment.rows, experiment.original_rows or pool_rows or experiment.rows)
    if smallest < (fewest := getattr(experiment.family, "fewest_rows", 1)):
        family = experiment.family.name
        fault = f"{family!r} as set needs at least {fewest} rows, but a generation has {smallest}: see family.training"
        raise HeirloomError(f"experiments.{name}: {fault}")
    for regime in experiment.regimes:
        for generation in range(1, experiment.generations + 1 if regimes[regime].growth else 2):
            for fault in _faults(regimes[regime], experiment, generation):
                raise HeirloomError(f"experiments.{name}: regime {regime!r}, generation {generation}: {fault}")


def most_needed(experiment: Experiment, regimes: Mapping[str, Regime]) -> int:
    """Return how many rows the real training pool must have at least."""
    return max(rows for _, rows, _ in _needs(experiment, regimes, None))


def _faults(regime: Regime, experiment: Experiment, generation: int) -> Iterator[str]:
    """Yield why the shares of one generation's budget cannot be met in whole rows."""
    budget = regime.budget_rows(experiment.rows, generation)
    shares = {"original.share": regime.original.share if regime.original else 0.0, "fresh": regime.fresh, "pool": regime.pool}
    yield from (
        f"{key} {share:g} of {budget} rows is less than half a row; raise it, or `rows`"
        for key, share in shares.items()
        if share and not round(share * budget)
    )
    real = sum(round(share * budget) for share in shares.values())
    if regime.budget == "fixed" and real > budget:
        yield f"the real shares round to {real} of {budget} rows; change them, or `rows`"
    if regime.synthetic != "none":
        yield from _lacking(regime, experiment, generation, budget - real if regime.budget == "fixed" else None)


def _lacking(regime: Regime, experiment: Experiment, generation: int, wanted: int | None) -> Iterator[str]:
    """Yield what synthetic rows are lacking; ``wanted`` is how many must fill the budget, None where all that are offered are taken."""
    sampled = regime.sampled_rows(experiment.rows, generation)
    kept = sum(regime.select.kept(sampled)) if regime.select else sampled
    if kept < (least := 1 if wanted is None else wanted):
        yield f"{least} synthetic rows are needed, but {kept} of {sampled} are kept; raise `multiple`, `select.share` or `rows`"
    if regime.real_weight is not None and wanted == 0:
        yield "`real_weight` needs synthetic rows, but the real shares round to all rows; lower them, or raise `rows`"
    drawn, dim = sampled if wanted is None else wanted, getattr(experiment.source, "dim", 1)
    if experiment.family.name == "gaussian" and not experiment.has_rows and 0 < drawn <= dim:
        yield f"family.path: statistics needs more synthetic rows than dimensions ({dim}), got {drawn}; use path: rows"


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
        if experiment.family.name == "linear_regression":
            yield f"regime {name!r} (one row of the design a label)", regime.sampled_rows(rows, last), original
        if regime.original:
            yield f"regime {name!r} (original.share of rows)", round(regime.original.share * budget), original
        yield f"regime {name!r} (pool)", round(regime.pool * budget), pool_rows
        if fresh := sum(regime.fresh_rows(rows, last)):
            what = f"regime {name!r} (original set and fresh rows of {last} generations)"
            yield what, (original or 1) + fresh, pool_rows
