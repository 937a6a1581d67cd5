"""How long rows are, and how large the vocabulary and the generations, from a sample of the text."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from heirloom.data import tokenization
from heirloom.errors import HeirloomError
from heirloom.projects.choice import Choice

VOCABULARIES = (2048, 1024, 512, 300)
ROW_TOKENS = (64, 32, 16)
GENERATIONS = 2
FEWEST_ROWS = 40
"""Training rows: of fewer, a tenth is no set to keep."""
EVALUATION_ROWS = 200
_LARGEST_ORIGIN, _LARGEST_GENERATION = 10_000, 512
_LONGEST_TOKENS = 512
_SPARE_SHARE = 0.05
"""Pairs that may be longer than the limits."""


def vocabulary(texts: Sequence[str]) -> tuple[Any, Choice]:
    """Return a tokenizer that is fitted on a sample, of the largest vocabulary that the sample fills.

    Raises
    ------
    HeirloomError
        If the text is too little for any.
    """
    num_characters = sum(map(len, texts))
    for size in VOCABULARIES:
        try:
            tokenizer = tokenization.fit(texts, size)
        except HeirloomError:
            continue
        return tokenizer, Choice("source.text.vocab_size", str(size), f"{num_characters:,} characters were looked at, which fill it")
    raise HeirloomError(f"--data: {num_characters:,} characters do not fill a vocabulary of {VOCABULARIES[-1]} entries; give more text")


def row_tokens(lengths: Sequence[int], *, is_packed: bool) -> Choice:
    """Return the tokens of a block: the most of which half the documents have two, or of joined documents the most of all."""
    middle = median(lengths)
    if is_packed:
        return Choice("source.text.row_tokens", str(ROW_TOKENS[0]), "documents are joined")
    size = next((size for size in ROW_TOKENS if middle >= 2 * size), ROW_TOKENS[-1])
    return Choice("source.text.row_tokens", str(size), f"a document has {middle:.0f} tokens in the median")


def limit(key: str, lengths: Sequence[int]) -> Choice:
    """Return the most tokens of a prompt or completion: a power of two that all but a twentieth of them keep to."""
    ordered = sorted(lengths)
    high = ordered[min(len(ordered) - 1, int(len(ordered) * (1 - _SPARE_SHARE)))] + 1  # the end token
    size = min(_LONGEST_TOKENS, 1 << max(3, (high - 1).bit_length()))
    return Choice(f"source.text.pairs.{key}", str(size), f"all but {_SPARE_SHARE:.0%} have at most {high} tokens; longer rows are dropped")


def rows(pool_rows: int) -> dict[str, int]:
    """Return `origin_rows` and `rows` for a pool of training rows.

    Raises
    ------
    HeirloomError
        If the pool is too small for any experiment.
    """
    if pool_rows < FEWEST_ROWS:
        raise HeirloomError(f"--data: it gives {pool_rows} training rows, at least {FEWEST_ROWS} are needed; give more text")
    return {"origin_rows": min(pool_rows, _LARGEST_ORIGIN), "rows": min(pool_rows // 2, _LARGEST_GENERATION)}
