"""Documents are divided by a seeded draw, and no split stays empty."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heirloom.errors import HeirloomError
from heirloom.runtime.streams import Stream
from heirloom.sources import splits
from heirloom.specs.text import SplitShares

STREAM = Stream((1, "real"))


def test_shares_give_exact_counts() -> None:
    names = splits.assign([None] * 40, SplitShares(), STREAM)
    assert Counter(names) == {"train": 36, "valid": 2, "test": 2}


def test_the_stream_alone_decides_which_documents() -> None:
    shares = SplitShares(train=0.4, valid=0.3, test=0.3)
    first = splits.assign([None] * 10, shares, STREAM)
    assert first == splits.assign([None] * 10, shares, STREAM)
    assert first != splits.assign([None] * 10, shares, Stream((2, "real")))


@given(st.integers(3, 50), st.floats(0.01, 0.98), st.floats(0.01, 0.99))
def test_every_split_has_a_document_whatever_the_shares(num_documents: int, train: float, part: float) -> None:
    valid = (1 - train) * part
    shares = SplitShares(train=train, valid=valid, test=1 - train - valid)
    names = splits.assign([None] * num_documents, shares, STREAM)
    assert len(names) == num_documents
    assert set(names) == {"train", "valid", "test"}


def test_splits_that_a_source_comes_with_are_kept() -> None:
    names = ["test", "train", "valid", "train"]
    assert splits.assign(names, SplitShares(), STREAM) == names


@pytest.mark.parametrize("num_documents", [1, 2])
def test_too_few_documents_are_refused(num_documents: int) -> None:
    with pytest.raises(HeirloomError, match=rf"source: {num_documents} document\(s\) with text cannot be divided"):
        splits.assign([None] * num_documents, SplitShares(), STREAM)


def test_an_empty_split_of_the_source_is_named() -> None:
    with pytest.raises(HeirloomError, match="source: no document with text for valid and test"):
        splits.assign(["train", "train"], SplitShares(), STREAM)


def test_shares_must_sum_to_one() -> None:
    with pytest.raises(ValueError, match=r"train, valid and test must sum to 1, not 1\.1"):
        SplitShares(train=0.9, valid=0.1, test=0.1)


@pytest.mark.parametrize("shares", [{"train": 1.2, "valid": -0.1, "test": -0.1}, {"train": 1.0, "valid": 0, "test": 0}])
def test_shares_lie_between_zero_and_one(shares: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="greater than 0"):
        SplitShares.model_validate(shares)
