"""What was rewritten: token-level edits of rows that answer the same prompt, counted, and marked for a reader's eye."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import chain
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

    pairs = list(zip(a, b, strict=True))
    scripts = [Levenshtein.editops(row_a, row_b) for row_a, row_b in pairs]
    kinds = [operation.tag for operation in chain.from_iterable(scripts)]
    longest = [max(len(row_a), len(row_b), 1) for row_a, row_b in pairs]
    first_changes = [_first_change(row_a, row_b) for row_a, row_b in pairs]
    return Edits(
        measured=len(scripts),
        inserted=kinds.count("insert"),
        deleted=kinds.count("delete"),
        replaced=kinds.count("replace"),
        changed_share=fmean(len(script) / length for script, length in zip(scripts, longest, strict=True)),
        first_change=float(median(first_changes)),
    )


def marked(a: str, b: str) -> Pair:
    """Return two texts in pieces, words with the space before them, those that differ marked."""
    from rapidfuzz.distance import Indel

    pieces_a, pieces_b = _PIECE.findall(clipped(a)), _PIECE.findall(clipped(b))
    blocks = list(Indel.opcodes(pieces_a, pieces_b))
    marked_a = (Piece("".join(pieces_a[block.src_start : block.src_end]), block.tag != "equal") for block in blocks)
    marked_b = (Piece("".join(pieces_b[block.dest_start : block.dest_end]), block.tag != "equal") for block in blocks)
    return Pair(_nonempty(marked_a), _nonempty(marked_b))


def clipped(text: str) -> str:
    """Return a text short enough to be shown."""
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]} … ({len(text):,} characters)"


def _nonempty(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    return tuple(piece for piece in pieces if piece.text)


def _first_change(a: Sequence[Any], b: Sequence[Any]) -> int:
    for position, (element_a, element_b) in enumerate(zip(a, b, strict=False)):
        if element_a != element_b:
            return position
    return min(len(a), len(b))
