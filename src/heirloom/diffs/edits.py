"""What was rewritten: token-level edits of rows that answer the same prompt, counted, and marked for a reader's eye."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from statistics import fmean, median
from typing import Any

from heirloom.diffs.row_result import Edits, Pair, Piece

MAX_CHARACTERS = 2000
"""Of a row that is shown; the rest is cut off."""

_PIECE = re.compile(r"\s*\S+|\s+")


def edits(a: Sequence[Sequence[int]], b: Sequence[Sequence[int]]) -> Edits:
    """Return the edits that turn each row of A into its partner in B, fewest possible (Levenshtein 1966).

    Parameters
    ----------
    a, b
        Tokens or words of each row, as ids; the same number of rows, at least one.
    """
    from rapidfuzz.distance import Levenshtein

    scripts = [Levenshtein.editops(one, other) for one, other in zip(a, b, strict=True)]
    kinds = [operation.tag for script in scripts for operation in script]
    longest = [max(len(one), len(other), 1) for one, other in zip(a, b, strict=True)]
    return Edits(
        measured=len(scripts),
        inserted=kinds.count("insert"),
        deleted=kinds.count("delete"),
        replaced=kinds.count("replace"),
        changed_share=fmean(len(script) / length for script, length in zip(scripts, longest, strict=True)),
        first_change=float(median(_first_change(one, other) for one, other in zip(a, b, strict=True))),
    )


def marked(a: str, b: str) -> Pair:
    """Return two texts in pieces, words with the space before them, those that differ marked."""
    from rapidfuzz.distance import Indel

    pieces_a, pieces_b = _PIECE.findall(clipped(a)), _PIECE.findall(clipped(b))
    blocks = list(Indel.opcodes(pieces_a, pieces_b))
    left = (Piece("".join(pieces_a[block.src_start : block.src_end]), block.tag != "equal") for block in blocks)
    right = (Piece("".join(pieces_b[block.dest_start : block.dest_end]), block.tag != "equal") for block in blocks)
    return Pair(_filled(left), _filled(right))


def clipped(text: str) -> str:
    """Return a text short enough to be shown."""
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]} … ({len(text):,} characters)"


def _filled(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    return tuple(piece for piece in pieces if piece.text)


def _first_change(a: Sequence[Any], b: Sequence[Any]) -> int:
    for position, (one, other) in enumerate(zip(a, b, strict=False)):
        if one != other:
            return position
    return min(len(a), len(b))
