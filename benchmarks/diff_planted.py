"""Planted changes, kind by size: how many `heirloom diff` finds, and how many it names rightly.

``python benchmarks/diff_planted.py [rows]``: a table of 500 rows of one template (or as many as given) with a key, a text and a number;
each kind of change is planted in 1, 20 and 100 rows, and B is shuffled.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pyarrow as pa

import heirloom
from heirloom.runtime.streams import Stream

SIZES = (1, 20, 100)
PLACES = ("office", "library", "school", "harbour", "market", "museum", "station", "garden")
Row = dict[str, Any]


class Plant(NamedTuple):
    """A kind of change: what it does to the first rows, with which options it is looked for, and how many rows a diff names so."""

    change: Callable[[list[Row], int], list[Row]]
    options: Mapping[str, Any]
    named: Callable[[heirloom.DatasetDiff], int]


def main() -> None:
    """Print one line a kind and size."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    print("change\trows planted\tnamed rightly\tnamed otherwise\treason")
    for kind, plant in PLANTS.items():
        for size in SIZES:
            before = [row(number) for number in range(rows)]
            after = plant.change([dict(one) for one in before], size)
            order = Stream(("planted", kind, size)).generator().permutation(len(after))
            found = heirloom.diff(pa.Table.from_pylist(before), pa.Table.from_pylist([after[n] for n in order]), **plant.options)
            assert found.rows is not None
            named = plant.named(found)
            total = found.rows.edited + found.rows.removed + found.rows.added + sum(column.differs for column in found.columns)
            print(kind, size, named, max(0, total - named), found.reason[:90], sep="\t", flush=True)


def row(number: int) -> Row:
    """Return a row of the template."""
    text = f"The Licence {number} lets every visitor of the {PLACES[number % 8]} read and share this work in part {number % 7}."
    return {"id": number, "text": text, "score": number / 10}


def one_word(rows: list[Row], size: int) -> list[Row]:
    """Replace one word of each of the first rows."""
    for number, one in enumerate(rows[:size]):
        words = one["text"].split()
        words[3 + number % 10] = "PLANTED"
        one["text"] = " ".join(words)
    return rows


def a_word_more(rows: list[Row], size: int) -> list[Row]:
    """Put a word into each of the first rows."""
    for one in rows[:size]:
        one["text"] = one["text"].replace("visitor", "welcome visitor")
    return rows


def rewritten(rows: list[Row], size: int) -> list[Row]:
    """Replace the first rows by rows that have nothing in common with them."""
    for one in rows[:size]:
        one["text"] = f"Sheep number {one['id']} crossed quietly before dawn, unseen."
    return rows


def score(rows: list[Row], size: int) -> list[Row]:
    """Change the number of the first rows."""
    for one in rows[:size]:
        one["score"] += 1
    return rows


def edits_of_one_word(found: heirloom.DatasetDiff) -> int:
    """Return the rows that are said to differ by one word."""
    return found.rows.edits.one_word if found.rows and found.rows.edits else 0


BY_TEXT = {"ignore": ["id", "score"]}
BY_KEY = {"on": ["id"]}
PLANTS: Mapping[str, Plant] = {
    "one word replaced, no key": Plant(one_word, BY_TEXT, edits_of_one_word),
    "a word put in, no key": Plant(a_word_more, BY_TEXT, edits_of_one_word),
    "other rows, no key": Plant(rewritten, BY_TEXT, lambda found: found.rows.removed + found.rows.added if found.rows else 0),
    "rows left out, no key": Plant(lambda rows, size: rows[size:], BY_TEXT, lambda found: found.rows.removed if found.rows else 0),
    "rows added, no key": Plant(
        lambda rows, size: [*rows, *({**one, "text": f"{one['text']} {one['text']}"} for one in rows[:size])],
        BY_TEXT,
        lambda found: found.rows.added if found.rows else 0,
    ),
    "one word replaced, key": Plant(one_word, BY_KEY, lambda found: 2 * found.rows.edited if found.rows else 0),
    "a number, key": Plant(score, BY_KEY, lambda found: 2 * found.rows.edited if found.rows else 0),
    "a number, no key": Plant(score, {}, lambda found: sum(column.differs for column in found.columns)),
}

if __name__ == "__main__":
    main()
