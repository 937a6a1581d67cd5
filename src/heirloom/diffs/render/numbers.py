"""Every number of an answer as one flat list, for a data frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heirloom.diffs.result import DatasetDiff, Distribution, Identity, Vocabulary
    from heirloom.diffs.row_result import Rows

Number = tuple[str, str, float | None, float | None]


def numbers(diff: DatasetDiff) -> list[Number]:
    """Return (section, name, a, b); b is None for a number that belongs to the pair."""
    return list(_numbers(diff))


def _numbers(diff: DatasetDiff) -> Iterator[Number]:
    yield from _identity(diff.identity)
    if diff.rows:
        yield from _rows(diff.rows)
    yield from _parts(diff)
    if diff.vocabulary:
        yield from _vocabulary(diff.vocabulary)
    if diff.distribution:
        yield from _distribution(diff.distribution)
    if diff.control:
        yield "control", "distance", diff.control.distance, None
        yield "control", "ratio", diff.control.ratio, None


def _identity(identity: Identity) -> Iterator[Number]:
    a, b = identity.a, identity.b
    yield "identity", "rows", a.rows, b.rows
    yield "identity", "tokens", a.tokens, b.tokens
    yield "identity", "bytes", a.bytes, b.bytes


def _vocabulary(words: Vocabulary) -> Iterator[Number]:
    yield "vocabulary", "types", words.types_a, words.types_b
    yield "vocabulary", "lost", words.lost, None
    yield "vocabulary", "gained", words.gained, None
    for band in words.bands:
        yield "survival and drift", band.band, band.survival, band.expected
    for measure in (*words.gained_bands, *words.measures):
        yield "vocabulary", measure.name, measure.a, measure.b
    for gram in words.moved:
        yield f"moved {gram.n}-grams", gram.gram, gram.count_a, gram.count_b


def _distribution(law: Distribution) -> Iterator[Number]:
    yield "distribution", law.distance_name, law.distance, None
    for measure in law.measures:
        yield "distribution", measure.name, measure.a, measure.b
    for test in law.tests:
        yield "test: statistic and corrected p", test.name, test.statistic, test.adjusted


def _parts(diff: DatasetDiff) -> Iterator[Number]:
    for split in diff.splits:
        for section, name, a, b in _numbers(split.diff) if split.diff else ():
            yield f"{split.name}: {section}", name, a, b
    for column in diff.columns:
        yield "columns: rows that differ", column.name, column.differs, None
        yield "columns: cells without an equal one", column.name, column.values_a, column.values_b


def _rows(rows: Rows) -> Iterator[Number]:
    for field in fields(rows):
        value = getattr(rows, field.name)
        if type(value) is int:
            yield "rows", field.name, value, None
    for group in rows.groups:
        name = f"{group.by} {group.value}"
        yield "rows", f"{name}: kept", group.kept_a, group.kept_b
        yield "rows", f"{name}: edited", group.edited_a, group.edited_b
        yield "rows", f"{name}: removed, added", group.removed, group.added
    for section, edits in (("edits", rows.edits), ("rewrites", rows.rewrites)):
        for name, number in asdict(edits).items() if edits else ():
            yield section, name, number, None
