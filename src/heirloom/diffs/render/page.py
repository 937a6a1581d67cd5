"""The page: which sections the answer has, in the order in which a reader asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from heirloom.diffs.render.blocks import Block, Line, Pairs, Section, Table, Texts, number

if TYPE_CHECKING:
    from heirloom.diffs.result import Control, DatasetDiff, Difference, Distribution, Identity, Measure, Vocabulary
    from heirloom.diffs.row_result import Column, Rows

_SHORT = 12


def page(diff: DatasetDiff) -> list[Section]:
    """Return the sections of a comparison; the verdict stands last, as the answer to all of it."""
    if diff.splits:
        return _splits(diff)
    parts: list[tuple[str, Iterable[Block]]] = [("Identity", _identity(diff.identity))]
    if diff.rows and not diff.same:
        parts.append(("Rows", _rows(diff.rows)))
    if diff.columns:
        parts.append(("Columns", _columns(diff.columns)))
    if diff.vocabulary:
        parts.append(("Vocabulary and n-grams", _vocabulary(diff.vocabulary)))
    if diff.distribution:
        parts.append(("Distribution", _distribution(diff.distribution)))
    if diff.control:
        parts.append(("Against the control", _control(diff.control)))
    parts.append(("Verdict", [Line(diff.verdict.line)]))
    return [Section(title, tuple(blocks)) for title, blocks in parts]


def title(diff: DatasetDiff) -> str:
    """Return the page's name."""
    return f"{diff.identity.a.name} → {diff.identity.b.name}"


def _splits(diff: DatasetDiff) -> list[Section]:
    """Return all splits in one table, then each that differs by itself."""
    told = tuple((split.name, number(split.rows_a), number(split.rows_b), split.line) for split in diff.splits)
    blocks: list[Block] = [Table("", ("", "rows of A", "rows of B", ""), told), *(Line(f"{one.line}.") for one in diff.moved)]
    unlike = [(split.name, split.diff) for split in diff.splits if split.diff and not split.diff.same]
    each = [Section(f"{name}: {section.title}", section.blocks) for name, found in unlike for section in page(found)]
    return [Section("Splits", tuple(blocks)), *each, Section("Verdict", (Line(diff.verdict.line),))]


def _identity(found: Identity) -> Iterator[Block]:
    a, b = found.a, found.b
    numbers = (("rows", a.rows, b.rows), ("tokens", a.tokens, b.tokens), ("bytes", a.bytes, b.bytes))
    rows = [(name, number(one), number(other)) for name, one, other in numbers]
    yield Table("", ("", f"A: {a.name}", f"B: {b.name}"), (("fingerprint", a.sha256[:_SHORT], b.sha256[:_SHORT]), *rows))
    if found.schema:
        yield _differences("columns that differ", found.schema)
    if found.lineage:
        step = f"the step {found.lineage_step}" if found.lineage_step else "not known"
        yield _differences(f"where the ancestries part: {step}", found.lineage)


def _differences(name: str, found: Iterable[Difference]) -> Table:
    return Table(name, ("", "A", "B"), tuple((one.what, _brief(one.a), _brief(one.b)) for one in found))


def _brief(value: str | None) -> str:
    if value is None:
        return "–"
    return value[:_SHORT] if len(value) == 64 and value.isalnum() else value


