"""What several rows have in common: the longest beginning that half of them share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from heirloom.diffs.row_result import Template

FEWEST_ROWS = 3
FEWEST_WORDS = 3
MAX_ROWS = 2000
"""Rows that are looked at."""
MAX_WORDS = 12
"""Words of a beginning that are named."""


def template(texts: Sequence[str]) -> Template | None:
    """Return the beginning that at least half of some rows share, word by word; None if it has fewer than three words or rows."""
    rows = [text.split(maxsplit=MAX_WORDS)[:MAX_WORDS] for text in texts]
    fewest = max(FEWEST_ROWS, (len(rows) + 1) // 2)
    beginning: list[str] = []
    for place in range(MAX_WORDS):
        counts = Counter(row[place] for row in rows if len(row) > place)
        word, times = next(iter(counts.most_common(1)), ("", 0))
        if times < fewest:
            break
        beginning.append(word)
        rows = [row for row in rows if len(row) > place and row[place] == word]
    if len(beginning) < FEWEST_WORDS:
        return None
    return Template(" ".join(beginning), len(rows), len(texts))
