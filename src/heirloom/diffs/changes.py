"""What became of the rows, as counts, examples and tables, once every row has its status."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from heirloom.diffs import examples, rows
from heirloom.diffs.cells import Ints
from heirloom.diffs.edits import MAX_PIECES, edits
from heirloom.diffs.likeness import Likeness
from heirloom.diffs.pairing import Pairing
from heirloom.diffs.pieces import comparable, pieces_of
from heirloom.diffs.row_result import Column, Edits, Pair, Rows, Template
from heirloom.diffs.row_tables import Pairs, RowTables
from heirloom.diffs.rows import Matching
from heirloom.diffs.sides import Side
from heirloom.diffs.template import MAX_ROWS, template

EDITED_ROWS = 10_000


def counted(pairing: Pairing, matching: Matching, likeness: Likeness, unlike_columns: Sequence[Column], most: int) -> Rows:
    """Return the counts of rows with examples.

    Parameters
    ----------
    matching
        The status of every row, edits by likeness included.
    most
        Examples to show, of each sort.
    """
    removed, added = matching.unmatched
    content = pairing.shared.data[-1:] or pairing.shared.others
    edited_columns = (*pairing.shared.keys, *_differing(unlike_columns)) if pairing.by_key else content
    num_edited, num_rewritten = len(matching.edited[0]), len(matching.rewritten[0])
    is_same = all(column.is_same for column in unlike_columns) and not (len(removed) or len(added) or num_edited or num_rewritten)
    return Rows(
        same=is_same,
        same_order=is_same and rows.same_order(pairing.table_a, pairing.table_b),
        kept=int(matching.kept_a.sum()),
        edited=num_edited,
        removed=len(removed),
        added=len(added),
        rewritten=num_rewritten,
        repeated_a=rows.repeated(pairing.table_a.hashes),
        repeated_b=rows.repeated(pairing.table_b.hashes),
        near_removed=likeness.near_removed,
        near_added=likeness.near_added,
        near_checked=likeness.checked,
        groups=tuple(rows.groups(pairing.table_a, pairing.table_b, matching)),
        edits=_edits(pairing, matching.edited),
        rewrites=_edits(pairing, matching.rewritten),
        removed_template=_template(pairing, pairing.a, removed),
        added_template=_template(pairing, pairing.b, added),
        removed_examples=examples.texts(pairing.a, removed[:most], content),
        added_examples=examples.texts(pairing.b, added[:most], content),
        edited_examples=_pairs(pairing, matching.edited, edited_columns, most),
        rewritten_examples=_pairs(pairing, matching.rewritten, content, most),
        near_examples=_nearest(pairing, likeness, most),
        notes=(*pairing.shared.notes, *_repeated_keys(pairing), *likeness.notes),
    )


def tables(pairing: Pairing, matching: Matching, likeness: Likeness) -> RowTables:
    """Return the rows that are not alike, as tables that are read when they are asked for."""
    removed, added = matching.unmatched
    sorts = {"edited": matching.edited, "rewritten": matching.rewritten, "other cells": matching.changed}
    rows_a, rows_b = (np.concatenate(positions) for positions in zip(*sorts.values(), strict=True))
    names = [name for name, (positions, _) in sorts.items() for _ in range(len(positions))]
    order = np.argsort(rows_a, kind="stable")
    changed = Pairs(rows_a[order], rows_b[order], tuple(names[number] for number in order.tolist()))
    near = Pairs(*likeness.near, similarity=likeness.similarity if likeness.similarity is not None else np.empty(0))
    return RowTables(pairing.a, pairing.b, removed, added, changed, near, pairing.shared, pairing.tolerance)


def _template(pairing: Pairing, side: Side, rows: Ints) -> Template | None:
    """Return what the beginnings of some rows have in common; of text alone."""
    if pairing.shared.kind != "text":
        return None
    return template(examples.texts(side, rows[:MAX_ROWS], pairing.shared.data[-1:]))


def _differing(unlike_columns: Sequence[Column]) -> tuple[str, ...]:
    return tuple(column.name for column in unlike_columns if column.differs)


def _pairs(pairing: Pairing, positions: tuple[Ints, Ints], columns: tuple[str, ...], most: int) -> tuple[Pair, ...]:
    rows_a, rows_b = positions
    return examples.pairs(pairing.a, pairing.b, (rows_a[:most], rows_b[:most]), columns)


def _nearest(pairing: Pairing, likeness: Likeness, most: int) -> tuple[Pair, ...]:
    """Return the most similar of the near-duplicates."""
    if likeness.similarity is None:
        return ()
    rows_a, rows_b = likeness.near
    nearest_first = np.argsort(-likeness.similarity, kind="stable")
    return _pairs(pairing, (rows_a[nearest_first], rows_b[nearest_first]), pairing.shared.data[-1:], most)


def _repeated_keys(pairing: Pairing) -> Iterator[str]:
    """Yield a note where rows of one side share a key."""
    if pairing.table_a.keys is None or pairing.table_b.keys is None:
        return
    repeated_a, repeated_b = rows.repeated(pairing.table_a.keys), rows.repeated(pairing.table_b.keys)
    if repeated_a or repeated_b:
        name = ",".join(pairing.shared.keys)
        counts = f"{repeated_a:,} rows of A and {repeated_b:,} of B"
        yield f"--on {name}: {counts} have the key of an earlier row; such rows are paired in order, equal ones first"


def _edits(pairing: Pairing, positions: tuple[Ints, Ints]) -> Edits | None:
    """Return the edits of the pairs whose text or tokens differ, of about `EDITED_ROWS` of them where there are more."""
    if pairing.shared.kind not in ("text", "tokens"):
        return None
    rows_a, rows_b = positions
    has_other_content = pairing.table_a.hashes[rows_a] != pairing.table_b.hashes[rows_b]
    rows_a, rows_b = rows_a[has_other_content], rows_b[has_other_content]
    if not len(rows_a):
        return None
    stride = math.ceil(len(rows_a) / EDITED_ROWS)
    words_a, words_b = pieces_of(pairing.a, pairing.b, (rows_a[::stride], rows_b[::stride]), pairing.shared)
    rows_of_a, rows_of_b = comparable(words_a, words_b)
    return edits([row[:MAX_PIECES] for row in rows_of_a], [row[:MAX_PIECES] for row in rows_of_b])
