"""What was edited: token-level edits of pairs of rows, counted, and marked for a reader's eye."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import accumulate
from statistics import fmean, median
from typing import Any, NamedTuple

from heirloom.diffs.pieces import Row
from heirloom.diffs.row_result import Edits, Pair, Piece

MAX_CHARACTERS = 2000
"""Of a row that is shown; the rest is cut off."""

MAX_PIECES = 10_000
"""Words or tokens of a row that are compared one by one: the cost grows with the square."""

_PIECE = re.compile(r"\s*\S+|\s+")


def edits(a: Sequence[Row], b: Sequence[Row]) -> Edits:
    """Return the edits that turn each row of A into its partner in B, fewest possible (Levenshtein 1966).

    Parameters
    ----------
    a, b
        Tokens or words of each row, equal where they are; the same number of rows, at least one.
    """
    pairs = list(zip(a, b, strict=True))
    numbers = [_numbers(row_a, row_b) for row_a, row_b in pairs]
    sizes = [sum(number_of.values()) for number_of in numbers]
    longest = [max(len(row_a), len(row_b), 1) for row_a, row_b in pairs]
    first_changes = [_first_change(row_a, row_b) for row_a, row_b in pairs]
    return Edits(
        measured=len(pairs),
        inserted=sum(number_of["insert"] for number_of in numbers),
        deleted=sum(number_of["delete"] for number_of in numbers),
        replaced=sum(number_of["replace"] for number_of in numbers),
        changed_share=fmean(size / length for size, length in zip(sizes, longest, strict=True)),
        first_change=float(median(first_changes)),
        one_word=sizes.count(1),
    )


def _numbers(a: Row, b: Row) -> dict[str, int]:
    """Return how many tokens or words are inserted, deleted and replaced, counted by stretches: rows hold fewer of these."""
    from rapidfuzz.distance import Levenshtein

    number_of = {"insert": 0, "delete": 0, "replace": 0}
    for block in Levenshtein.opcodes(a, b):
        if block.tag != "equal":
            number_of[block.tag] += max(block.src_end - block.src_start, block.dest_end - block.dest_start)
    return number_of


def marked(a: str, b: str) -> Pair:
    """Return two texts in pieces, words with the space before them, those that differ marked."""
    from rapidfuzz.distance import Indel

    pieces_a, pieces_b = _PIECE.findall(clipped(a)), _PIECE.findall(clipped(b))
    blocks = list(Indel.opcodes(pieces_a, pieces_b))
    marked_a = (Piece("".join(pieces_a[block.src_start : block.src_end]), block.tag != "equal") for block in blocks)
    marked_b = (Piece("".join(pieces_b[block.dest_start : block.dest_end]), block.tag != "equal") for block in blocks)
    return Pair(_nonempty(marked_a), _nonempty(marked_b))


class Span(NamedTuple):
    """A stretch that differs: from where to where in A, and in B; characters of a text, or positions of tokens."""

    before_start: int
    before_end: int
    after_start: int
    after_end: int


def spans(a: str | Sequence[int], b: str | Sequence[int]) -> list[Span]:
    """Return where two rows differ, word by word or token by token; one stretch where a row has more than `MAX_PIECES` of them."""
    from rapidfuzz.distance import Levenshtein

    pieces_a, pieces_b = _pieces(a), _pieces(b)
    ends_a, ends_b = _ends(pieces_a), _ends(pieces_b)
    if max(len(pieces_a), len(pieces_b)) > MAX_PIECES:
        return [Span(0, ends_a[-1], 0, ends_b[-1])] if a != b else []
    blocks = [block for block in Levenshtein.opcodes(pieces_a, pieces_b) if block.tag != "equal"]
    return [Span(ends_a[one.src_start], ends_a[one.src_end], ends_b[one.dest_start], ends_b[one.dest_end]) for one in blocks]


def _pieces(row: str | Sequence[int]) -> Sequence[Any]:
    return _PIECE.findall(row) if isinstance(row, str) else row


def _ends(pieces: Sequence[Any]) -> list[int]:
    """Return where each piece begins, and where the last ends."""
    lengths = [len(piece) if isinstance(piece, str) else 1 for piece in pieces]
    return [0, *accumulate(lengths)]


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
