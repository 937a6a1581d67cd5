"""On which scale the seeds of a measure are averaged: what each module of measures declares of its signs, put together.

A measure that stands in ``POSITIVE`` of its module is averaged on the logarithm. A measure that stands in ``NONNEGATIVE`` can be 0, and is
averaged as it is; a ratio of either is averaged on the logarithm. A measure that stands in neither may have any sign.
"""

from __future__ import annotations

from collections.abc import Iterable

from heirloom.measures import answers, categorical, images, mixtures, ngrams, tables, text, vectors

POSITIVE = (*text.POSITIVE, *vectors.POSITIVE, *mixtures.POSITIVE, *categorical.POSITIVE, *images.POSITIVE)
NONNEGATIVE = (
    *text.NONNEGATIVE,
    *answers.NONNEGATIVE,
    *ngrams.NONNEGATIVE,
    *vectors.NONNEGATIVE,
    *mixtures.NONNEGATIVE,
    *categorical.NONNEGATIVE,
    *tables.NONNEGATIVE,
)

_LOGARITHMIC = ".mean_log"
"""Ends the name of a metric that is a logarithm already."""


def is_positive(metric: str) -> bool:
    """Return whether a metric, such as ``covariance_trace.median``, is declared to lie above 0."""
    return _is_one_of(metric, POSITIVE)


def is_amount(metric: str) -> bool:
    """Return whether a metric is declared to lie at 0 or above, so that ratios of it make sense."""
    return _is_one_of(metric, (*POSITIVE, *NONNEGATIVE))


def _is_one_of(metric: str, names: Iterable[str]) -> bool:
    return not metric.endswith(_LOGARITHMIC) and any(metric == name or metric.startswith(f"{name}.") for name in names)
