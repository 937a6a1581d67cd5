"""Datasets with several splits or configurations: each part is compared with the part of the same name, and rows that moved are counted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from typing import NamedTuple

import numpy as np

from heirloom.diffs import comparison, matching, rows
from heirloom.diffs.casts import aligned
from heirloom.diffs.cells import Hashes
from heirloom.diffs.common import common
from heirloom.diffs.options import Options
from heirloom.diffs.result import DatasetDiff, Identity, SideSummary, Split, Verdict
from heirloom.diffs.row_result import MovedRows
from heirloom.diffs.row_tables import RowTables, one_sided
from heirloom.diffs.sides import Side

_MAX_NAMES = 5


class _Unmatched(NamedTuple):
    """Hashes of the rows of one part without an equal row in the same part of the other side."""

    removed: Hashes
    added: Hashes


def compare(a: str, b: str, pairs: Mapping[str, tuple[Side | None, Side | None]], options: Options) -> DatasetDiff:
    """Return what changed, one part after the other."""
    splits, unmatched = [], {}
    for name, (side_a, side_b) in pairs.items():
        diff, unmatched[name] = _compare_part(side_a, side_b, options)
        rows_a = side_a.num_rows if side_a else None
        rows_b = side_b.num_rows if side_b else None
        splits.append(Split(name, rows_a, rows_b, diff))
    moved_rows = tuple(_moved_rows(unmatched))
    summary_a = _summary(a, [side_a for side_a, _ in pairs.values() if side_a])
    summary_b = _summary(b, [side_b for _, side_b in pairs.values() if side_b])
    files = Identity(summary_a, summary_b, same_bytes=summary_a.sha256 == summary_b.sha256)
    verdict = _verdict(splits, moved_rows)
    tables = {name: _tables(split.diff, *pairs[name]) for name, split in zip(pairs, splits, strict=True)}
    return DatasetDiff("splits", files, None, None, None, None, verdict, splits=tuple(splits), moved=moved_rows, tables=tables)


def _tables(diff: DatasetDiff | None, side_a: Side | None, side_b: Side | None) -> RowTables:
    """Return the rows of one part that are not alike."""
    return diff.tables[""] if diff else one_sided(side_a, side_b)


def _compare_part(side_a: Side | None, side_b: Side | None, options: Options) -> tuple[DatasetDiff | None, _Unmatched]:
    no_rows = np.empty(0, np.uint64)
    if side_a is None and side_b is not None:
        return None, _Unmatched(no_rows, _content_hashes(side_b))
    if side_b is None and side_a is not None:
        return None, _Unmatched(_content_hashes(side_a), no_rows)
    assert side_a is not None
    assert side_b is not None
    side_a, side_b = aligned(side_a, side_b)
    if side_a.sha256 == side_b.sha256:
        return comparison.compare(side_a, side_b, options), _Unmatched(no_rows, no_rows)
    sides = comparison.pair_rows(side_a, side_b, common(side_a, side_b, options.on), options)
    removed = sides.table_a.hashes[~sides.matching.kept_a]
    added = sides.table_b.hashes[~sides.matching.kept_b]
    return comparison.describe(sides), _Unmatched(removed, added)


def _content_hashes(side: Side) -> Hashes:
    return rows.read(side, common(side, side)).hashes


def _moved_rows(unmatched: Mapping[str, _Unmatched]) -> Iterator[MovedRows]:
    for split_a, split_b in permutations(unmatched, 2):
        is_moved, _ = matching.kept(unmatched[split_a].removed, unmatched[split_b].added)
        if is_moved.any():
            yield MovedRows(split_a, split_b, int(is_moved.sum()))


def _verdict(splits: Sequence[Split], moved_rows: Sequence[MovedRows]) -> Verdict:
    unlike = [split for split in splits if split.diff is None or not split.diff.same]
    if not unlike:
        return Verdict("same", "", f"all {len(splits)} splits hold the same rows")
    clauses = [f"{split.name} {'differs' if split.diff else split.line}" for split in unlike[:_MAX_NAMES]]
    if len(unlike) > _MAX_NAMES:
        clauses.append(f"{len(unlike) - _MAX_NAMES} more")
    moves = [move.line for move in moved_rows[:_MAX_NAMES]]
    return Verdict("different", "", "; ".join([", ".join(clauses), *moves]))


def _summary(name: str, parts: Sequence[Side]) -> SideSummary:
    lines = "".join(f"{side.sha256}\n" for side in parts)
    digest = hashlib.sha256(lines.encode()).hexdigest()
    num_rows = sum(side.num_rows for side in parts)
    size = sum(side.size for side in parts)
    return SideSummary(name, digest, num_rows, None, size, {})
