"""Two models on the same items: values worked out by hand, and how often a true hypothesis is rejected."""

from __future__ import annotations

import math

import numpy as np
import pytest

from heirloom.errors import HeirloomError
from heirloom.runtime.streams import Stream
from heirloom.stats import paired


def test_mcnemar_is_the_binomial_law_of_the_items_that_two_models_differ_on() -> None:
    first = [1] * 8 + [0] + [1, 1, 0, 0]
    second = [0] * 8 + [1] + [1, 1, 0, 0]
    p = 2 * (1 + 9) / 2**9
    assert paired.mcnemar(first, second) == pytest.approx((8, 1, p))
    assert paired.mcnemar(second, first) == pytest.approx((1, 8, p))
    assert paired.mcnemar(first, first) == (0, 0, 1.0)
    assert paired.mcnemar([1, 0], [0, 1]).p == 1.0


def test_mcnemar_rejects_no_more_often_than_its_level_where_neither_model_is_better() -> None:
    generator = Stream((0, "mcnemar")).generator()
    verdicts = generator.random((2, 2000, 60)) < 0.7
    p = np.array([paired.mcnemar(first, second).p for first, second in zip(*verdicts, strict=True)])
    rejected = float((p <= 0.05).mean())
    assert rejected > 0.01
    assert (rejected - 0.05) / math.sqrt(0.05 * 0.95 / 2000) < 4


def test_a_share_has_wilsons_interval() -> None:
    share, z = paired.share([1] * 15 + [0] * 5), 1.959963984540054
    centre = (0.75 + z * z / 40) / (1 + z * z / 20)
    half = z * math.sqrt(0.75 * 0.25 / 20 + z * z / 1600) / (1 + z * z / 20)
    assert share == pytest.approx((0.75, centre - half, centre + half))
    assert paired.share([1, 1, 1]).high == 1.0


def test_what_is_neither_right_nor_wrong_is_refused() -> None:
    for numbers in ([0.5], [], [float("nan")]):
        with pytest.raises(HeirloomError, match="each item must be 0"):
            paired.share(numbers)
    with pytest.raises(HeirloomError, match="the same items of both models, got 2 and 1"):
        paired.mcnemar([1, 0], [1])
