"""What collapse loses, stage by stage: what each module of measures declares of its tails and of its bulk, put together.

Early collapse loses the tails while the bulk is intact; late collapse loses variance, diversity or likeness (Shumailov et al. 2024).
"""

from __future__ import annotations

from collections.abc import Collection

from heirloom.measures import answers, categorical, images, mixtures, parameters, text, vectors

EARLY = text.TAILS | vectors.TAILS | mixtures.TAILS | categorical.TAILS
"""Measure of tails to the direction that is a loss."""

LATE = vectors.BULK | text.BULK | answers.BULK | categorical.BULK | images.BULK | parameters.BULK
"""Measure of the bulk to the direction that is a loss."""

STAGES = {"early": EARLY, "late": LATE}

DIRECTIONS = EARLY | LATE

COMPARED = (*DIRECTIONS, *mixtures.MODES, *mixtures.DISTANCES)
"""Measures by which an arm is compared with its control, replica by replica."""

_NO_TAILS = vectors.NO_TAILS | images.NO_TAILS | parameters.NO_TAILS


def reason_without_tails(measured: Collection[str]) -> str:
    """Return why none of these measures is of tails; empty where one is, or where nothing declares a reason."""
    if not EARLY.keys().isdisjoint(measured):
        return ""
    return next((reason for measure, reason in _NO_TAILS.items() if measure in measured), "")
