"""The one line at the end: same, different rows, or shifted and in which direction, with the evidence in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from heirloom.diffs.result import Distribution, Identity, Test, Verdict, Vocabulary
from heirloom.diffs.row_result import Column, Rows
from heirloom.numerals import num_rows

_MEANING = {"narrower": "B is narrower than A", "broader": "B is broader than A", "elsewhere": "B lies elsewhere than A"}


SHOWN_COLUMNS = 5


def verdict(identity: Identity, rows: Rows, words: Vocabulary | None, law: Distribution | None, columns: Sequence[Column] = ()) -> Verdict:
    """Return the verdict: rows and columns decide whether the datasets are the same, corrected tests whether the laws are."""
    column_differences = column_clauses(columns)
    if rows.same:
        return Verdict("same", "", _sameness(identity, rows, columns) + column_differences)
    if not (rows.removed or rows.added or rows.edited or rows.rewritten):
        return Verdict("different", "", f"the content is equal in all {rows.kept:,} rows{column_differences}")
    changes = row_counts(rows)
    if law is None:
        reason = "" if identity.a.tokens is None else "; too few rows for a test of the distribution"
        return Verdict("different", "", f"{changes}{reason}{column_differences}")
    caveat = f"; {law.caveat}" if law.caveat else ""
    if not law.is_decidable:
        units = max(test.units for test in law.tests)
        reason = f"{units:,} units may trade places, too few for a test of the distribution at 5 %"
        return Verdict("different", "", f"{changes}; {reason}{caveat}{column_differences}")
    if law.direction == "same":
        strongest = min(law.tests, key=_adjusted_p)
        test = f"test of {law.tested}" if law.tested else "test"
        chance = f"no {test} finds more than chance (smallest p {strongest.adjusted:.2g}, {strongest.name})"
        untested = f"; {law.untested}" if law.untested else ""
        return Verdict("different rows, same distribution", "", f"{changes}; {chance}{untested}{caveat}{column_differences}")
    lost = f"; {words.lost:,} of {words.types_a:,} {words.unit[:-1]} types lost, {words.gained:,} gained" if words else ""
    distance = f"{law.distance_name} {law.distance:.3f}"
    evidence = f"{_MEANING[law.direction]}: {_strongest(law)}{lost}; {distance}{caveat}{column_differences}"
    return Verdict("distribution seems shifted" if law.caveat else "distribution shifted", law.direction, evidence)


def row_counts(rows: Rows) -> str:
    """Return the counts of rows; those of rewritten rows only where there are some."""
    rewritten = f"{rows.rewritten:,} rewritten, " if rows.rewritten else ""
    return f"{num_rows(rows.removed)} removed, {rows.added:,} added, {rows.edited:,} edited, {rewritten}{rows.kept:,} kept"


def column_clauses(columns: Sequence[Column]) -> str:
    """Return what is to be said of columns that are not alike, as the end of a sentence; those that differ come first."""
    ordered = sorted(columns, key=lambda column: column.is_same)
    clauses = [column.line for column in ordered[:SHOWN_COLUMNS]]
    if len(ordered) > SHOWN_COLUMNS:
        clauses.append(f"{len(ordered) - SHOWN_COLUMNS} more columns")
    return "".join(f"; {clause}" for clause in clauses)


def _strongest(law: Distribution) -> str:
    """Return the three tests that say most."""
    from heirloom.stats.direction import LEVEL

    significant = [test for test in law.tests if test.adjusted <= LEVEL]
    strongest = sorted(significant, key=_adjusted_p)[:3]
    return ", ".join(f"{test.name} {_signed(test.statistic)} (p {test.adjusted:.2g})" for test in strongest)


def _adjusted_p(test: Test) -> float:
    return test.adjusted


def _signed(value: float) -> str:
    return f"{value:+,.0f}" if abs(value) >= 100 else f"{value:+.3g}"


def _sameness(identity: Identity, rows: Rows, columns: Sequence[Column]) -> str:
    if identity.same_bytes:
        return f"the same bytes, {num_rows(rows.kept)}"
    order = "in the same order" if rows.same_order else "in another order"
    compared = {column.name for column in columns}
    further_columns = [difference.what for difference in identity.schema if difference.what not in compared]
    note = f"; columns differ: {', '.join(further_columns)}" if further_columns else ""
    return f"the same {rows.kept:,} rows {order}{note}"
