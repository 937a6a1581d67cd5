"""What is told of many replicas."""

from __future__ import annotations

import math

import numpy as np
import pytest

from heirloom.errors import HeirloomError
from heirloom.measures.replicas import summarise


def test_one_replica_keeps_the_plain_name() -> None:
    assert summarise("variance", [0.25]) == {"variance": 0.25}


def test_many_replicas_give_mean_error_median_and_quantiles() -> None:
    summary = summarise("variance", np.arange(21.0))
    expected = {"mean": 10.0, "se": math.sqrt(38.5 / 21), "median": 10.0, "q05": 1.0, "q95": 19.0}
    assert summary == pytest.approx({f"variance.{name}": value for name, value in expected.items()})


def test_the_median_tells_of_the_typical_replica_where_the_mean_does_not() -> None:
    summary = summarise("variance", [0.0, 0.0, 0.0, 0.0, 500.0])
    assert (summary["variance.mean"], summary["variance.median"]) == (100.0, 0.0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "variance: needs one value"),
        ([[1.0, 2.0]], "variance: needs one value"),
        ([1.0, math.nan, -math.inf], "variance: 2 of 3 replicas are not finite"),
    ],
)
def test_no_replica_or_no_number_is_refused(values: list[float], message: str) -> None:
    with pytest.raises(HeirloomError, match=message):
        summarise("variance", values)
