"""False alarms of `heirloom.diff` on random halves of real articles, whose document is known: ``python benchmarks/diff_articles.py 66``.

The first 89 articles of the sample of Wikipedia are divided at random, and each half is cut into rows of 45 words with a column
``document``. Both halves have one law over articles, but no article is in both.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parent))

import diff_laws

import heirloom
from heirloom import sources
from heirloom.runtime.streams import Stream
from heirloom.specs.source import TextSettings, WikipediaSource

ARTICLES = 89
ROW_WORDS = 45


def articles() -> list[list[str]]:
    """Return the words of each article."""
    source = WikipediaSource(name="wikipedia", text=TextSettings(vocab_size=2048, row_tokens=64))
    return [document.text.split() for document in islice(sources.documents(source, Counter()), ARTICLES)]


def half(words: Sequence[Sequence[str]], chosen: Sequence[int]) -> pa.Table:
    """Return the rows of some articles; what is left at the end of an article is no row."""
    starts = [(number, first) for number in chosen for first in range(0, len(words[number]) - ROW_WORDS + 1, ROW_WORDS)]
    text = [" ".join(words[number][first : first + ROW_WORDS]) for number, first in starts]
    return pa.table({"text": text, "document": [number for number, _ in starts]})


def main(pairs: int) -> None:
    """Print a line for each pair of halves that is not called the same law, and their number."""
    words, shifted = articles(), 0
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder, "a.parquet"), Path(folder, "b.parquet")
        for pair in range(pairs):
            order = Stream((pair, "halves")).generator().permutation(len(words)).tolist()
            middle = len(order) // 2
            for file, chosen in zip(files, (order[:middle], order[middle:]), strict=True):
                pq.write_table(half(words, chosen), file)
            verdict = heirloom.diff(*files, seed=pair, max_examples=0).verdict
            if verdict.answer in diff_laws.SHIFTED:
                shifted += 1
                print(f"pair {pair}: {verdict.evidence}", flush=True)
    low, high = diff_laws.binom_interval(shifted, pairs)
    print(f"shifted: {shifted} of {pairs} (99 % limit {diff_laws.most_alarms(pairs)}), {100 * low:.0f} to {100 * high:.0f} %")


if __name__ == "__main__":
    main(int(sys.argv[1]))
