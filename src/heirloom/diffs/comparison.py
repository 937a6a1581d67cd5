"""The comparison of two open datasets, section by section.

Two passes over each side: the first matches rows by hash, the second counts words. What is held is a few numbers a row, the
lexicon, and one part of the n-grams; the rest is on disk.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from heirloom.diffs import belonging, columns, corpus, examples, identity, near, origin, rows, sampling, verdict, vocabulary
from heirloom.diffs.cells import Hashes, Ints, Ragged, join, ragged
from heirloom.diffs.common import Common, common
from heirloom.diffs.edits import edits
from heirloom.diffs.result import DatasetDiff, Distribution, Vocabulary
from heirloom.diffs.row_result import Rows
from heirloom.diffs.sides import Side
from heirloom.diffs.spool import Spool
from heirloom.errors import HeirloomError
from heirloom.runtime.streams import Stream
from heirloom.stats.samples import TextSample, VectorSample

MAX_EXAMPLES = 5
SAMPLE = 10_000
ALL_NEAR_ROWS = 1_000_000
NEAR_SAMPLE = 250_000
EDITED_ROWS = 10_000
FEWEST_ROWS = 2


@dataclass(frozen=True)
class Options:
    """How much to show, how many rows of each side the tests look at, and the seed of what is drawn."""

    max_examples: int = MAX_EXAMPLES
    sample: int = SAMPLE
    seed: int = 0

    def __post_init__(self) -> None:
        if self.max_examples < 0 or self.sample < FEWEST_ROWS or self.seed < 0:
            raise HeirloomError(
                f"diff: max_examples {self.max_examples}, sample {self.sample} and seed {self.seed} given; allowed are at least "
                f"0, {FEWEST_ROWS} and 0"
            )

    def stream(self, *names: str) -> Stream:
        """Return a stream of this comparison."""
        return Stream((self.seed, "diff", *names))


@dataclass(frozen=True)
class Compared(columns.Pairing):
    """Two open sides with their rows matched, and how they are to be compared."""

    grouped: bool
    names: sampling.Named
    options: Options


def compare(a: Side, b: Side, options: Options) -> DatasetDiff:
    """Return what changed from one open side to another."""
    shared = common(a, b)
    if a.sha256 == b.sha256:
        known = identity.identity(a, b)
        same = Rows(same=True, same_order=True, kept=a.num_rows, edited=0, removed=0, added=0, repeated_a=0, repeated_b=0)
        return DatasetDiff(shared.kind, known, same, None, None, None, verdict.verdict(known, same, None, None))
    return described(matched(a, b, shared, options))


def matched(a: Side, b: Side, shared: Common, options: Options) -> Compared:
    """Return two sides with their rows matched."""
    tables = rows.read(a, shared, belonging.belonging(a, b)), rows.read(b, shared, belonging.belonging(b, a))
    vectors = shared.kind == "vectors"
    grouped = sampling.many(*tables) if vectors else bool(shared.data) and rows.same_prompts(a, b)
    pairs = rows.match(*tables, same_prompts=grouped and not vectors, by_place=not shared.data)
    return Compared(a, b, shared, *tables, pairs, grouped, sampling.named(*tables, pairs), options)


def described(both: Compared) -> DatasetDiff:
    """Return what changed between matched sides."""
    totals = int(both.table_a.lengths.sum()), int(both.table_b.lengths.sum())
    known = identity.identity(both.a, both.b, totals if both.shared.data else (None, None))
    unlike = columns.compare(both, both.options.max_examples)
    changes = _rows(both, all(column.is_same for column in unlike))
    words, law = None, None
    if both.shared.data and any(map(len, (*both.matched.open, both.matched.edited[0]))):
        words, law, changes = _vectors(both, changes) if both.shared.kind == "vectors" else _words(both, changes)
    answer = verdict.verdict(known, changes, words, law, unlike)
    return DatasetDiff(both.shared.kind, known, changes, words, law, None, answer, unlike)


def _rows(both: Compared, same_columns: bool) -> Rows:
    """Return the counts of rows, with examples; near-duplicates come with the words."""
    matched, most = both.matched, both.options.max_examples
    removed, added = matched.open
    edited = matched.edited
    shown = both.shared.data[-1:] or both.shared.others
    same = same_columns and not (len(removed) or len(added) or len(edited[0]))
    every = -(-len(edited[0]) // EDITED_ROWS) or 1
    measured = edited[0][::every], edited[1][::every]
    return Rows(
        same=same,
        same_order=same and rows.same_order(both.table_a, both.table_b),
        kept=int(matched.kept_a.sum()),
        edited=len(edited[0]),
        removed=len(removed),
        added=len(added),
        repeated_a=rows.repeated(both.table_a),
        repeated_b=rows.repeated(both.table_b),
        groups=tuple(rows.groups(both.table_a, both.table_b, matched)),
        edits=edits(*(_ids(side, at, both.shared) for side, at in zip((both.a, both.b), measured, strict=True)))
        if len(edited[0]) and both.shared.data
        else None,
        removed_examples=examples.shown(both.a, removed[:most], shown),
        added_examples=examples.shown(both.b, added[:most], shown),
        edited_examples=examples.pairs(both.a, both.b, (edited[0][:most], edited[1][:most]), shown),
        notes=both.shared.notes,
    )


def _ids(side: Side, at: Ints, shared: Common) -> list[list[int]]:
    """Return tokens, or where there are none words, of the rows at some positions, as ids."""
    ordered, back = np.unique(at, return_inverse=True)
    lexicon = shared.lexicon()
    if "tokens" in shared.data:
        parts = [ragged(batch.column(0)) for batch in origin.take(side, ordered, ["tokens"])]
    else:
        parts = [lexicon.read(batch.column(0)) for batch in origin.take(side, ordered, [lexicon.column])]
    return [row.tolist() for row in join(parts).take(back).rows()]


def _words(both: Compared, changes: Rows) -> tuple[Vocabulary | None, Distribution | None, Rows]:
    """Count the words of both sides, then say what became of the vocabulary, the distribution and the near-duplicates."""
    options, lexicon = both.options, both.shared.lexicon()
    keys = sampling.keys(both.table_a, both.table_b, both.names, grouped=both.grouped)
    order = sampling.order(both.table_a, keys[0]), sampling.order(both.table_b, keys[1])
    drawn = sampling.draw(*order, options.sample, options.stream("sample"))
    free = both.matched.open
    share = 1.0 if max(map(len, free)) <= ALL_NEAR_ROWS else NEAR_SAMPLE / max(map(len, free))
    expected = max(int(both.table_a.lengths.sum(dtype=np.int64)), int(both.table_b.lengths.sum(dtype=np.int64)))
    with tempfile.TemporaryDirectory(prefix="heirloom-diff-") as folder:
        spools = [Spool(Path(folder), n, expected) for n in (2, 3)]
        a, b = (
            corpus.read(side, name, lexicon, spools, corpus.Wanted(sampled, close, share, options.seed))
            for side, name, sampled, close in zip((both.a, both.b), ("a", "b"), drawn, free, strict=True)
        )
        words = vocabulary.vocabulary(a, b, lexicon, spools, _generations(both), options.max_examples)
    changes = replace(_near(both, changes, (a, b)), notes=(*changes.notes, *_unreadable(lexicon.invalid_rows)))
    return words, _law(both, (a, b), drawn, keys), changes


def _law(
    both: Compared, read: tuple[corpus.Reading, corpus.Reading], drawn: tuple[Ints, Ints], keys: tuple[Hashes, Hashes]
) -> Distribution | None:
    from heirloom.diffs import dependence, distribution  # scipy: half a second that equal datasets need not wait for

    chosen_a, chosen_b, note = sampling.contrast(both.names, *drawn)
    samples, places, loose = [], [], []
    for reading, at, chosen, key, table in zip(read, drawn, (chosen_a, chosen_b), keys, (both.table_a, both.table_b), strict=True):
        here = at[chosen]
        words: Ragged = reading.sample.take(np.flatnonzero(chosen))
        samples.append(distribution.text_sample(words, key[here], table.hashes[here], reading.repetition[here]))
        places.append(here[: origin.MAX_ROWS])
        loose.append(sampling.alone(table, grouped=both.grouped)[here])
    if not all(_enough(sample) for sample in samples):
        return None
    model = origin.find(both.a, both.b)
    scored, why_not = origin.perplexities(model, both.a, both.b, places[0], places[1]) if model else (None, "")
    notes = list(filter(None, (note, why_not)))
    pair, caveat = (samples[0], samples[1]), ""
    if np.concatenate(loose).mean() > 0.5:
        pair, caveat = dependence.of_text(pair, both.options.stream("neighbours"))
    return distribution.of_text(pair, scored, both.options.stream("tests"), notes, caveat)


def _vectors(both: Compared, changes: Rows) -> tuple[None, Distribution | None, Rows]:
    from heirloom.diffs import dependence, vector_distribution

    keys = sampling.keys(both.table_a, both.table_b, both.names, grouped=both.grouped)
    order = sampling.order(both.table_a, keys[0]), sampling.order(both.table_b, keys[1])
    if both.grouped:
        order = sampling.places(both.table_a), sampling.places(both.table_b)
    drawn = sampling.draw(*order, both.options.sample, both.options.stream("sample"))
    *chosen, note = sampling.contrast(both.names, *drawn)
    samples = []
    for side, at, key in zip((both.a, both.b), (drawn[0][chosen[0]], drawn[1][chosen[1]]), keys, strict=True):
        found = join([ragged(batch.column(0)) for batch in origin.take(side, at, ["x"])])
        widths = np.unique(found.lengths)
        if len(widths) > 1:
            raise HeirloomError(f"{side.name}: vectors of {widths[0]} and of {widths[-1]} numbers; all rows must have as many")
        units = key[at].view(np.int64)
        samples.append(VectorSample(found.values.reshape(len(at), -1), units, units if both.grouped else None))
    if min(len(sample.x) for sample in samples) < FEWEST_ROWS:
        return None, None, changes
    pair, caveat = (samples[0], samples[1]), ""
    if not _is_drawn(both):
        pair, caveat = dependence.of_vectors(pair, both.options.stream("neighbours"))
    return None, vector_distribution.of_vectors(pair, both.options.stream("tests"), [note] if note else [], caveat), changes


def _is_drawn(both: Compared) -> bool:
    """Return whether vectors are units by their making: replicas or documents are known, or Heirloom drew each row by itself."""
    drawn = belonging.tells_lineage(both.a) and belonging.tells_lineage(both.b)
    tables = (both.table_a, both.table_b)
    return drawn or not any(sampling.alone(table, grouped=both.grouped).any() for table in tables)


def _near(both: Compared, changes: Rows, read: tuple[corpus.Reading, corpus.Reading]) -> Rows:
    signed_a, signed_b = read[0].signatures, read[1].signatures
    to_b, likeness = near.nearest(signed_a, signed_b)
    to_a, _ = near.nearest(signed_b, signed_a)
    best = np.argsort(-likeness, kind="stable")[: both.options.max_examples]
    best = best[to_b[best] >= 0]
    at = read[0].near_rows[best], read[1].near_rows[to_b[best]]
    return replace(
        changes,
        near_removed=int((to_b >= 0).sum()),
        near_added=int((to_a >= 0).sum()),
        near_checked=(len(signed_a), len(signed_b)),
        near_examples=examples.pairs(both.a, both.b, at, both.shared.data[-1:]),
    )


def _generations(both: Compared) -> int:
    """Return how many generations lie between A and B, 1 where it is not known."""
    born = [side.slice.get("generation") for side in (both.a, both.b)]
    return max(1, born[1] - born[0]) if isinstance(born[0], int) and isinstance(born[1], int) else 1


def _enough(sample: TextSample) -> bool:
    return len(sample.offsets) > FEWEST_ROWS and len(sample.types) > 0


def _unreadable(invalid_rows: int) -> list[str]:
    return [f"{invalid_rows:,} rows hold bytes that are not UTF-8; they are read as U+FFFD"] if invalid_rows else []
