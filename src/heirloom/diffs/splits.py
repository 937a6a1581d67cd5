"""Datasets with several splits or configurations: each part is compared with the part of the same name, and rows that moved are counted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from typing import NamedTuple

import numpy as np

from heirloom.diffs import comparison, matching, rows
from heirloom.diffs.cells import Hashes
from heirloom.diffs.common import common
from heirloom.diffs.result import DatasetDiff, Identity, MovedRows, SideSummary, Split, Verdict
from heirloom.diffs.sides import Side

_SHOWN = 5


class _Open(NamedTuple):
    """Hashes of the rows of one part without an equal row in the same part of the other side."""

    removed: Hashes
    added: Hashes


def compare(a: str, b: str, paired: Mapping[str, tuple[Side | None, Side | None]], options: comparison.Options) -> DatasetDiff:
    """Return what changed, one part after the other."""
    found, left = [], {}
    sides: tuple[list[Side], list[Side]] = ([], [])
    for name, (one, other) in paired.items():
        diff, left[name] = _compared(one, other, options)
        found.append(Split(name, one.num_rows if one else None, other.num_rows if other else None, diff))
        for side, there in zip(sides, (one, other), strict=True):
            side.extend([there] if there else [])
    moved = tuple(_moved(left))
    summaries = _summary(a, sides[0]), _summary(b, sides[1])
    known = Identity(*summaries, same_bytes=summaries[0].sha256 == summaries[1].sha256)
    return DatasetDiff("splits", known, None, None, None, None, _verdict(found, moved), splits=tuple(found), moved=moved)


def _compared(one: Side | None, other: Side | None, options: comparison.Options) -> tuple[DatasetDiff | None, _Open]:
    nothing = np.empty(0, np.uint64)
    if one is None or other is None:
        there = one or other
        assert there is not None
        whole = rows.read(there, common(there, there)).hashes
        return None, _Open(whole, nothing) if one else _Open(nothing, whole)
    if one.sha256 == other.sha256:
        return comparison.compare(one, other, options), _Open(nothing, nothing)
    both = comparison.matched(one, other, common(one, other), options)
    return comparison.described(both), _Open(both.table_a.hashes[~both.matched.kept_a], both.table_b.hashes[~both.matched.kept_b])


def _moved(left: Mapping[str, _Open]) -> Iterator[MovedRows]:
    for before, after in permutations(left, 2):
        kept, _ = matching.kept(left[before].removed, left[after].added)
        if kept.any():
            yield MovedRows(before, after, int(kept.sum()))


def _verdict(found: Sequence[Split], moved: Sequence[MovedRows]) -> Verdict:
    unlike = [split for split in found if split.diff is None or not split.diff.same]
    if not unlike:
        return Verdict("same", "", f"all {len(found)} splits hold the same rows")
    told = [f"{split.name} {'differs' if split.diff else split.line}" for split in unlike[:_SHOWN]]
    more = [f"{len(unlike) - _SHOWN} more"] if len(unlike) > _SHOWN else []
    return Verdict("different", "", "; ".join([", ".join([*told, *more]), *(one.line for one in moved[:_SHOWN])]))


def _summary(name: str, parts: Sequence[Side]) -> SideSummary:
    lines = "".join(f"{side.sha256}\n" for side in parts)
    digest = hashlib.sha256(lines.encode()).hexdigest()
    return SideSummary(name, digest, sum(side.num_rows for side in parts), None, sum(side.size for side in parts), {})
