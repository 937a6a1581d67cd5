"""The one line at the end: same, different rows, or shifted and in which direction, with the evidence in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from heirloom.diffs.result import Distribution, Identity, Verdict, Vocabulary
from heirloom.diffs.row_result import Column, Rows

_MEANING = {"narrower": "B is narrower than A", "broader": "B is broader than A", "elsewhere": "B lies elsewhere than A"}


SHOWN_COLUMNS = 5


def verdict(identity: Identity, rows: Rows, words: Vocabulary | None, law: Distribution | None, columns: Sequence[Column] = ()) -> Verdict:
    """Return the verdict: rows and columns decide whether the datasets are the same, corrected tests whether the laws are."""
    unlike = told(columns)
    if rows.same:
        return Verdict("same", "", _sameness(identity, rows, columns) + unlike)
    if not (rows.removed or rows.added or rows.edited):
        return Verdict("different", "", f"the content is equal in all {rows.kept:,} rows{unlike}")
    changes = f"{rows.removed:,} rows removed, {rows.added:,} added, {rows.edited:,} edited, {rows.kept:,} kept"
    if law is None:
        few = "" if identity.a.tokens is None else "; too few rows for a test of the distribution"
        return Verdict("different", "", f"{changes}{few}{unlike}")
    caveat = f"; {law.caveat}" if law.caveat else ""
    if not law.is_decidable:
        units = max(test.units for test in law.tests)
        few = f"{units:,} units may trade places, too few for a test of the distribution at 5 %"
        return Verdict("different", "", f"{changes}; {few}{caveat}{unlike}")
    if law.direction == "same":
        least = min(law.tests, key=lambda test: test.adjusted)
        chance = f"no test finds more than chance (smallest p {least.adjusted:.2g}, {least.name})"
        return Verdict("different rows, same distribution", "", f"{changes}; {chance}{caveat}{unlike}")
    lost = f"; {words.lost:,} of {words.types_a:,} {words.unit[:-1]} types lost, {words.gained:,} gained" if words else ""
    distance = f"{law.distance_name} {law.distance:.3f}"
    evidence = f"{_MEANING[law.direction]}: {_strongest(law)}{lost}; {distance}{caveat}{unlike}"
    return Verdict("distribution seems shifted" if law.caveat else "distribution shifted", law.direction, evidence)


def told(columns: Sequence[Column]) -> str:
    """Return what is to be said of columns that are not alike, as the end of a sentence; those that differ come first."""
    ordered = sorted(columns, key=lambda column: column.is_same)
    more = [f"{len(ordered) - SHOWN_COLUMNS} more columns"] if len(ordered) > SHOWN_COLUMNS else []
    return "".join(f"; {part}" for part in (*(column.line for column in ordered[:SHOWN_COLUMNS]), *more))


def _strongest(law: Distribution) -> str:
    """Return the three tests that say most."""
    from heirloom.stats.direction import LEVEL

    found = sorted((test for test in law.tests if test.adjusted <= LEVEL), key=lambda test: test.adjusted)
    return ", ".join(f"{test.name} {_signed(test.statistic)} (p {test.adjusted:.2g})" for test in found[:3])


def _signed(value: float) -> str:
    return f"{value:+,.0f}" if abs(value) >= 100 else f"{value:+.3g}"


def _sameness(identity: Identity, rows: Rows, columns: Sequence[Column]) -> str:
    if identity.same_bytes:
        return f"the same bytes, {rows.kept:,} rows"
    order = "in the same order" if rows.same_order else "in another order"
    compared = {column.name for column in columns}
    left = [one.what for one in identity.schema if one.what not in compared]
    return f"the same {rows.kept:,} rows {order}" + (f"; columns differ: {', '.join(left)}" if left else "")
