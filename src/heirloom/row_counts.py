"""Which row counts a config asks for, and whether its sources can meet them: arithmetic only, before any job starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from heirloom.errors import HeirloomError
from heirloom.specs.regime import Regime
from heirloom.specs.sizes import MOST_NUMBERS, MOST_ROWS
from heirloom.specs.vector_source import CategoricalSource, Uniform, VectorSource, Zipf

if TYPE_CHECKING:
    from heirloom.specs.experiment import Experiment


def check(name: str, experiment: Experiment, regimes: Mapping[str, Regime], pool_rows: int | None = None) -> None:
    """Check every need for real rows against what is known to exist.

    Parameters
    ----------
    pool_rows
        Rows of the real training pool, a replica; None where it has not been counted.

    Raises
    ------
    HeirloomError
        With one line a fault of `faults`, naming the experiment.
    """
    if found := list(faults(experiment, experiment.regimes, regimes, pool_rows)):
        raise HeirloomError(*(f"experiments.{name}: {fault}" for fault in found))


def faults(experiment: Experiment, names: Sequence[str], regimes: Mapping[str, Regime], pool_rows: int | None = None) -> Iterator[str]:
    """Yield what is wrong with the row counts of an experiment under some of its regimes.

    The original set, the prompts or a regime needs more real rows than exist, or a regime's shares cannot be met in whole rows, or a
    generation is too small for the family, or a set is too large for any machine. Each line names the keys; of each regime the
    first generation that has a fault is told.

    Parameters
    ----------
    names
        The regimes that are looked at.
    pool_rows
        Rows of the real training pool, a replica; None where it has not been counted.
    """
    if isinstance(experiment.source, VectorSource):
        pool_rows = experiment.source.rows
    if too_large := list(_too_large(experiment, names, regimes)):
        yield from too_large
        return
    for what, rows, there in _needs(experiment, names, regimes, pool_rows):
        if there is not None and rows > there:
            yield f"{what} needs {rows} real rows, but there are {there}"
    smallest = min(experiment.rows, experiment.original_rows or pool_rows or experiment.rows)
    if smallest < (fewest := experiment.family.fewest_rows):
        family = experiment.family.name
        yield f"{family!r} as set needs at least {fewest} rows, but a generation has {smallest}: see family.training"
    for name in names:
        generations = range(1, experiment.generations + 1 if regimes[name].growth else 2)
        first = next(((g, found) for g in generations if (found := list(_faults(regimes[name], experiment, g)))), None)
        if first is not None:
            yield from (f"regime {name!r}, generation {first[0]}: {fault}" for fault in first[1])


def _too_large(experiment: Experiment, names: Sequence[str], regimes: Mapping[str, Regime]) -> Iterator[str]:
    """Yield which sets have more rows, or more numbers in all replicas together, than any machine holds."""
    source, last = experiment.source, experiment.generations
    numbers = experiment.num_replicas * source.row_numbers
    sets = {"rows": experiment.rows, "origin_rows": experiment.original_rows or 1, "source.rows": source.pool_rows or 1}
    for name in names:
        largest = max(regimes[name].budget_rows(experiment.rows, last), regimes[name].sampled_rows(experiment.rows, last))
        sets[f"regime {name!r}, generation {last}"] = largest * (last if regimes[name].synthetic == "all" else 1)
    if (inside := _model_numbers(experiment)) > MOST_NUMBERS:
        yield f"a generation's models have {inside:.4g} numbers in all replicas, at most {MOST_NUMBERS:,} are allowed"
    for what, rows in sets.items():
        if rows > MOST_ROWS:
            yield f"{what}: {rows:.4g} rows, at most {MOST_ROWS:,} are allowed"
        elif rows * numbers > MOST_NUMBERS:
            yield f"{what}: {rows * numbers:.4g} numbers in {rows:,} rows of all replicas, at most {MOST_NUMBERS:,} are allowed"


def _model_numbers(experiment: Experiment) -> int:
    """Return how many numbers the models of a generation are, all replicas together."""
    match experiment.source:
        case CategoricalSource(law=Uniform(types=types) | Zipf(types=types)):
            return experiment.num_replicas * types
    return experiment.model_size.parameters


def most_needed(experiment: Experiment, regimes: Mapping[str, Regime]) -> int:
    """Return how many rows the real training pool must have at least."""
    return max(rows for _, rows, _ in _needs(experiment, experiment.regimes, regimes, None))


def _faults(regime: Regime, experiment: Experiment, generation: int) -> Iterator[str]:
    """Yield why the shares of one generation's budget cannot be met in whole rows."""
    budget = regime.budget_rows(experiment.rows, generation)
    shares = {"original.share": regime.original.share if regime.original else 0.0, "fresh": regime.fresh, "pool": regime.pool}
    counts = regime.real_rows(budget)
    yield from (
        f"{key} {share:g} of {budget} rows is less than half a row; raise it, or `rows`"
        for (key, share), count in zip(shares.items(), counts.values(), strict=True)
        if share and not count
    )
    real = sum(counts.values())
    if regime.budget == "fixed" and real > budget:
        yield f"the real shares round to {real} of {budget} rows; change them, or `rows`"
    if regime.synthetic != "none":
        yield from _lacking(regime, experiment, generation, budget - real if regime.budget == "fixed" else None)


def _lacking(regime: Regime, experiment: Experiment, generation: int, wanted: int | None) -> Iterator[str]:
    """Yield what synthetic rows are lacking; ``wanted`` is how many must fill the budget, None where all that are offered are taken."""
    sampled = regime.sampled_rows(experiment.rows, generation)
    kept = sum(regime.select.selected_rows(sampled)) if regime.select else sampled
    if kept < (least := 1 if wanted is None else wanted):
        yield f"{least} synthetic rows are needed, but {kept} of {sampled} are kept; raise `multiple`, `select.share` or `rows`"
    if regime.real_weight is not None and wanted == 0:
        yield "`real_weight` needs synthetic rows, but the real shares round to all rows; lower them, or raise `rows`"
    drawn, dim = sampled if wanted is None else wanted, experiment.source.row_numbers
    if not experiment.has_rows and 0 < drawn < experiment.family.fewest_drawn(dim):
        yield f"family.path: statistics needs more synthetic rows than dimensions ({dim}), got {drawn}; use path: rows"


def _needs(
    experiment: Experiment, names: Sequence[str], regimes: Mapping[str, Regime], pool_rows: int | None
) -> Iterator[tuple[str, int, int | None]]:
    """Yield (what, rows needed, rows there; None where unknown)."""
    original, rows, last = experiment.original_rows or pool_rows, experiment.rows, experiment.generations
    yield "origin_rows", experiment.original_rows or 1, pool_rows
    for name in names:
        regime = regimes[name]
        budget = regime.budget_rows(rows, last)
        if regime.edit:
            yield f"regime {name!r} (one original row an edited row)", regime.sampled_rows(rows, last), original
        elif experiment.continues_rows:
            what = "rows" if regime.sampled_rows(rows, last) == rows else f"regime {name!r}"
            yield f"{what} (one original row a prompt)", regime.sampled_rows(rows, last), original
        if experiment.family.relabels:
            yield f"regime {name!r} (one row of the design a label)", regime.sampled_rows(rows, last), original
        if regime.original:
            yield f"regime {name!r} (original.share of rows)", regime.original.rows(budget), original
        yield f"regime {name!r} (pool)", regime.real_rows(budget)["pool"], pool_rows
        if fresh := sum(regime.fresh_rows(rows, last)):
            what = f"regime {name!r} (original set and fresh rows of {last} generations)"
            yield what, (original or 1) + fresh, pool_rows
