"""The comparison of two open datasets, section by section.

Two passes over each side: the first matches rows by hash, the second counts words. What is held is a few numbers a row, the
lexicon, and one part of the n-grams; the rest is on disk.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from heirloom.diffs import belonging, columns, corpus, examples, identity, near, origin, rows, sampling, verdict, vocabulary
from heirloom.diffs.cells import Hashes, Ints, join, ragged
from heirloom.diffs.common import Common, common
from heirloom.diffs.edits import edits
from heirloom.diffs.options import FEWEST_ROWS, Options
from heirloom.diffs.pairing import Pairing, tolerant
from heirloom.diffs.result import DatasetDiff, Distribution, Vocabulary
from heirloom.diffs.row_result import Column, Edits, Rows
from heirloom.diffs.sides import Side
from heirloom.diffs.spool import Spool
from heirloom.diffs.words import Lexicon
from heirloom.errors import HeirloomError
from heirloom.stats.samples import Floats, TextSample, VectorSample

ALL_NEAR_ROWS = 1_000_000
NEAR_SAMPLE = 250_000
EDITED_ROWS = 10_000
EDITED_TOKENS = 10_000
"""Of a row whose edits are counted: their cost grows with the square."""


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
        same_rows = Rows(same=True, same_order=True, kept=a.num_rows, edited=0, removed=0, added=0, repeated_a=0, repeated_b=0)
        answer = verdict.verdict(same_files, same_rows, None, None)
        return DatasetDiff(shared.kind, same_files, same_rows, None, None, None, answer)
    return describe(pair_rows(a, b, shared, options))


def pair_rows(a: Side, b: Side, shared: Common, options: Options) -> Comparison:
    """Return two sides with their rows matched."""
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
    changes = _rows(sides, unlike_columns)
    words, law = None, None
    if shared.data and (changes.removed or changes.added or changes.edited):
        words, law, changes = _vectors(sides, changes) if shared.kind == "vectors" else _words(sides, changes)
    answer = verdict.verdict(files, changes, words, law, unlike_columns)
    return DatasetDiff(shared.kind, files, changes, words, law, None, answer, unlike_columns)


def _rows(sides: Comparison, unlike_columns: Sequence[Column]) -> Rows:
    """Return the counts of rows, with examples; near-duplicates come with the words."""
    matching, most = sides.matching, sides.options.max_examples
    removed, added = matching.unmatched
    edited_a, edited_b = matching.edited
    example_columns = sides.shared.data[-1:] or sides.shared.others
    edited_columns = _edited_columns(sides, unlike_columns) if sides.by_key else example_columns
    same = all(column.is_same for column in unlike_columns) and not (len(removed) or len(added) or len(edited_a))
    return Rows(
        same=same,
        same_order=same and rows.same_order(sides.table_a, sides.table_b),
        kept=int(matching.kept_a.sum()),
        edited=len(edited_a),
        removed=len(removed),
        added=len(added),
        repeated_a=rows.repeated(sides.table_a.hashes),
        repeated_b=rows.repeated(sides.table_b.hashes),
        groups=tuple(rows.groups(sides.table_a, sides.table_b, matching)),
        edits=_edits(sides) if len(edited_a) and sides.shared.data else None,
        removed_examples=examples.texts(sides.a, removed[:most], example_columns),
        added_examples=examples.texts(sides.b, added[:most], example_columns),
        edited_examples=examples.pairs(sides.a, sides.b, (edited_a[:most], edited_b[:most]), edited_columns),
        notes=(*sides.shared.notes, *_repeated_keys(sides)),
    )


def _edited_columns(sides: Comparison, unlike_columns: Sequence[Column]) -> tuple[str, ...]:
    """Return the columns to show of a pair with one key: the key, and what differs."""
    return (*sides.shared.keys, *(column.name for column in unlike_columns if column.differs))


def _repeated_keys(sides: Comparison) -> Iterator[str]:
    """Yield a note where rows of one side share a key."""
    if sides.table_a.keys is None or sides.table_b.keys is None:
        return
    repeated_a, repeated_b = rows.repeated(sides.table_a.keys), rows.repeated(sides.table_b.keys)
    if repeated_a or repeated_b:
        name = ",".join(sides.shared.keys)
        counts = f"{repeated_a:,} rows of A and {repeated_b:,} of B"
        yield f"--on {name}: {counts} have the key of an earlier row; such rows are paired in order, equal ones first"


def _edits(sides: Comparison) -> Edits | None:
    """Return the edits of the edited pairs whose content differs, of about `EDITED_ROWS` of them where there are more."""
    edited_a, edited_b = sides.matching.edited
    has_other_content = sides.table_a.hashes[edited_a] != sides.table_b.hashes[edited_b]
    edited_a, edited_b = edited_a[has_other_content], edited_b[has_other_content]
    if not len(edited_a):
        return None
    stride = math.ceil(len(edited_a) / EDITED_ROWS)
    lexicon = sides.shared.lexicon()  # of both sides: one word has one id
    ids_a = _ids(sides.a, edited_a[::stride], sides.shared, lexicon)
    ids_b = _ids(sides.b, edited_b[::stride], sides.shared, lexicon)
    return edits(ids_a, ids_b)


def _ids(side: Side, positions: Ints, shared: Common, lexicon: Lexicon) -> list[list[int]]:
    """Return the first tokens, or where there are none words, of the rows at some positions, as ids."""
    ascending, inverse = np.unique(positions, return_inverse=True)
    if "tokens" in shared.data:
        parts = [ragged(batch.column(0)) for batch in origin.take(side, ascending, ["tokens"])]
    else:
        parts = [lexicon.read(batch.column(0)) for batch in origin.take(side, ascending, [lexicon.column])]
    return [row[:EDITED_TOKENS].tolist() for row in join(parts).take(inverse).rows()]


def _words(sides: Comparison, changes: Rows) -> tuple[Vocabulary | None, Distribution | None, Rows]:
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
    changes = _near(sides, changes, a, b)
    changes = replace(changes, notes=(*changes.notes, *_unreadable(lexicon.invalid_rows)))
    return words, _law(sides, (a, b), sampled, keys), changes


def _near_share(num_rows: int) -> float:
    """Return which share of the rows without a partner is looked at for near-duplicates."""
    return 1.0 if num_rows <= ALL_NEAR_ROWS else NEAR_SAMPLE / num_rows


def _law(
    sides: Comparison, readings: tuple[corpus.Reading, corpus.Reading], sampled: tuple[Ints, Ints], keys: tuple[Hashes, Hashes]
) -> Distribution | None:
    from heirloom.diffs import dependence, distribution  # scipy: half a second that equal datasets need not wait for

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
        samples, caveat = dependence.of_text(samples, sides.options.stream("neighbours"))
    notes = [note for note in (contrast_note, origin_note) if note]
    return distribution.of_text(samples, scored, sides.options.stream("tests"), notes, caveat)


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


def _vectors(sides: Comparison, changes: Rows) -> tuple[None, Distribution | None, Rows]:
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
        return None, None, changes
    caveat = ""
    if not _has_units(sides):
        samples, caveat = dependence.of_vectors(samples, sides.options.stream("neighbours"))
    notes = [note] if note else []
    return None, vector_distribution.of_vectors(samples, sides.options.stream("tests"), notes, caveat), changes


def _vector_sample(side: Side, rows: Ints, keys: Hashes, *, grouped: bool) -> VectorSample:
    """Return the vectors of the rows at ascending positions, with their keys.

    Raises
    ------
    HeirloomError
        If two vectors have another number of numbers.
    """
    vectors = join([ragged(batch.column(0)) for batch in origin.take(side, rows, ["x"])])
    widths = np.unique(vectors.lengths)
    if len(widths) > 1:
        raise HeirloomError(f"{side.name}: vectors of {widths[0]} and of {widths[-1]} numbers; all rows must have as many")
    units = keys[rows].view(np.int64)
    return VectorSample(vectors.values.reshape(len(rows), -1), units, units if grouped else None)


def _has_units(sides: Comparison) -> bool:
    """Return whether vectors are units by their making: replicas or documents are known, or Heirloom drew each row by itself."""
    if belonging.has_lineage(sides.a) and belonging.has_lineage(sides.b):
        return True
    tables = (sides.table_a, sides.table_b)
    return not any(sampling.without_unit(table, grouped=sides.grouped).any() for table in tables)


def _near(sides: Comparison, changes: Rows, a: corpus.Reading, b: corpus.Reading) -> Rows:
    """Return the changes with the near-duplicates among the rows without a partner."""
    to_b, similarity = near.nearest(a.signatures, b.signatures)
    to_a, _ = near.nearest(b.signatures, a.signatures)
    nearest_first = np.argsort(-similarity, kind="stable")[: sides.options.max_examples]
    example_rows = nearest_first[to_b[nearest_first] >= 0]
    positions = a.near_rows[example_rows], b.near_rows[to_b[example_rows]]
    return replace(
        changes,
        near_removed=int((to_b >= 0).sum()),
        near_added=int((to_a >= 0).sum()),
        near_checked=(len(a.signatures), len(b.signatures)),
        near_examples=examples.pairs(sides.a, sides.b, positions, sides.shared.data[-1:]),
    )


def _generations(sides: Comparison) -> int:
    """Return how many generations lie between A and B, 1 where it is not known."""
    first, last = (side.slice.get("generation") for side in (sides.a, sides.b))
    return max(1, last - first) if isinstance(first, int) and isinstance(last, int) else 1


def _is_enough(sample: TextSample) -> bool:
    return len(sample.offsets) > FEWEST_ROWS and len(sample.types) > 0


def _unreadable(invalid_rows: int) -> list[str]:
    return [f"{invalid_rows:,} rows hold bytes that are not UTF-8; they are read as U+FFFD"] if invalid_rows else []
