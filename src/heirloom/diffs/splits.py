"""Datasets with several splits or configurations: each part is compared with the part of the same name, and rows that moved are counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import permutations
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from heirloom.diffs import engine, matching, rows
from heirloom.diffs.cells import Hashes
from heirloom.diffs.common import common
from heirloom.diffs.render.blocks import Block, Line, Section, Table, number
from heirloom.diffs.render.page import page as page_of
from heirloom.diffs.result import SCHEMA_VERSION, DatasetDiff
from heirloom.diffs.sides import Place, Side, open_side
from heirloom.manifest import dumps

if TYPE_CHECKING:
    import pandas as pd

    from heirloom.diffs.engine import Options

_SHOWN = 5


@dataclass(frozen=True)
class Split:
    """One part: its rows on both sides, and what changed; None where a side lacks the part."""

    name: str
    rows_a: int | None
    rows_b: int | None
    diff: DatasetDiff | None

    @property
    def only(self) -> Literal["A", "B"] | None:
        """The side that alone has the part."""
        if self.rows_b is None:
            return "A"
        return "B" if self.rows_a is None else None

    @property
    def line(self) -> str:
        """What became of it."""
        return self.diff.verdict.line if self.diff else f"only in {self.only}"


@dataclass(frozen=True)
class Moved:
    """Rows that A has in one part and B in another."""

    before: str
    after: str
    rows: int


@dataclass(frozen=True)
class SplitsDiff:
    """What changed from one dataset to another, split by split."""

    a: str
    b: str
    splits: tuple[Split, ...]
    moved: tuple[Moved, ...]

    @property
    def same(self) -> bool:
        """Whether both have the same parts, with the same rows."""
        return all(split.diff is not None and split.diff.same for split in self.splits)

    @property
    def line(self) -> str:
        """The verdict in one sentence."""
        if self.same:
            return f"same: all {len(self.splits)} splits hold the same rows"
        unlike = [split for split in self.splits if split.diff is None or not split.diff.same]
        parts = [f"{split.name} {split.line if split.diff is None else 'differs'}" for split in unlike[:_SHOWN]]
        more = [f"{len(unlike) - _SHOWN} more"] if len(unlike) > _SHOWN else []
        moved = [f"{one.rows:,} rows of {one.before} in A are in {one.after} in B" for one in self.moved[:_SHOWN]]
        return f"different: {'; '.join([', '.join([*parts, *more]), *moved])}"

    def to_dict(self) -> dict[str, Any]:
        """Return nested plain values, as in the JSON."""
        parts = [{**asdict(replace(split, diff=None)), "diff": split.diff and split.diff.to_dict()} for split in self.splits]
        told = {"schema_version": SCHEMA_VERSION, "same": self.same, "verdict": self.line, "a": self.a, "b": self.b}
        return {**told, "splits": parts, "moved": [asdict(one) for one in self.moved]}

    def to_json(self) -> str:
        """Return sorted JSON; numbers that are not finite are null."""
        return dumps(self.to_dict())

    def to_pandas(self) -> pd.DataFrame:
        """Return every number as one row: split, section, name, a, b."""
        import pandas as pd

        frames = [split.diff.to_pandas().assign(split=split.name) for split in self.splits if split.diff]
        columns = ["split", "section", "name", "a", "b"]
        return pd.concat(frames, ignore_index=True)[columns] if frames else pd.DataFrame(columns=columns)

    def _repr_html_(self) -> str:
        from heirloom.diffs.render.html import sheet

        return sheet(title(self), self.line, page(self))

    def __str__(self) -> str:
        return self.line


@dataclass(frozen=True)
class _Open:
    """Hashes of the rows of one part without an equal row in the same part of the other side."""

    removed: Hashes
    added: Hashes


def compare(a: str, b: str, paired: Mapping[str, tuple[Place | None, Place | None]], options: Options) -> SplitsDiff:
    """Return what changed, one part after the other."""
    found, left = [], {}
    for name, places in paired.items():
        one, other = (place and open_side(place) for place in places)
        diff, left[name] = _compared(one, other, options)
        found.append(Split(name, one and one.num_rows, other and other.num_rows, diff))
    return SplitsDiff(a, b, tuple(found), tuple(_moved(left)))


def title(found: SplitsDiff) -> str:
    """Return the page's name."""
    return f"{found.a} → {found.b}"


def page(found: SplitsDiff) -> list[Section]:
    """Return the sections: all splits in one table, then each by itself; the verdict stands last."""
    told = tuple((split.name, number(split.rows_a), number(split.rows_b), split.line) for split in found.splits)
    blocks: list[Block] = [Table("", ("", "rows of A", "rows of B", ""), told)]
    blocks += [Line(f"{one.rows:,} rows of {one.before} in A are in {one.after} in B.") for one in found.moved]
    each = [_named(split.name, section) for split in found.splits if split.diff and not split.diff.same for section in page_of(split.diff)]
    return [Section("Splits", tuple(blocks)), *each, Section("Verdict", (Line(found.line),))]


def _named(name: str, section: Section) -> Section:
    return Section(f"{name}: {section.title}", section.blocks)


def _compared(one: Side | None, other: Side | None, options: Options) -> tuple[DatasetDiff | None, _Open]:
    nothing = np.empty(0, np.uint64)
    if one is None or other is None:
        there = one or other
        assert there is not None
        whole = rows.read(there, common(there, there)).hashes
        return None, _Open(whole, nothing) if one else _Open(nothing, whole)
    if one.place.sha256 == other.place.sha256:
        return engine.compare(one, other, options), _Open(nothing, nothing)
    both = engine.matched(one, other, common(one, other), options)
    return engine.described(both), _Open(both.table_a.hashes[~both.matched.kept_a], both.table_b.hashes[~both.matched.kept_b])


def _moved(left: Mapping[str, _Open]) -> Iterator[Moved]:
    for before, after in permutations(left, 2):
        kept, _ = matching.kept(left[before].removed, left[after].added)
        if kept.any():
            yield Moved(before, after, int(kept.sum()))


