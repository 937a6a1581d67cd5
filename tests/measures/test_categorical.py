from __future__ import annotations

import numpy as np
import pytest

from heirloom.errors import HeirloomError
from heirloom.measures import categorical
from heirloom.measures.categorical import Counts

# Replica 0: type 1 twice, type 3 twice; replica 1: type 0 four times.
ROWS = np.array([[3, 1, 1, 3], [0, 0, 0, 0]])
TRUTH = np.array([0.25, 0.25, 0.25, 0.25])


def as_lists(counts: Counts) -> tuple[list[int], list[int], list[int]]:
    return counts.starts.tolist(), counts.types.tolist(), counts.counts.tolist()


def test_only_types_that_occur_are_stored() -> None:
    counts = categorical.count(ROWS)
    assert as_lists(counts) == ([0, 2, 3], [1, 3, 0], [2, 2, 4])
    assert counts.num_rows.tolist() == [4, 4]
    assert counts.shares.tolist() == [0.5, 0.5, 1.0]


def test_counts_of_two_sets_add_up_type_by_type() -> None:
    second = categorical.count(np.array([[1, 2], [5, 0]]))
    assert as_lists(categorical.union([categorical.count(ROWS), second])) == ([0, 3, 5], [1, 2, 3, 0, 5], [3, 1, 2, 5, 1])


def test_diversity_entropy_and_types_of_two_equal_types_and_of_one() -> None:
    counts = categorical.count(ROWS)
    assert categorical.num_types(counts).tolist() == [2, 1]
    assert categorical.diversity(counts).tolist() == [0.5, 0.0]
    assert categorical.entropy(counts) == pytest.approx([np.log(2), 0])


def test_distances_to_four_equal_types_are_those_worked_out_by_hand() -> None:
    counts = categorical.count(ROWS)
    assert categorical.total_variation(counts, TRUTH) == pytest.approx([0.5, 0.75])
    assert categorical.kullback_leibler(counts, TRUTH) == pytest.approx([np.log(2), np.log(4)])
    assert categorical.squared_error(counts, TRUTH) == pytest.approx([4 / 16, 9 / 16 + 3 / 16])
    assert categorical.lost_mass(counts, TRUTH) == pytest.approx([0.5, 0.75])


def test_survival_is_by_how_often_the_origin_has_a_type() -> None:
    origin = categorical.count(np.array([[0, 1, 1, 2], [0, 0, 4, 4]]))
    later = categorical.count(np.array([[1, 1, 9, 2], [4, 4, 4, 4]]))  # replica 0 has lost type 0, replica 1 too
    survival = categorical.survival(later, origin)
    assert {band: share.tolist() for band, share in survival.items()} == {"1": [0.5], "2-4": [1.0, 0.5]}
    assert all((share == 1).all() for share in categorical.survival(origin, origin).values())


def test_a_negative_type_is_refused() -> None:
    with pytest.raises(HeirloomError, match="a type is a number from 0, got -1"):
        categorical.count(np.array([[-1]]))
