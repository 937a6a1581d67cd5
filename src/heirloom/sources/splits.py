"""Train, valid and test: decided document by document, so that no article is on both sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import compress

from heirloom.errors import HeirloomError
from heirloom.runtime.streams import Stream
from heirloom.sources.text import Counts
from heirloom.specs.text import SplitShares

SPLITS = ("train", "valid", "test")


def assign(splits: Sequence[str | None], shares: SplitShares, stream: Stream) -> list[str]:
    """Name the split of each document.

    Parameters
    ----------
    splits
        For each document the split that it came with, or None if the source is not split.
    shares
        Shares of the documents without a split: valid and test rounded, at least one document each; train is the rest.
    stream
        Decides which documents.

    Returns
    -------
    list of ``train``, ``valid`` or ``test``, as long as ``splits``

    Raises
    ------
    HeirloomError
        If a split would stay empty.
    """
    num_unsplit = sum(split is None for split in splits)
    draw = iter(_draw(num_unsplit, shares, stream))
    names = [split if split is not None else next(draw) for split in splits]
    empty = [split for split in SPLITS if split not in names]
    if empty:
        raise HeirloomError(f"source: no document with text for {' and '.join(empty)}")
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
    test_texts = {text for text, name in zip(texts, names, strict=True) if name == "test"}
    valid_texts = {text for text, name in zip(texts, names, strict=True) if name == "valid"}
    held_out = {"train": test_texts | valid_texts, "valid": test_texts, "test": set()}
    is_repeated = [text in held_out[name] for text, name in zip(texts, names, strict=True)]
    repeats = Counter(compress(names, is_repeated))
    for split in ("train", "valid"):
        counts[f"{split}_equal_to_held_out"] += repeats[split]
    if stay:
        return list(names)
    remaining = [None if is_repeat else name for is_repeat, name in zip(is_repeated, names, strict=True)]
    empty = [split for split in SPLITS if split not in remaining]
    if empty:
        raise HeirloomError(f"source: every document of {empty[0]} is held out as well, in test or valid: nothing is left of it")
    return remaining


def _draw(num_documents: int, shares: SplitShares, stream: Stream) -> list[str]:
    if num_documents == 0:
        return []
    if num_documents < len(SPLITS):
        raise HeirloomError(f"source: {num_documents} document(s) with text cannot be divided into train, valid and test")
    valid = min(max(1, round(shares.valid * num_documents)), num_documents - 2)
    test = min(max(1, round(shares.test * num_documents)), num_documents - 1 - valid)
    names = ["train"] * (num_documents - valid - test) + ["valid"] * valid + ["test"] * test
    return [names[place] for place in stream.generator().permutation(num_documents)]
