"""Train, valid and test: decided document by document, so that no article is on both sides."""

from __future__ import annotations

from collections.abc import Sequence

from heirloom.errors import HeirloomError
from heirloom.sources.text import Counts
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


def hold_out(names: Sequence[str], texts: Sequence[bytes], stay: bool, counts: Counts) -> list[str | None]:
    """Keep held-out documents out of what is trained on: one that test has is dropped from valid and train, one that valid has from train.

    Parameters
    ----------
    names
        The split of each document.
    texts
        A digest of the text of each.
    stay
        Whether such documents are only counted: packed ones are pieces of running text, which must not be torn.
    counts
        Gains, for train and valid, the number of documents that were dropped or stay.

    Returns
    -------
    the splits, None for a document that is dropped

    Raises
    ------
    HeirloomError
        If a split would stay empty.
    """
    held_out = {split: {text for text, name in zip(texts, names, strict=True) if name == split} for split in ("test", "valid")}
    seen = {"train": held_out["test"] | held_out["valid"], "valid": held_out["test"], "test": set()}
    repeated = [text in seen[name] for text, name in zip(texts, names, strict=True)]
    for split in ("train", "valid"):
        counts[f"{split}_equal_to_held_out"] += sum(again for again, name in zip(repeated, names, strict=True) if name == split)
    if stay:
        return list(names)
    left = [None if again else name for again, name in zip(repeated, names, strict=True)]
    empty = [split for split in SPLITS if split not in left]
    if empty:
        raise HeirloomError(f"source: every document of {empty[0]} is held out as well, in test or valid: nothing is left of it")
    return left


def _draw(num_documents: int, shares: SplitShares, stream: Stream) -> list[str]:
    if num_documents == 0:
        return []
    if num_documents < len(SPLITS):
        raise HeirloomError(f"source: {num_documents} document(s) with text cannot be divided into train, valid and test")
    valid = min(max(1, round(shares.valid * num_documents)), num_documents - 2)
    test = min(max(1, round(shares.test * num_documents)), num_documents - 1 - valid)
    names = ["train"] * (num_documents - valid - test) + ["valid"] * valid + ["test"] * test
    return [names[place] for place in stream.generator().permutation(num_documents)]
