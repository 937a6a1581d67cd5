"""Why the datasets differ, in one sentence of words: what a reader would say who had looked at the rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from heirloom.numerals import counted, num_rows

if TYPE_CHECKING:
    from heirloom.diffs.result import DatasetDiff, Identity, Moved, Vocabulary
    from heirloom.diffs.row_result import Rows, Template

FEWEST_TIMES = 3
MAX_COLUMNS = 2
MAX_CLAUSES = 4


def reason(diff: DatasetDiff) -> str:
    """Return the cause without a full stop; empty where the data are the same or nothing simple explains what changed."""
    if diff.same:
        return ""
    clauses = [*_ancestry(diff.identity), *_moved(diff)]
    if diff.rows:
        clauses += _rows(diff.rows)
    if diff.vocabulary:
        clauses += _words(diff.vocabulary)
    unlike = [column for column in diff.columns if not column.is_same]
    clauses += [column.line for column in unlike[:MAX_COLUMNS]]
    return "; ".join(clauses[:MAX_CLAUSES])


def sizes(identity: Identity) -> str:
    """Return by how many rows one side is larger, without a full stop; empty where both have as many."""
    rows_a, rows_b = identity.a.rows, identity.b.rows
    if rows_a == rows_b:
        return ""
    more = "more" if rows_b > rows_a else "fewer"
    return f"B has {num_rows(abs(rows_b - rows_a))} {more} than A ({rows_a:,} and {rows_b:,}), so counts of one are not those of the other"


def _ancestry(identity: Identity) -> Iterator[str]:
    if identity.lineage_step and identity.lineage:
        first = next((one for one in identity.lineage if one.what != "artefact"), None)
        if first is not None:
            yield f"the ancestries part at the step {identity.lineage_step}: {first.what} {first.a or '–'} → {first.b or '–'}"


def _moved(diff: DatasetDiff) -> Iterator[str]:
    if diff.moved:
        largest = max(move.rows for move in diff.moved)
        yield next(move.line for move in diff.moved if move.rows == largest)
    lacking = [split.name for split in diff.splits if split.diff is None]
    if lacking:
        yield f"only one side has {', '.join(lacking[:MAX_CLAUSES])}"
    for split in diff.splits:
        if split.diff and not split.diff.same and split.diff.reason:
            yield f"in {split.name}, {split.diff.reason}"


def _rows(rows: Rows) -> Iterator[str]:
    if not (rows.edited or rows.rewritten):
        if rows.removed and not rows.added:
            yield f"B is A without {num_rows(rows.removed)}"
        if rows.added and not rows.removed:
            yield f"B is A and {num_rows(rows.added)} more"
    yield from _template(rows.added_template, "new")
    yield from _template(rows.removed_template, "removed")
    edits = rows.edits
    if edits and edits.measured == rows.edited and edits.one_word:
        further = f", {rows.edited - edits.one_word:,} by more" if rows.edited > edits.one_word else ""
        yield f"{counted(edits.one_word, 'row differs', 'rows differ')} by one word{further}"
    elif rows.edited:
        yield f"{counted(rows.edited, 'row is', 'rows are')} the same but for a small change"
    if rows.rewritten:
        yield f"{counted(rows.rewritten, 'row answers', 'rows answer')} the same prompt in other words"
    if rows.repeated_b > rows.repeated_a:
        yield f"{counted(rows.repeated_b - rows.repeated_a, 'more row repeats', 'more rows repeat')} another row"


def _template(template: Template | None, sort: str) -> Iterator[str]:
    if template:
        of = f" of the {template.looked_at:,}" if template.rows < template.looked_at else ""
        yield f"{template.rows:,}{of} {sort} rows share one template: '{template.text} …'"


def _words(words: Vocabulary) -> Iterator[str]:
    unit = words.unit[:-1]
    singles = [gram for gram in words.moved if gram.n == 1]
    risen = [gram for gram in singles if gram.count_a == 0 and gram.count_b >= FEWEST_TIMES]
    fallen = [gram for gram in singles if gram.count_b == 0 and gram.count_a >= FEWEST_TIMES]
    if risen:
        gram = max(risen, key=_weight)
        yield f"the {unit} '{gram.gram}' appears {gram.count_b:,} times in B and never in A"
    if fallen:
        gram = max(fallen, key=_weight)
        yield f"the {unit} '{gram.gram}' appears {gram.count_a:,} times in A and never in B"


def _weight(gram: Moved) -> tuple[int, int]:
    """Return what makes a word that one side lacks worth naming: how often the other has it, and of equal ones how long it is."""
    return gram.count_a + gram.count_b, len(gram.gram)
