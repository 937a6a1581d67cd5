"""The page: which sections the answer has, in the order in which a reader asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from heirloom.diffs.reason import sizes
from heirloom.diffs.render.blocks import Block, Line, Pairs, Section, Table, Texts, number

if TYPE_CHECKING:
    from heirloom.diffs.result import Band, Control, DatasetDiff, Difference, Distribution, Identity, Measure, Moved, Vocabulary
    from heirloom.diffs.row_result import Column, Edits, Group, Rows

_SHORT = 12


def page(diff: DatasetDiff) -> list[Section]:
    """Return the sections of a comparison; the verdict and its reason stand first."""
    if diff.splits:
        return _splits(diff)
    parts: list[tuple[str, Iterable[Block]]] = [("Verdict", _verdict(diff)), ("Identity", _identity(diff.identity))]
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
    return [Section(title, tuple(blocks)) for title, blocks in parts]


def summary(diff: DatasetDiff) -> list[Section]:
    """Return what a reader needs first: the verdict, its reason, the counts of rows, and the control where it was asked for."""
    blocks = [*_verdict(diff)]
    if diff.splits:
        blocks.append(_split_table(diff))
    elif diff.rows and not diff.same:
        blocks.append(_counts(diff.rows))
    if diff.control:
        blocks += [Line("Against the control:"), *_control(diff.control)]
    return [Section(title(diff), (*blocks, Line("--full shows examples, columns, vocabulary, distribution and ancestry.")))]


def _verdict(diff: DatasetDiff) -> Iterator[Block]:
    yield Line(diff.verdict.line)
    for sentence in (sizes(diff.identity), diff.reason):
        if sentence:
            yield Line(f"{sentence[0].upper()}{sentence[1:]}.")


def _counts(rows: Rows) -> Table:
    """Return the five counts."""
    counts = [
        ("kept", rows.kept, rows.kept),
        ("edited: a small change", rows.edited, rows.edited),
        ("rewritten: same prompt", rows.rewritten, rows.rewritten),
        ("removed", rows.removed, None),
        ("added", None, rows.added),
    ]
    return Table("", ("rows", "of A", "of B"), tuple((name, number(a), number(b)) for name, a, b in counts))


def title(diff: DatasetDiff) -> str:
    """Return the page's name."""
    return f"{diff.identity.a.name} → {diff.identity.b.name}"


def _splits(diff: DatasetDiff) -> list[Section]:
    """Return all splits in one table, then each that differs by itself."""
    moved_rows = [Line(f"{move.line}.") for move in diff.moved]
    sections = [Section("Verdict", tuple(_verdict(diff))), Section("Splits", (_split_table(diff), *moved_rows))]
    for split in diff.splits:
        if split.diff and not split.diff.same:
            sections += [Section(f"{split.name}: {section.title}", section.blocks) for section in page(split.diff)]
    return sections


def _split_table(diff: DatasetDiff) -> Table:
    rows = tuple((split.name, number(split.rows_a), number(split.rows_b), split.line) for split in diff.splits)
    return Table("", ("", "rows of A", "rows of B", ""), rows)


def _identity(identity: Identity) -> Iterator[Block]:
    a, b = identity.a, identity.b
    rows = (
        ("fingerprint", a.sha256[:_SHORT], b.sha256[:_SHORT]),
        ("rows", number(a.rows), number(b.rows)),
        ("tokens", number(a.tokens), number(b.tokens)),
        ("bytes", number(a.bytes), number(b.bytes)),
    )
    yield Table("", ("", f"A: {a.name}", f"B: {b.name}"), rows)
    if identity.schema:
        yield _differences("columns that differ", identity.schema)
    if identity.lineage:
        step = f"the step {identity.lineage_step}" if identity.lineage_step else "not known"
        yield _differences(f"where the ancestries part: {step}", identity.lineage)


def _differences(name: str, differences: Iterable[Difference]) -> Table:
    rows = tuple((difference.what, _brief(difference.a), _brief(difference.b)) for difference in differences)
    return Table(name, ("", "A", "B"), rows)


def _brief(value: str | None) -> str:
    if value is None:
        return "–"
    return value[:_SHORT] if len(value) == 64 and value.isalnum() else value


def _rows(rows: Rows) -> Iterator[Block]:
    yield _row_counts(rows)
    yield from map(Line, rows.notes)
    if rows.groups:
        yield _groups(rows.groups)
    near_a, near_b = rows.near_checked
    if near_a < rows.removed or near_b < rows.added:
        yield Line(f"Near-duplicates were looked for among {near_a:,} removed and {near_b:,} added rows.")
    for sort, edits in (("Edits", rows.edits), ("Rewrites", rows.rewrites)):
        if edits:
            yield _edits(sort, edits)
    for name, texts in (("removed", rows.removed_examples), ("added", rows.added_examples)):
        if texts:
            yield Texts(name, texts)
    sorts = {"rewritten: same prompt": rows.rewritten_examples, "edited": rows.edited_examples, "near-duplicates": rows.near_examples}
    for name, pairs in sorts.items():
        if pairs:
            yield Pairs(name, pairs)


