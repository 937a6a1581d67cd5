"""The comparison of two open datasets, section by section.

Two passes over each side: the first matches rows by hash, the second counts words. What is held is a few numbers a row, the
lexicon, and one part of the n-grams; the rest is on disk.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from heirloom.data import cells
from heirloom.data.dataset import Dataset
from heirloom.diffs import belonging, changes, columns, corpus, identity, origin, rows, sampling, strangers, verdict, vocabulary
from heirloom.diffs.cells import Hashes, Ints, Ragged, join, ragged
from heirloom.diffs.common import Common, common
from heirloom.diffs.likeness import Likeness, likeness
from heirloom.diffs.options import FEWEST_ROWS, Options
from heirloom.diffs.pairing import Pairing, tolerant
from heirloom.diffs.pieces import pieces_of
from heirloom.diffs.result import DatasetDiff, Distribution, Vocabulary
from heirloom.diffs.row_result import Rows
from heirloom.diffs.row_tables import RowTables
from heirloom.diffs.sides import Side
from heirloom.diffs.spool import Spool
from heirloom.errors import HeirloomError
from heirloom.measures.tables import Column
from heirloom.numerals import counted
from heirloom.stats.samples import Floats, TextSample, VectorSample

ALL_NEAR_ROWS = 1_000_000
NEAR_SAMPLE = 250_000
LARGEST_NUMBER = 1e150
BYTES_A_ROW = 90
"""Of memory, in a comparison of many short rows: measured, see the table of memory in docs/reliability.md."""


@dataclass(frozen=True)
class Comparison(Pairing):
    """Two open sides with their rows matched, and how they are to be compared."""

    grouped: bool
    names: sampling.RowNames
    options: Options


def compare(a: Side, b: Side, options: Options) -> DatasetDiff:
    """Return what changed from one open side to another."""
    shared = common(a, b, options.on)
    if a.sha256 == b.sha256:
        same_files = identity.identity(a, b)
        same_rows = Rows(True, True, kept=a.num_rows, edited=0, removed=0, added=0, rewritten=0, repeated_a=0, repeated_b=0)
        answer = verdict.verdict(same_files, same_rows, None, None)
        return DatasetDiff(shared.kind, same_files, same_rows, None, None, None, answer, tables={"": RowTables(a, b, shared=shared)})
    return describe(pair_rows(a, b, shared, options))


def pair_rows(a: Side, b: Side, shared: Common, options: Options) -> Comparison:
    """Return two sides with their rows matched."""
    strangers.check_rows((a, b), BYTES_A_ROW)
    tables = rows.read(a, shared, belonging.belonging(a, b)), rows.read(b, shared, belonging.belonging(b, a))
    is_vectors = shared.kind == "vectors"
    grouped = sampling.have_enough_units(*tables) if is_vectors else bool(shared.data) and rows.same_prompts(a, b)
    matching = rows.match(*tables, same_prompts=grouped and not is_vectors, by_place=not shared.data)
    if options.tolerance:
        _check_pairs(shared)
        matching = tolerant(Pairing(a, b, shared, *tables, matching, options.tolerance))
    names = sampling.row_names(*tables, matching)
    return Comparison(a, b, shared, *tables, matching, options.tolerance, grouped, names, options)


def _check_pairs(shared: Common) -> None:
    """Refuse a tolerance where rows are matched by the hash of all their numbers."""
    if not shared.keys and shared.kind not in ("text", "tokens"):
        raise HeirloomError("--tolerance compares the cells of paired rows: say with --on which columns name a row")


def describe(sides: Comparison) -> DatasetDiff:
    """Return what changed between matched sides."""
    shared = sides.shared
    num_tokens = int(sides.table_a.lengths.sum()), int(sides.table_b.lengths.sum())
    files = identity.identity(sides.a, sides.b, num_tokens if shared.data else (None, None))
    unlike_columns = columns.compare(sides, sides.options.max_examples)
    words, law, alike = None, None, Likeness()
    if shared.data and not (sides.matching.kept_a.all() and sides.matching.kept_b.all()):
        words, law, alike = _vectors(sides) if shared.kind == "vectors" else _words(sides)
    if _are_lineage_tables(sides) and not (sides.matching.kept_a.all() and sides.matching.kept_b.all()):
        law = _tables(sides)
    matching = sides.matching.with_edits(alike.edited)
    row_counts = changes.counted(sides, matching, alike, unlike_columns, sides.options.max_examples)
    tables = {"": changes.tables(sides, matching, alike)}
    answer = verdict.verdict(files, row_counts, words, law, unlike_columns)
    return DatasetDiff(shared.kind, files, row_counts, words, law, None, answer, unlike_columns, tables=tables)


def _words(sides: Comparison) -> tuple[Vocabulary | None, Distribution | None, Likeness]:
    """Count the words of both sides, then say what became of the vocabulary, the distribution and the near-duplicates."""
    options, lexicon = sides.options, sides.shared.lexicon()
    keys = sampling.keys(sides.table_a, sides.table_b, sides.names, grouped=sides.grouped)
    order_a, order_b = sampling.order(sides.table_a, keys[0]), sampling.order(sides.table_b, keys[1])
    sampled = sampling.draw(order_a, order_b, options.sample, options.stream("sample"))
    removed, added = sides.matching.unmatched
    near_share = _near_share(max(len(removed), len(added)))
    selection_a = corpus.Selection(sampled[0], removed, near_share, options.seed)
    selection_b = corpus.Selection(sampled[1], added, near_share, options.seed)
    num_words = max(int(table.lengths.sum(dtype=np.int64)) for table in (sides.table_a, sides.table_b))
    with tempfile.TemporaryDirectory(prefix="heirloom-diff-") as folder:
        spools = [Spool(Path(folder), n, num_words) for n in (2, 3)]
        a = corpus.read(sides.a, "a", lexicon, spools, selection_a)
        b = corpus.read(sides.b, "b", lexicon, spools, selection_b)
        words = vocabulary.vocabulary(a, b, lexicon, spools, _generations(sides), options.max_examples)
    alike = replace(_likeness(sides, a, b), notes=tuple(_unreadable(lexicon.invalid_rows)))
    return words, _law(sides, (a, b), sampled, keys), alike


def _near_share(num_rows: int) -> float:
    """Return which share of the rows without a partner is looked at for near-duplicates."""
    return 1.0 if num_rows <= ALL_NEAR_ROWS else NEAR_SAMPLE / num_rows


def _law(
    sides: Comparison, readings: tuple[corpus.Reading, corpus.Reading], sampled: tuple[Ints, Ints], keys: tuple[Hashes, Hashes]
) -> Distribution | None:
    from heirloom.diffs import distribution

    in_contrast_a, in_contrast_b, contrast_note = sampling.contrast(sides.names, *sampled)
    rows_a, rows_b = sampled[0][in_contrast_a], sampled[1][in_contrast_b]
    words_a = readings[0].sample.take(np.flatnonzero(in_contrast_a))
    words_b = readings[1].sample.take(np.flatnonzero(in_contrast_b))
    samples = (
        distribution.text_sample(words_a, keys[0][rows_a], sides.table_a.hashes[rows_a], readings[0].repetition[rows_a]),
        distribution.text_sample(words_b, keys[1][rows_b], sides.table_b.hashes[rows_b], readings[1].repetition[rows_b]),
    )
    if not all(_is_enough(sample) for sample in samples):
        return None
    scored, origin_note = _perplexities(sides, rows_a, rows_b)
    caveat = ""
    if _most_lack_a_unit(sides, rows_a, rows_b):
        from heirloom.diffs import dependence  # scipy: a quarter of a second that rows of known units need not wait for

        samples, caveat = dependence.of_text(samples, sides.options.stream("neighbours"))
    notes = [note for note in (contrast_note, origin_note) if note]
    return distribution.of_text(samples, sides.shared.lexicon().unit, scored, sides.options.stream("tests"), notes, caveat)


def _perplexities(sides: Comparison, rows_a: Ints, rows_b: Ints) -> tuple[tuple[Floats, ...] | None, str]:
    """Return the perplexities of the first of some rows under the origin, None without one, and why they are left out."""
    model = origin.find(sides.a, sides.b)
    if model is None:
        return None, ""
    return origin.perplexities(model, sides.a, sides.b, rows_a[: origin.MAX_ROWS], rows_b[: origin.MAX_ROWS])


def _most_lack_a_unit(sides: Comparison, rows_a: Ints, rows_b: Ints) -> bool:
    """Return whether more than half of some rows of both sides belong to no unit."""
    without_unit_a = sampling.without_unit(sides.table_a, grouped=sides.grouped)[rows_a]
    without_unit_b = sampling.without_unit(sides.table_b, grouped=sides.grouped)[rows_b]
    return bool(np.concatenate([without_unit_a, without_unit_b]).mean() > 0.5)


def _vectors(sides: Comparison) -> tuple[None, Distribution | None, Likeness]:
    from heirloom.diffs import dependence, vector_distribution

    keys = sampling.keys(sides.table_a, sides.table_b, sides.names, grouped=sides.grouped)
    if sides.grouped:
        order_a, order_b = sampling.unit_places(sides.table_a), sampling.unit_places(sides.table_b)
    else:
        order_a, order_b = sampling.order(sides.table_a, keys[0]), sampling.order(sides.table_b, keys[1])
    sampled_a, sampled_b = sampling.draw(order_a, order_b, sides.options.sample, sides.options.stream("sample"))
    in_contrast_a, in_contrast_b, note = sampling.contrast(sides.names, sampled_a, sampled_b)
    samples = (
        _vector_sample(sides.a, sampled_a[in_contrast_a], keys[0], grouped=sides.grouped),
        _vector_sample(sides.b, sampled_b[in_contrast_b], keys[1], grouped=sides.grouped),
    )
    if min(len(sample.x) for sample in samples) < FEWEST_ROWS:
        return None, None, Likeness()
    caveat = ""
    if not _has_units(sides):
        samples, caveat = dependence.of_vectors(samples, sides.options.stream("neighbours"))
    notes = [note] if note else []
    return None, vector_distribution.of_vectors(samples, sides.options.stream("tests"), notes, caveat), Likeness()


def _are_lineage_tables(sides: Comparison) -> bool:
    """Return whether rows are of tables that a model of a lineage, or a source, has drawn one by one; others may hang together."""
    return not sides.shared.data and belonging.has_lineage(sides.a) and belonging.has_lineage(sides.b)


def _tables(sides: Comparison) -> Distribution | None:
    from heirloom.diffs import table_distribution

    keys = sampling.keys(sides.table_a, sides.table_b, sides.names, grouped=False)
    sampled = sampling.draw(*keys, sides.options.sample, sides.options.stream("sample"))
    if min(map(len, sampled)) < FEWEST_ROWS:
        return None
    names = list(sides.shared.others)
    columns_a, columns_b = _table_columns(sides.a, sampled[0], names), _table_columns(sides.b, sampled[1], names)
    return table_distribution.of_tables(columns_a, columns_b, sides.options.stream("tests")) if columns_a else None


def _table_columns(side: Side, rows: Ints, names: list[str]) -> dict[str, Column]:
    """Return the columns of a table's rows at ascending positions: numbers, or the texts of categories."""
    sampled = Dataset.of(pa.Table.from_batches(origin.take(side, rows, names)))
    return {name: cells.values(sampled, name) for name in cells.names(sampled)}


