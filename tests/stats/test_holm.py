"""Holm's adjusted p-values, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from heirloom.errors import HeirloomError
from heirloom.stats.holm import holm


@pytest.mark.parametrize(
    ("p_values", "adjusted"),
    [
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),
        ([0.6, 0.9], [1, 1]),
        ([0.02, 0.02], [0.04, 0.04]),
        ([0.2], [0.2]),
        ([], []),
    ],
)
def test_holm_multiplies_by_what_is_left_and_never_falls(p_values: list[float], adjusted: list[float]) -> None:
    assert holm(p_values).tolist() == pytest.approx(adjusted)


@pytest.mark.parametrize("bad", [-0.1, 1.1, np.nan])
def test_what_is_no_probability_is_refused(bad: float) -> None:
    with pytest.raises(HeirloomError, match=r"must lie in \[0, 1\]"):
        holm([0.5, bad])
