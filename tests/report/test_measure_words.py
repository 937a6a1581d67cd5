"""What the page says of each measure."""

from __future__ import annotations

import pytest

from heirloom.measures import scales, stages
from heirloom.report import measure_words, tables
from heirloom.report.summary_metrics import LABELS

DECLARED = {*stages.DIRECTIONS, *scales.POSITIVE, *scales.NONNEGATIVE, *LABELS, *tables.TEXT_HEADLINES, *tables.VECTOR_HEADLINES}
"""Every measure that the code declares a sign, a direction or a place of."""


@pytest.mark.parametrize("measure", sorted(DECLARED))
def test_every_declared_measure_has_words_and_a_definition(measure: str) -> None:
    told = measure_words.of_metric(measure)
    assert told.group != measure_words.OTHERS
    assert told.definition.endswith(".")
    assert "{" not in told.words


@pytest.mark.parametrize(
    ("metric", "words", "direction"),
    [
        ("test_perplexity", "perplexity on real text", "rises when a model collapses"),
        ("covariance_trace.median", "variance, median over chains", "falls when a model collapses"),
        ("tail_survival.17-64", "words seen 17–64 times, still written", "falls when a model collapses"),
        ("tail_mass_97.5.mean", "rows beyond the true 97.5 %, mean over chains", ""),
        ("origin_perplexity.q99", "perplexity under generation 0, 99 % quantile", ""),
        ("mine.of_my_own", "mine.of_my_own", ""),
    ],
)
def test_a_metric_is_told_with_its_part_and_direction(metric: str, words: str, direction: str) -> None:
    told = measure_words.of_metric(metric)
    assert (told.words, told.direction) == (words, direction)


def test_groups_are_those_of_the_menu() -> None:
    used = {measure_words.of_metric(measure).group for measure in DECLARED}
    assert used <= set(measure_words.groups())
