"""A judge that errs: where a majority fit flips, and how a loop's odds of a wrong row move."""

from __future__ import annotations

import numpy as np
import pytest

from heirloom.errors import HeirloomError
from heirloom.runtime.streams import Stream
from heirloom.theory import verifier


@pytest.mark.parametrize(
    ("right_keep", "wrong_keep", "num_classes", "flip"),
    [
        (0.9, 0.6, 2, 0.6),
        (0.9, 0.6, 5, 3.6 / 4.2),
        (1.0, 1.0, 2, 0.5),  # no judge
        (1.0, 0.0, 2, 1.0),  # an oracle
        (0.3, 0.9, 2, 0.25),  # a judge that prefers wrong rows
    ],
)
def test_a_majority_fit_flips_where_wrong_labels_weigh_as_much_as_right_ones(
    right_keep: float, wrong_keep: float, num_classes: int, flip: float
) -> None:
    assert verifier.flip_error(right_keep, wrong_keep, num_classes) == pytest.approx(flip, rel=1e-12)


@pytest.mark.parametrize("num_classes", [2, 5])
def test_judged_majorities_are_right_below_the_flip_and_wrong_beyond(num_classes: int) -> None:
    rng, flip = Stream((0, "judged majority")).generator(), verifier.flip_error(0.9, 0.6, num_classes)
    right = {}
    for offset in (-0.06, 0.06):
        error = flip + offset
        shares_K = [1 - error, *[error / (num_classes - 1)] * (num_classes - 1)]
        votes_RK = rng.multinomial(4001, shares_K, size=300)
        kept_RK = rng.binomial(votes_RK, [0.9, *[0.6] * (num_classes - 1)])
        right[offset] = (kept_RK.argmax(axis=1) == 0).mean()
    assert right[-0.06] > 0.97
    assert right[0.06] < 0.03


def test_a_loop_multiplies_the_odds_of_a_wrong_row_by_the_ratio_of_what_is_kept() -> None:
    assert verifier.wrong_share(0.4, 0.9, 0.6, 3) == pytest.approx([2 / 5, 4 / 13, 8 / 35, 16 / 97], rel=1e-12)
    assert verifier.wrong_share(0.4, 0.5, 0.5, 2) == pytest.approx([0.4, 0.4, 0.4])
    assert verifier.wrong_share(0.4, 1.0, 0.0, 2).tolist() == [pytest.approx(0.4), 0.0, 0.0]
    assert verifier.wrong_share(0.4, 0.1, 0.9, 2000)[-1] == 1.0


def test_a_loop_of_judged_frequencies_follows_the_closed_form() -> None:
    rng, wrong_R = Stream((0, "judged loop")).generator(), np.full(400, 0.4)
    for generation in (1, 2, 3):
        written_R = rng.binomial(20_000, wrong_R)
        wrong_kept_R, right_kept_R = rng.binomial(written_R, 0.6), rng.binomial(20_000 - written_R, 0.9)
        wrong_R = wrong_kept_R / (wrong_kept_R + right_kept_R)
        assert abs(wrong_R.mean() - verifier.wrong_share(0.4, 0.9, 0.6, generation)[-1]) < 4 * wrong_R.std() / np.sqrt(400)


def test_what_is_no_probability_is_refused() -> None:
    with pytest.raises(HeirloomError, match=r"right_keep is 0 and wrong_keep 0; allowed are probabilities that are not both 0"):
        verifier.flip_error(0.0, 0.0)
    with pytest.raises(HeirloomError, match="num_classes is 1"):
        verifier.flip_error(0.5, 0.5, 1)
    with pytest.raises(HeirloomError, match="the first share is 1 and right_keep"):
        verifier.wrong_share(1.0, 0.5, 0.5, 3)
