"""Train, valid and test: decided document by document, so that no article is on both sides."""

from __future__ import annotations

from collections.abc import Sequence

from heirloom.errors import HeirloomError
from heirloom.specs.source import SplitShares
from heirloom.streams import Stream

SPLITS = ("train", "valid", "test")


def assign(own: Sequence[str | None], shares: SplitShares, stream: Stream) -> list[str]:
    """Name the split of each document.

    Parameters
    ----------
    own
        For each document the split that it came with, or None if the source is not split.
    shares
        Shares of the documents without a split: valid and test rounded, at least one document each; train is the rest.
    stream
        Decides which documents.

    Returns
    -------
    list of ``train``, ``valid`` or ``test``, as long as ``own``

    Raises
    ------
    HeirloomError
        If a split would stay empty.
    """
    drawn = iter(_draw(sum(split is None for split in own), shares, stream))
    names = [split if split is not None else next(drawn) for split in own]
    missing = [split for split in SPLITS if split not in names]
    if missing:
        raise HeirloomError(f"source: no document with text for {' and '.join(missing)}")
    return names


def _draw(num_documents: int, shares: SplitShares, stream: Stream) -> list[str]:
    if num_documents == 0:
        return []
    if num_documents < len(SPLITS):
        raise HeirloomError(f"source: {num_documents} document(s) with text cannot be divided into train, valid and test")
    valid = min(max(1, round(shares.valid * num_documents)), num_documents - 2)
    test = min(max(1, round(shares.test * num_documents)), num_documents - 1 - valid)
    names = ["train"] * (num_documents - valid - test) + ["valid"] * valid + ["test"] * test
    return [names[place] for place in stream.generator().permutation(num_documents)]
