"""What an arm is given and what it has to do, by arithmetic from the config: rows of each replica, over all generations."""

from __future__ import annotations

from typing import NamedTuple

from heirloom.lineage.settings import by_dotted_key
from heirloom.specs.experiment import Experiment
from heirloom.specs.judges import ModelJudge
from heirloom.specs.ranking import seen_real_rows
from heirloom.specs.regime import Regime
from heirloom.specs.selection import Select, selected_rows

_READS = {"likelihood": 1, "parent": 1, "detector": 2}
"""Likelihood that judges → models that read a row for its score."""
_EDITING = 2
"""Models that look at an edited row: the origin and the parent."""


class Effort(NamedTuple):
    """What an arm is given and does.

    Attributes
    ----------
    real_rows
        Real rows that a generation is trained on, mean over generations.
    distinct_real_rows
        Different real rows that any model of the lineage is trained on, the origin's among them; on average where rows are redrawn.
    pseudo_rows
        Rows of a prior, which every fit counts beside its own.
    rows_sampled
        Synthetic rows that models write, over all generations.
    model_calls
        Rows that a model writes or reads for a judge, over all generations.
    tokens_trained
        Tokens, of vectors numbers, that trainings read, every pass counted, over all generations after the origin.
    """

    real_rows: float
    distinct_real_rows: float
    pseudo_rows: float
    rows_sampled: int
    model_calls: int
    tokens_trained: int


def effort(experiment: Experiment, regime: Regime) -> Effort:
    """Return what an arm of an experiment is given and does."""
    rows, generations = experiment.rows, range(1, experiment.generations + 1)
    trained = [regime.trained_rows(rows, g) for g in generations]
    sampled = [0 if regime.synthetic == "none" else regime.sampled_rows(rows, g) for g in generations]
    reads = [_judge_reads(regime, num_rows) for num_rows in sampled]
    writes = _EDITING if regime.edit else 1
    numbers_of_row = experiment.text.row_tokens if experiment.text else experiment.source.row_numbers
    prior_rows = by_dotted_key(experiment.family.model_dump()).get("training.prior.rows")
    return Effort(
        real_rows=sum(seen_real_rows(regime, rows, g) for g in generations) / len(generations),
        distinct_real_rows=_distinct_real_rows(experiment, regime),
        pseudo_rows=float(prior_rows) if isinstance(prior_rows, float) else 0.0,
        rows_sampled=sum(sampled),
        model_calls=writes * sum(sampled) + sum(reads),
        tokens_trained=sum(round(experiment.family.passes(g) * trained[g - 1] * numbers_of_row) for g in generations),
    )


def _judge_reads(regime: Regime, num_rows: int) -> int:
    """Return how often models read a generation's rows for the judges, each of which is given what the one before has kept."""
    reads = 0
    for place, judge in enumerate(regime.judges):
        given_rows = selected_rows(regime.judges[:place], num_rows)
        reads += _models(judge) * given_rows
    return reads


def _models(judge: Select) -> int:
    """Return how many models read a row for a judge's score; a number of the row and a program need none that is ours."""
    match judge.asks:
        case str(likelihood):
            return _READS[likelihood]
        case ModelJudge():
            return 1
    return 0


def _distinct_real_rows(experiment: Experiment, regime: Regime) -> float:
    """Return the original rows, all fresh ones, and those of N pool rows that draws of c_g rows are expected to hit beside them.

    A row outside of the original set is left by all draws with the probability prod (1 - c_g / N).
    """
    rows, last = experiment.rows, experiment.generations
    originals = float(experiment.original_rows or rows)
    fresh = float(sum(regime.fresh_rows(rows, last)))
    pool_rows = experiment.source.pool_rows
    never_drawn = 1.0
    for generation in range(1, last + 1):
        drawn = regime.at(generation).real_rows(regime.budget_rows(rows, generation))["pool"]
        never_drawn *= 1 - drawn / pool_rows if pool_rows else 1.0
    others = max(0.0, (pool_rows or originals) - originals)
    return originals + fresh + others * (1 - never_drawn)
