"""Every number of an answer as one flat list, for a data frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heirloom.diffs.result import DatasetDiff
    from heirloom.diffs.row_result import Rows

Number = tuple[str, str, float | None, float | None]


def numbers(diff: DatasetDiff) -> list[Number]:
    """Return (section, name, a, b); b is None for a number that belongs to the pair."""
    return list(_numbers(diff))


def _numbers(diff: DatasetDiff) -> Iterator[Number]:
    for field in fields(diff.identity.a):
        if field.name in ("rows", "tokens", "bytes"):
            yield "identity", field.name, getattr(diff.identity.a, field.name), getattr(diff.identity.b, field.name)
    for field in fields(diff.rows) if diff.rows else ():
        value = getattr(diff.rows, field.name)
        if type(value) is int:
            yield "rows", field.name, value, None
    if diff.rows:
        yield from _of_rows(diff.rows)
    yield from _parts(diff)
    if words := diff.vocabulary:
        yield "vocabulary", "types", words.types_a, words.types_b
        yield from (("vocabulary", name, getattr(words, name), None) for name in ("lost", "gained"))
        yield from (("survival and drift", band.band, band.survival, band.expected) for band in words.bands)
        yield from (("vocabulary", one.name, one.a, one.b) for one in (*words.gained_bands, *words.measures))
        yield from ((f"moved {one.n}-grams", one.gram, one.count_a, one.count_b) for one in words.moved)
    if law := diff.distribution:
        yield "distribution", law.distance_name, law.distance, None
        yield from (("distribution", one.name, one.a, one.b) for one in law.measures)
        yield from (("test: statistic and corrected p", one.name, one.statistic, one.adjusted) for one in law.tests)
    if diff.control:
        yield "control", "distance", diff.control.distance, None
        yield "control", "ratio", diff.control.ratio, None


def _parts(diff: DatasetDiff) -> Iterator[Number]:
    for split in diff.splits:
        yield from ((f"{split.name}: {section}", name, a, b) for section, name, a, b in (_numbers(split.diff) if split.diff else ()))
    for column in diff.columns:
        yield "columns: rows that differ", column.name, column.differs, None
        yield "columns: cells without an equal one", column.name, column.values_a, column.values_b


def _of_rows(found: Rows) -> Iterator[Number]:
    for group in found.groups:
        name = f"{group.by} {group.value}"
        yield "rows", f"{name}: kept", group.kept_a, group.kept_b
        yield "rows", f"{name}: edited", group.edited_a, group.edited_b
        yield "rows", f"{name}: removed, added", group.removed, group.added
    for field in fields(found.edits) if found.edits else ():
        yield "edits", field.name, getattr(found.edits, field.name), None
