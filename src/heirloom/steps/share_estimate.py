"""The synthetic share of a training set, estimated from its rows alone: the classifier sees what rows say, and no ancestry.

A classifier is trained for each generation, on the original rows and on the generation's own synthetic set.
"""

from __future__ import annotations

import numpy as np

from heirloom.data.dataset import Dataset
from heirloom.families.base import Sets
from heirloom.measures import synthetic_share
from heirloom.measures.synthetic_share import Estimate, Rows

PREFIX = "share_estimate."
"""Begins the names of what is estimated."""


def measure(sets: Sets, train: Dataset) -> dict[str, float]:
    """Return the estimated share of a training set's rows that models have written, beside which `ancestry.real_row_share` is the truth.

    ``share_estimate.synthetic``, its standard error ``share_estimate.se`` and ``share_estimate.power``, how well the classifier tells the
    two kinds apart (0 to 1). Of several replicas, each of which has a classifier, the mean. A generation of which no classifier can tell
    has the power alone.
    """
    is_text = "tokens" in train.pieces[0].columns
    classifier = synthetic_share.bigrams if is_text else synthetic_share.quadratic
    triples = zip(*(_replicas(rows, is_text=is_text) for rows in (train, sets.original, sets.sample)), strict=True)
    estimates = [synthetic_share.estimate(mixture, real, synthetic, classifier) for mixture, real, synthetic in triples]
    found = [one for one in estimates if one is not None]
    if not found:
        return {}
    power = float(np.mean([one.power for one in found]))
    return {f"{PREFIX}power": power, **_mean([one for one in found if np.isfinite(one.share)])}


def _mean(estimates: list[Estimate]) -> dict[str, float]:
    """Return the mean of independent estimates with its error."""
    if not estimates:
        return {}
    share = float(np.mean([one.share for one in estimates]))
    error = float(np.sqrt(np.sum([one.se**2 for one in estimates]))) / len(estimates)
    return {f"{PREFIX}synthetic": share, f"{PREFIX}se": error}


def _replicas(rows: Dataset, *, is_text: bool) -> list[Rows]:
    """Return the content of each replica's rows as a matrix; text has one replica."""
    if is_text:
        return [np.concatenate(list(rows.matrices("tokens")))]
    return list(rows.by_replica())