def _row_counts(rows: Rows) -> Table:
    counts = [("kept", rows.kept, rows.kept), ("edited", rows.edited, rows.edited)]
    if rows.rewritten:
        counts.append(("rewritten: same prompt", rows.rewritten, rows.rewritten))
    counts += [("removed", rows.removed, 0), ("added", 0, rows.added)]
    if any(rows.near_checked):
        counts.append(("  with a near-duplicate on the other side", rows.near_removed, rows.near_added))
    counts.append(("repeated within the side", rows.repeated_a, rows.repeated_b))
    return Table("", ("rows", "of A", "of B"), tuple((name, number(a), number(b)) for name, a, b in counts))


def _groups(groups: Iterable[Group]) -> Table:
    columns = ("", "kept A", "changed A", "removed", "kept B", "changed B", "added")
    rows = []
    for group in groups:
        counts = (group.kept_a, group.edited_a, group.removed, group.kept_b, group.edited_b, group.added)
        rows.append((f"{group.by} {group.value}", *map(number, counts)))
    return Table("by origin and depth", columns, tuple(rows))


def _edits(sort: str, edits: Edits) -> Line:
    return Line(
        f"{sort} of {edits.measured:,} pairs: {100 * edits.changed_share:.0f} % of the tokens change, half of the pairs part by "
        f"token {edits.first_change + 1:g}; {edits.replaced:,} replaced, {edits.inserted:,} inserted, {edits.deleted:,} deleted."
    )


def _columns(columns: Iterable[Column]) -> Iterator[Block]:
    for column in columns:
        line = column.line
        sentence = f"C{line[1:]}." if line.startswith("column ") else f"Column {line}."
        yield Line(sentence)
        if column.examples:
            yield Texts(f"{column.name}, A → B", column.examples)


def _vocabulary(words: Vocabulary) -> Iterator[Block]:
    unit = words.unit[:-1]
    yield Line(f"{words.types_a:,} {unit} types in A, {words.types_b:,} in B: {words.lost:,} lost, {words.gained:,} gained.")
    bands = ((f"seen {band.band} times", number(band.types), *_survival(band)) for band in words.bands)
    generations = f"{words.generations} generation{'s' if words.generations > 1 else ''}"
    drift = (f"neutral drift, {generations}",) if words.generations else ()
    yield Table("survival of A's types in B", (f"{unit} in A", "types", "survive", *drift), tuple(bands))
    lost = [f"{band.band}: {', '.join(band.lost_examples)}" for band in reversed(words.bands) if band.lost_examples]
    if lost:
        yield Texts(f"{words.unit} lost, by how often A had them", tuple(lost))
    if words.gained:
        counts = ", ".join(f"{band.b:,.0f} {band.name.removeprefix('gained, ')}" for band in words.gained_bands if band.b)
        yield Line(f"Gained: {counts}.")
    if words.gained_examples:
        yield Texts(f"{words.unit} gained", (", ".join(words.gained_examples),))
    yield _grams(words.moved)
    yield _measures("", words.measures)
    yield from map(Line, words.notes)


def _grams(grams: Iterable[Moved]) -> Table:
    rows = []
    for gram in grams:
        counts = number(gram.count_a), number(gram.count_b)
        rows.append((gram.gram, str(gram.n), *counts, f"{gram.log_odds:+.2f}", f"{gram.z:+.1f}"))
    title = "n-grams that moved most (log-odds with a Dirichlet prior)"
    return Table(title, ("n-gram", "n", "A", "B", "log-odds", "z"), tuple(rows))


def _survival(band: Band) -> tuple[str, ...]:
    shares = (band.survival,) if band.expected is None else (band.survival, band.expected)
    return tuple(f"{100 * share:.1f} %" for share in shares)


def _distribution(law: Distribution) -> Iterator[Block]:
    is_corrected = law.uncorrected != law.distance
    raw = f" (as counted {law.uncorrected:.4g}; the difference is what finite counts add)" if is_corrected else ""
    rows_a, rows_b = law.sampled
    yield Line(f"{law.distance_name}: {law.distance:.4g}{raw}, on {rows_a:,} and {rows_b:,} rows.")
    tests = ((test.name, f"{test.statistic:+.4g}", f"{test.p_value:.3g}", f"{test.adjusted:.3g}", f"{test.units:,}") for test in law.tests)
    yield Table("permutation tests, corrected for their number", ("", "statistic", "p", "p corrected", "units"), tuple(tests))
    if law.measures:
        yield _measures("", law.measures)
    yield from map(Line, law.notes)


def _measures(name: str, measures: Iterable[Measure]) -> Table:
    rows = tuple((measure.name, number(measure.a), number(measure.b)) for measure in measures)
    return Table(name, ("", "A", "B"), rows)


def _control(control: Control) -> Iterator[Block]:
    ratio = "no shift at all" if control.ratio is None else f"{control.ratio:.1f} times what resampling alone does"
    yield Line(f"{ratio} ({control.a} against {control.b}: {control.distance:.4g}).")
