"""The one function: `diff` of two datasets, or of all splits of two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from heirloom.diffs import parts, strangers
from heirloom.diffs.casts import aligned
from heirloom.diffs.comparison import compare
from heirloom.diffs.options import MAX_CELL_BYTES, MAX_EXAMPLES, SAMPLE, Options, names
from heirloom.diffs.result import DatasetDiff
from heirloom.diffs.sides import Side
from heirloom.diffs.views import Pairs, viewed
from heirloom.errors import HeirloomError


def diff(
    a: Any,
    b: Any,
    *,
    on: str | Sequence[str] | None = None,
    text_column: str = "",
    ignore: str | Sequence[str] | None = None,
    tolerance: float = 0.0,
    max_examples: int = MAX_EXAMPLES,
    sample: int = SAMPLE,
    seed: int = 0,
    max_cell_bytes: int = MAX_CELL_BYTES,
    against_control: bool = False,
) -> DatasetDiff:
    """Return what changed from dataset A to dataset B; where one has several splits or configurations, split by split.

    Parameters
    ----------
    a, b
        Tables in memory (of pandas, polars, Arrow or `datasets`; an index of pandas counts if it has a name, as
        ``frame.rename_axis("id")`` gives it one), paths (Parquet, Arrow, CSV, JSON lines, a folder of these, a folder
        that `datasets` saved; ``path@revision`` in a git repository), references
        (``experiment/regime/seed/generation[:what][@revision]``), addresses (``https://…``) or repositories of the hub
        (``owner/name[@revision]``); of what holds several datasets one is named with ``:split`` or ``:configuration/split``.
    on
        Columns whose values together name a row: a list, or names with commas between them. Rows with the same key are compared
        cell by cell.
    text_column
        The column to read as ``text``, on each side that has no column of that name.
    ignore
        Columns to leave out: a list, or names with commas between them.
    tolerance
        Two numbers of paired rows that differ by no more than this are equal.
    max_examples
        Rows, pairs and n-grams to show, of each sort.
    sample
        Rows of either side that the tests look at; counts are exact whatever this is.
    seed
        Of the permutations and the samples.
    max_cell_bytes
        A text, a list or bytes in one cell that takes more is refused: words of a text of hundreds of megabytes would fill the memory.
    against_control
        Also compare the two control generations of the same experiment and seed: what resampling alone does.

    Raises
    ------
    HeirloomError
        If a side cannot be read, the two have no data in common, a named column is missing, or there is no control.
    """
    options = Options(max_examples, sample, seed, names(on), text_column, names(ignore), tolerance, max_cell_bytes)
    sides = _named(a, "A"), _named(b, "B")
    name_a, name_b = (side.name if isinstance(side, Side) else str(side) for side in sides)
    with strangers.one_line_errors(name_a, name_b):
        pairs = parts.paired(*sides)
        for side in filter(None, chain.from_iterable(pairs.values())):
            strangers.check(side)
        result = compare_pairs(name_a, name_b, viewed(pairs, options), options, against_control=against_control)
    return _with_index_note(result, {"A": a, "B": b})


def _with_index_note(result: DatasetDiff, tables: Mapping[str, Any]) -> DatasetDiff:
    """Return the answer, which says of tables in memory whose index is not compared that it is not."""
    if all(isinstance(data, str | Path) for data in tables.values()):
        return result
    from heirloom.diffs.memory import index_note

    evidence = result.verdict.evidence + index_note(tables)
    return replace(result, verdict=replace(result.verdict, evidence=evidence))


def _named(data: Any, name: str) -> str | Path | Side:
    """Return what is a name or a path already, and a table in memory as a side."""
    if isinstance(data, str | Path):
        return data
    from heirloom.diffs.memory import written

    return Side(name, written(data, name), is_table=True)


def compare_pairs(a: str, b: str, pairs: Pairs, options: Options, *, against_control: bool = False) -> DatasetDiff:
    """Return what changed between the parts of two datasets.

    Parameters
    ----------
    a, b
        What they are called.

    Raises
    ------
    HeirloomError
        As `diff` does.
    """
    if len(pairs) > 1 or None in next(iter(pairs.values())):
        if against_control:
            raise HeirloomError(f"--against-control: {a} and {b} are no generations of a lineage, so they have no control")
        from heirloom.diffs import splits

        return splits.compare(a, b, pairs, options)
    ((side_a, side_b),) = pairs.values()
    assert side_a is not None
    assert side_b is not None
    result = compare(*aligned(side_a, side_b), options)
    if against_control:
        from heirloom.diffs.control import control  # which reads configs

        return replace(result, control=control(a, b, result, options))
    return result
