"""Which row counts a config asks for, and whether its sources can meet them: arithmetic only, before any job starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from heirloom.errors import HeirloomError
from heirloom.specs.regime import Regime
from heirloom.specs.selection import selected_rows
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
        With one line per fault of `faults`, naming the experiment.
    """
    messages = [f"experiments.{name}: {fault}" for fault in faults(experiment, experiment.regimes, regimes, pool_rows)]
    if messages:
        raise HeirloomError(*messages)


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
        Rows of the real training pool, a replica; None where it has not been counted. A member of a population has a share of them.
    """
    if isinstance(experiment.source, VectorSource):
        pool_rows = experiment.source.rows
    if pool_rows is not None:
        pool_rows = experiment.share_rows(pool_rows)
    oversizes = list(_oversizes(experiment, names, regimes))
    if oversizes:
        yield from oversizes
        return
    for purpose, rows, available in _needs(experiment, names, regimes, pool_rows):
        if available is not None and rows > available:
            yield f"{purpose} needs {rows} real rows, but there are {available}"
    original_rows = experiment.original_rows or pool_rows or experiment.rows
    smallest, fewest = min(experiment.rows, original_rows), experiment.family.fewest_rows
    if smallest < fewest:
        family = experiment.family.name
        yield f"{family!r} as set needs at least {fewest} rows, but a generation has {smallest}: see family.training"
    for name in names:
        yield from _first_faults(name, regimes[name], experiment)


def _first_faults(name: str, regime: Regime, experiment: Experiment) -> Iterator[str]:
    """Yield the faults of the first generation of a regime that has one."""
    for generation in regime.turns(experiment.generations):
        generation_faults = list(_faults(regime, experiment, generation))
        if generation_faults:
            yield from (f"regime {name!r}, generation {generation}: {fault}" for fault in generation_faults)
            return


def _oversizes(experiment: Experiment, names: Sequence[str], regimes: Mapping[str, Regime]) -> Iterator[str]:
    """Yield which sets have more rows, or more numbers in all replicas together, than any machine holds."""
    source, last = experiment.source, experiment.generations
    numbers = experiment.num_replicas * source.row_numbers
    sets = {"rows": experiment.rows, "origin_rows": experiment.original_rows or 1, "source.rows": source.pool_rows or 1}
    for name in names:
        regime = regimes[name]
        turns = regime.turns(last)
        largest = max(max(regime.budget_rows(experiment.rows, g), regime.sampled_rows(experiment.rows, g)) for g in turns)
        num_sets = last if regime.synthetic == "all" else 1
        sets[f"regime {name!r}, generation {last}"] = largest * num_sets
    model_numbers = _model_numbers(experiment)
    if model_numbers > MOST_NUMBERS:
        yield f"a generation's models have {model_numbers:.4g} numbers in all replicas, at most {MOST_NUMBERS:,} are allowed"
    for place, rows in sets.items():
        if rows > MOST_ROWS:
            yield f"{place}: {rows:.4g} rows, at most {MOST_ROWS:,} are allowed"
        elif rows * numbers > MOST_NUMBERS:
            yield f"{place}: {rows * numbers:.4g} numbers in {rows:,} rows of all replicas, at most {MOST_NUMBERS:,} are allowed"


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
    budget, regime = regime.budget_rows(experiment.rows, generation), regime.at(generation)
    shares = {"original.share": regime.original.share if regime.original else 0.0, "fresh": regime.fresh, "pool": regime.pool}
    counts = regime.real_rows(budget)
    for (key, share), count in zip(shares.items(), counts.values(), strict=True):
        if share and not count:
            yield f"{key} {share:g} of {budget} rows is less than half a row; raise it, or `rows`"
    num_real = sum(counts.values())
    if regime.budget == "fixed" and num_real > budget:
        yield f"the real shares round to {num_real} of {budget} rows; change them, or `rows`"
    if regime.synthetic != "none":
        yield from _synthetic_faults(regime, experiment, generation, budget - num_real if regime.budget == "fixed" else None)


def _synthetic_faults(regime: Regime, experiment: Experiment, generation: int, demand: int | None) -> Iterator[str]:
    """Yield what synthetic rows are lacking; ``demand`` is how many must fill the budget, None where all that are offered are taken."""
    num_sampled = regime.sampled_rows(experiment.rows, generation)
    supply = selected_rows(regime.judges, num_sampled)
    fewest = 1 if demand is None else demand
    if supply < fewest:
        yield f"{fewest} synthetic rows are needed, but {supply} of {num_sampled} are kept; raise `multiple`, `select.share` or `rows`"
    if regime.real_weight is not None and demand == 0:
        yield "`real_weight` needs synthetic rows, but the real shares round to all rows; lower them, or raise `rows`"
    if experiment.has_rows:
        return
    num_synthetic, dim = num_sampled if demand is None else demand, experiment.source.row_numbers
    if 0 < num_synthetic < experiment.family.fewest_drawn(dim):
        yield f"family.path: statistics needs more synthetic rows than dimensions ({dim}), got {num_synthetic}; use path: rows"


def _needs(
    experiment: Experiment, names: Sequence[str], regimes: Mapping[str, Regime], pool_rows: int | None
) -> Iterator[tuple[str, int, int | None]]:
    """Yield (purpose, rows needed, rows available; None where unknown)."""
    original, rows, last = experiment.original_rows or pool_rows, experiment.rows, experiment.generations
    yield "origin_rows", experiment.original_rows or 1, pool_rows
    for name in names:
        regime = regimes[name]
        turns = regime.turns(last)
        num_prompts = max(regime.candidate_rows(rows, generation) for generation in turns)
        real_rows = [regime.at(generation).real_rows(regime.budget_rows(rows, generation)) for generation in turns]
        if regime.edit:
            yield f"regime {name!r} (one original row an edited row)", num_prompts, original
        elif experiment.continues_rows:
            purpose = "rows" if num_prompts == rows else f"regime {name!r}"
            yield f"{purpose} (one original row per prompt)", num_prompts, original
        if experiment.family.relabels:
            yield f"regime {name!r} (one row of the design a label)", num_prompts, original
        if regime.original:
            yield f"regime {name!r} (original.share of rows)", max(counts["original"] for counts in real_rows), original
        yield f"regime {name!r} (pool)", max(counts["pool"] for counts in real_rows), pool_rows
        num_fresh = sum(regime.fresh_rows(rows, last))
        if num_fresh:
            purpose = f"regime {name!r} (original set and fresh rows of {last} generations)"
            yield purpose, (original or 1) + num_fresh, pool_rows