def _rows(found: Rows) -> Iterator[Block]:
    counts = (
        ("kept", found.kept, found.kept),
        ("edited", found.edited, found.edited),
        ("removed", found.removed, 0),
        ("added", 0, found.added),
    )
    near = ("  with a near-duplicate on the other side", found.near_removed, found.near_added)
    repeated = ("repeated within the side", found.repeated_a, found.repeated_b)
    rows = [*counts, *([near] if sum(found.near_checked) else []), repeated]
    yield Table("", ("rows", "of A", "of B"), tuple((name, number(a), number(b)) for name, a, b in rows))
    yield from (Line(note) for note in found.notes)
    if found.groups:
        columns = ("", "kept A", "edited A", "removed", "kept B", "edited B", "added")
        counted = ((one.kept_a, one.edited_a, one.removed, one.kept_b, one.edited_b, one.added) for one in found.groups)
        names = (f"{one.by} {one.value}" for one in found.groups)
        yield Table("by origin and depth", columns, tuple((name, *map(number, row)) for name, row in zip(names, counted, strict=True)))
    if max(found.near_checked) and found.near_checked != (found.removed, found.added):
        yield Line(f"Near-duplicates were looked for among {found.near_checked[0]:,} removed and {found.near_checked[1]:,} added rows.")
    if found.edits:
        edits = found.edits
        yield Line(
            f"Edits of {edits.measured:,} pairs: {100 * edits.changed_share:.0f} % of the tokens change, half of the pairs part by "
            f"token {edits.first_change + 1:g}; {edits.replaced:,} replaced, {edits.inserted:,} inserted, {edits.deleted:,} deleted."
        )
    for name, texts in (("removed", found.removed_examples), ("added", found.added_examples)):
        if texts:
            yield Texts(name, texts)
    for name, pairs in (("edited: same prompt", found.edited_examples), ("near-duplicates", found.near_examples)):
        if pairs:
            yield Pairs(name, pairs)


def _columns(found: Iterable[Column]) -> Iterator[Block]:
    for column in found:
        yield Line(f"{column.line[0].upper()}{column.line[1:]}." if column.line.startswith("column ") else f"Column {column.line}.")
        if column.examples:
            yield Texts(f"{column.name}, A → B", column.examples)


def _vocabulary(found: Vocabulary) -> Iterator[Block]:
    one = found.unit[:-1]
    yield Line(f"{found.types_a:,} {one} types in A, {found.types_b:,} in B: {found.lost:,} lost, {found.gained:,} gained.")
    bands = ((f"seen {band.band} times", number(band.types), *_survival(band.survival, band.expected)) for band in found.bands)
    drift = f"neutral drift, {found.generations} generation{'s' if found.generations > 1 else ''}"
    yield Table("survival of A's types in B", (f"{one} in A", "types", "survive", drift), tuple(bands))
    lost = [f"{band.band}: {', '.join(band.lost_examples)}" for band in reversed(found.bands) if band.lost_examples]
    if lost:
        yield Texts(f"{found.unit} lost, by how often A had them", tuple(lost))
    if found.gained:
        counts = ", ".join(f"{band.b:,.0f} {band.name.removeprefix('gained, ')}" for band in found.gained_bands if band.b)
        yield Line(f"Gained: {counts}.")
    if found.gained_examples:
        yield Texts(f"{found.unit} gained", (", ".join(found.gained_examples),))
    moved = ((m.gram, str(m.n), number(m.count_a), number(m.count_b), f"{m.log_odds:+.2f}", f"{m.z:+.1f}") for m in found.moved)
    yield Table("n-grams that moved most (log-odds with a Dirichlet prior)", ("n-gram", "n", "A", "B", "log-odds", "z"), tuple(moved))
    yield _measures("", found.measures)
    yield from (Line(note) for note in found.notes)


def _survival(survival: float, expected: float) -> tuple[str, str]:
    return f"{100 * survival:.1f} %", f"{100 * expected:.1f} %"


def _distribution(found: Distribution) -> Iterator[Block]:
    raw = f" (as counted {found.uncorrected:.4g}; the difference is what finite counts add)" if found.uncorrected != found.distance else ""
    yield Line(f"{found.distance_name}: {found.distance:.4g}{raw}, on {found.sampled[0]:,} and {found.sampled[1]:,} rows.")
    tests = ((one.name, f"{one.statistic:+.4g}", f"{one.p_value:.3g}", f"{one.adjusted:.3g}", f"{one.units:,}") for one in found.tests)
    yield Table("permutation tests, corrected for their number", ("", "statistic", "p", "p corrected", "units"), tuple(tests))
    if found.measures:
        yield _measures("", found.measures)
    yield from (Line(note) for note in found.notes)


def _measures(name: str, found: Iterable[Measure]) -> Table:
    return Table(name, ("", "A", "B"), tuple((one.name, number(one.a), number(one.b)) for one in found))


def _control(found: Control) -> Iterator[Block]:
    times = "no shift at all" if found.ratio is None else f"{found.ratio:.1f} times what resampling alone does"
    yield Line(f"{times} ({found.a} against {found.b}: {found.distance:.4g}).")
