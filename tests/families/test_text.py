"""What all text families are measured by, where the value is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from heirloom.dataset import Dataset
from heirloom.families import text
from heirloom.families.base import Measuring, Sets
from heirloom.rows import text_table

WIDTH = 4


def rows(texts: list[str]) -> Dataset:
    return Dataset.of(text_table(np.zeros((len(texts), WIDTH), np.int32), texts, first_row=0))


def measured(generation: int) -> dict[str, float]:
    original = rows([" a b b c c c . "] * 1 + [" d . "] * 3)  # counts 1, 2, 3 and 3
    sample = rows([" b d . ", " d d . "])
    sets = Sets(sample=sample, scored=sample, held_out=sample, original=original)
    flat = lambda tokens_BT: np.zeros(len(tokens_BT))  # noqa: E731
    return text.evaluate(flat, flat, sets, Measuring(2, 5, generation=generation))


def test_neutral_drift_is_told_for_the_bands_that_have_words_and_for_synthetic_text_alone() -> None:
    found = {name: value for name, value in measured(2).items() if name.startswith("tail_survival_drift")}
    g = 1 - math.exp(-1)  # two generations; two rows for four: half a copy of each word
    expected = {"1": 1 - math.exp(-g / 2), "2-4": (1 - math.exp(-g) + 2 * (1 - math.exp(-1.5 * g))) / 3}
    assert found == pytest.approx({f"tail_survival_drift.{band}": value for band, value in expected.items()})
    assert [name for name in measured(0) if "drift" in name] == []
    assert (measured(2)["tail_survival.1"], measured(2)["tail_survival.2-4"]) == (0.0, 2 / 3)