def _vector_sample(side: Side, rows: Ints, keys: Hashes, *, grouped: bool) -> VectorSample:
    """Return the vectors of the rows at ascending positions, with their keys.

    Raises
    ------
    HeirloomError
        If two vectors have another number of numbers, or a number cannot be squared.
    """
    vectors = join([ragged(batch.column(0)) for batch in origin.take(side, rows, ["x"])])
    widths = np.unique(vectors.lengths)
    if len(widths) > 1:
        raise HeirloomError(f"{side.name}: vectors of {widths[0]} and of {widths[-1]} numbers; all rows must have as many")
    largest = float(np.abs(vectors.values, where=np.isfinite(vectors.values), out=np.zeros(len(vectors.values))).max(initial=0))
    if largest > LARGEST_NUMBER:
        raise HeirloomError(
            f"{side.name}: a vector has a number of size {largest:.3g}; allowed are {LARGEST_NUMBER:g}, because tests square them "
            "(--counts takes any)"
        )
    units = keys[rows].view(np.int64)
    return VectorSample(vectors.values.reshape(len(rows), int(widths[0]) if len(widths) else 0), units, units if grouped else None)


def _has_units(sides: Comparison) -> bool:
    """Return whether vectors are units by their making: replicas or documents are known, or Heirloom drew each row by itself."""
    if belonging.has_lineage(sides.a) and belonging.has_lineage(sides.b):
        return True
    tables = (sides.table_a, sides.table_b)
    return not any(sampling.without_unit(table, grouped=sides.grouped).any() for table in tables)


def _likeness(sides: Comparison, a: corpus.Reading, b: corpus.Reading) -> Likeness:
    """Return which rows without a partner were edited, and which have a near-duplicate."""

    def words_of(positions: tuple[Ints, Ints]) -> tuple[Ragged, Ragged]:
        return pieces_of(sides.a, sides.b, positions, sides.shared)

    return likeness((a.signatures, b.signatures), (a.near_rows, b.near_rows), words_of)


def _generations(sides: Comparison) -> int:
    """Return how many generations lie between A and B, at least 1; 0 where they are no generations."""
    first, last = (side.slice.get("generation") for side in (sides.a, sides.b))
    return max(1, last - first) if isinstance(first, int) and isinstance(last, int) else 0


def _is_enough(sample: TextSample) -> bool:
    return len(sample.offsets) > FEWEST_ROWS and len(sample.types) > 0


def _unreadable(invalid_rows: int) -> list[str]:
    return [f"{counted(invalid_rows, 'row holds', 'rows hold')} bytes that are not UTF-8; they are read as U+FFFD"] if invalid_rows else []
