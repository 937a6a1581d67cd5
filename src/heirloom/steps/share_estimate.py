"""The synthetic share of a training set, estimated from its rows alone: the classifier sees what rows say, and no ancestry.

A classifier is trained for each generation, on the original rows and on the generation's own synthetic set.
"""

from __future__ import annotations

import numpy as np

from heirloom.data.dataset import Dataset
from heirloom.families.base import Sets
from heirloom.measures import synthetic_share
from heirloom.measures.synthetic_share import Rows

PREFIX = "share_estimate."
"""Begins the names of what is estimated."""


def measure(sets: Sets, train: Dataset) -> dict[str, float]:
    """Return the estimated share of a training set's rows that models have written, beside which `ancestry.real_row_share` is the truth.

    ``share_estimate.synthetic``, its standard error ``share_estimate.se`` and ``share_estimate.power``, how much higher synthetic rows
    score than real ones (at most 1). Each of several replicas has a classifier, and their scores are read together. A generation of which
    the classifiers cannot tell has the power alone.
    """
    is_text = "tokens" in train.pieces[0].columns
    classifier = synthetic_share.bigrams if is_text else synthetic_share.quadratic
    triples = zip(*(_replicas(rows, is_text=is_text) for rows in (train, sets.original, sets.sample)), strict=True)
    parts = [synthetic_share.scored(mixture, real, synthetic, classifier) for mixture, real, synthetic in triples]
    whole_parts = [part for part in parts if part is not None]
    if not whole_parts:
        return {}
    share, error, power = synthetic_share.estimate(synthetic_share.together(whole_parts))
    found = {} if np.isnan(share) else {f"{PREFIX}synthetic": share, f"{PREFIX}se": error}
    return {f"{PREFIX}power": power, **found}


def _replicas(rows: Dataset, *, is_text: bool) -> list[Rows]:
    """Return the content of each replica's rows as a matrix; text has one replica."""
    if is_text:
        return [np.concatenate(list(rows.matrices("tokens")))]
    return list(rows.by_replica())
