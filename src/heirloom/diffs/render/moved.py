"""What moved, as a chart of bars: the words whose frequency changed most, drawn as SVG that takes the page's colours."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from heirloom.diffs.render.blocks import safe

if TYPE_CHECKING:
    from heirloom.diffs.result import DatasetDiff, Moved

_ROW, _NAMES, _WIDTH = 22, 160, 640
_BARS = (_WIDTH - _NAMES) / 2
_MAX_CHARACTERS = 18


def svg(diff: DatasetDiff) -> str:
    """Return bars of the z-scores of single words, B against A; empty where no word moved."""
    if diff.vocabulary is None:
        return ""
    grams = [gram for gram in diff.vocabulary.moved if gram.n == 1]
    if not grams:
        return ""
    largest = max(abs(gram.z) for gram in grams)
    bars = "".join(_bar(gram, place, largest) for place, gram in enumerate(grams, start=1))
    height = _ROW * (len(grams) + 1) + 6
    title = f"{escape(diff.vocabulary.unit)} that moved most (z, B against A)"
    frame = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" fill="currentColor" role="img" font-size="13"'
    return f'<svg {frame}><text x="0" y="15" font-style="italic">{title}</text>{bars}</svg>'


def _bar(gram: Moved, place: int, largest: float) -> str:
    """Return a word with its bar: to the right of the middle if B has more of it, else to the left."""
    y = place * _ROW + 16
    length = max(1.0, abs(gram.z) / largest * (_BARS - 50))
    middle = _NAMES + _BARS
    start = middle if gram.z > 0 else middle - length
    colour = "#2e8b57" if gram.z > 0 else "#c0504d"
    end, anchor = (start + length + 4, "start") if gram.z > 0 else (start - 4, "end")
    name = f'<text x="0" y="{y}">{escape(safe(gram.gram[:_MAX_CHARACTERS]))}</text>'
    bar = f'<rect x="{start:.1f}" y="{y - 11}" width="{length:.1f}" height="13" fill="{colour}"/>'
    return f'{name}{bar}<text x="{end:.1f}" y="{y}" text-anchor="{anchor}">{gram.z:+.1f}</text>'
