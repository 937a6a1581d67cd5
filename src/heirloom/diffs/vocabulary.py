"""What happened to the words: types lost and gained by frequency, n-grams that moved, and the diversity of both sides.

Everything here is a sum over blocks of n-grams (`spool`), so no table of n-grams is ever whole in memory.
Shapes: K n-grams of a block, V types.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from heirloom.diffs.cells import Ints
from heirloom.diffs.corpus import Reading
from heirloom.diffs.result import Band, Measure, Moved, Vocabulary
from heirloom.diffs.spool import MAX_TRIGRAM_TYPES, Block, Spool, unpack
from heirloom.diffs.words import Lexicon
from heirloom.measures import frequency
from heirloom.measures.text import BANDS, token_entropy
from heirloom.theory import drift_survival
from heirloom.words import CHARACTERS

PRIOR_WEIGHT = 1000.0
"""How many n-grams the prior is worth: enough that a word seen once moves no z-score beyond 2."""

_RARE = 256
"""Of n-grams with fewer occurrences on either side many have equal counts."""

Floats = NDArray[np.float64]


def vocabulary(a: Reading, b: Reading, lexicon: Lexicon, spools: Iterable[Spool], generations: int, examples: int) -> Vocabulary:
    """Return what became of A's types and n-grams in B.

    Parameters
    ----------
    generations
        How often neutral drift resampled the words between A and B; 0 where they are no generations of a lineage.
    examples
        How many n-grams and types to name, of each sort.
    """
    words = Block(np.arange(len(lexicon)), _padded(a.counts, lexicon), _padded(b.counts, lexicon))
    totals = int(words.a.sum()), int(words.b.sum())
    measures = [*_measures(a, b, words)]
    grams = _top(words, 1, totals, lexicon, examples)
    for spool in spools:
        spool_grams, distinct = _scan(spool, lexicon, examples, (a, b))
        grams += spool_grams
        measures.append(Measure(f"distinct_{spool.n}", *distinct))
    gained = np.flatnonzero((words.a == 0) & (words.b > 0))
    return Vocabulary(
        unit=lexicon.unit,
        types_a=int((words.a > 0).sum()),
        types_b=int((words.b > 0).sum()),
        lost=int(((words.a > 0) & (words.b == 0)).sum()),
        gained=len(gained),
        generations=generations,
        bands=tuple(_bands(words, lexicon, generations, examples)),
        gained_bands=tuple(Measure(f"gained, seen {label} times", 0, count) for label, count in _by_band(words.b[gained])),
        gained_examples=tuple(_most_frequent(gained, words.b, lexicon, examples)),
        moved=tuple(grams),
        measures=tuple(measures),
        notes=tuple(_notes(words, totals, lexicon)),
    )


def log_odds(block: Block, totals: tuple[int, int], prior: float = PRIOR_WEIGHT) -> tuple[Floats, Floats]:
    """Return the log-odds ratio of each n-gram, B against A, and its z-score; shapes (K,).

    delta = ln((y_B + α) / (n_B + α_0 - y_B - α)) - ln((y_A + α) / (n_A + α_0 - y_A - α)), variance 1 / (y_A + α) + 1 / (y_B + α),
    z = delta / sqrt(variance): Monroe, Colaresi and Quinn 2008, "Fightin' words", with their informative Dirichlet
    prior, α = α_0 (y_A + y_B) / (n_A + n_B): the n-gram's frequency in both sides together.

    Parameters
    ----------
    totals
        n_A, n_B: all n-grams of either side.
    prior
        α_0, in n-grams.
    """
    n_a, n_b = totals
    alpha = prior * (block.a + block.b) / max(1, n_a + n_b)
    in_a, in_b = block.a + alpha, block.b + alpha
    with np.errstate(divide="ignore", invalid="ignore"):
        delta = np.log(in_b / (n_b + prior - in_b)) - np.log(in_a / (n_a + prior - in_a))
        z = delta / np.sqrt(1 / in_a + 1 / in_b)
    is_known = (block.a + block.b > 0) & np.isfinite(z)
    return np.where(is_known, delta, 0.0), np.where(is_known, z, 0.0)


def _notes(words: Block, totals: tuple[int, int], lexicon: Lexicon) -> Iterable[str]:
    """Yield what a reader of the counts must know."""
    if len(lexicon) > MAX_TRIGRAM_TYPES and lexicon.unit == "words":
        yield f"3-grams: types beyond the first {MAX_TRIGRAM_TYPES:,} share one place"
    characters = lexicon.characters()
    single = int(words.a[characters].sum()), int(words.b[characters].sum())
    if any(single):
        yield f"{single[0]:,} of A's {totals[0]:,} words and {single[1]:,} of B's {totals[1]:,} are {CHARACTERS}"


def _scan(spool: Spool, lexicon: Lexicon, examples: int, readings: tuple[Reading, Reading]) -> tuple[list[Moved], tuple[float, float]]:
    """Return the n-grams that moved most, and distinct-n of both sides."""
    total_a, total_b = (_num_grams(reading, spool.n) for reading in readings)
    candidates: list[Moved] = []
    types_a = types_b = 0
    for block in spool.blocks():
        types_a += int((block.a > 0).sum())
        types_b += int((block.b > 0).sum())
        candidates += _top(block, spool.n, (total_a, total_b), lexicon, examples)
    risen = [gram for gram in heapq.nlargest(examples, candidates, key=_z_score) if gram.z > 0]
    fallen = [gram for gram in heapq.nsmallest(examples, candidates, key=_z_score) if gram.z < 0]
    return [*risen, *fallen], (types_a / max(1, total_a), types_b / max(1, total_b))


def _z_score(gram: Moved) -> float:
    return gram.z


def _num_grams(reading: Reading, n: int) -> int:
    lengths = reading.lengths.astype(np.int64)
    return int(np.maximum(lengths - (n - 1), 0).sum())


def _top(block: Block, n: int, totals: tuple[int, int], lexicon: Lexicon, examples: int) -> list[Moved]:
    """Return the n-grams of the highest and lowest z-scores, highest first; of equal ones those whose words were read first."""
    candidates = np.flatnonzero(_may_be_extreme(block, totals, examples))
    moved = Block(block.grams[candidates], block.a[candidates], block.b[candidates])
    delta, z = log_odds(moved, totals)
    highest, lowest = np.argsort(-z, kind="stable")[:examples], np.argsort(z, kind="stable")[:examples]
    grams = []
    for index in sorted({*highest.tolist(), *lowest.tolist()}, key=lambda index: (-z[index], index)):
        if z[index]:
            words = lexicon.spell(unpack(int(moved.grams[index]), n))
            count_a, count_b = int(moved.a[index]), int(moved.b[index])
            grams.append(Moved(n, " ".join(words), count_a, count_b, float(delta[index]), float(z[index])))
    return grams


def _may_be_extreme(block: Block, totals: tuple[int, int], examples: int) -> NDArray[np.bool_]:
    """Return which n-grams have counts that belong to one of the highest or lowest z-scores, shape (K,).

    A z-score depends on the counts alone, and nearly all n-grams are rare: each pair of small counts is looked at once.
    """
    is_rare = (block.a < _RARE) & (block.b < _RARE)
    rare_pairs = np.flatnonzero(np.bincount(block.a[is_rare] * _RARE + block.b[is_rare]))
    a = np.concatenate([rare_pairs // _RARE, block.a[~is_rare]])
    b = np.concatenate([rare_pairs % _RARE, block.b[~is_rare]])
    order = np.argsort(log_odds(Block(a, a, b), totals)[1])
    extreme = np.concatenate([order[:examples], order[::-1][:examples]])
    return np.isin(block.a << 32 | block.b, a[extreme] << 32 | b[extreme])


def _bands(words: Block, lexicon: Lexicon, generations: int, examples: int) -> Iterable[Band]:
    ratio = words.b.sum() / max(1, words.a.sum())
    for label, band in BANDS.items():
        types = np.flatnonzero((words.a >= band.start) & (words.a < band.stop))
        if types.size:
            lost = types[words.b[types] == 0]
            survived = int(types.size - lost.size)
            yield Band(
                band=label,
                types=int(types.size),
                survived=survived,
                survival=survived / types.size,
                expected=float(drift_survival(words.a[types], generations, float(ratio))[-1].mean()) if generations else None,
                lost_examples=tuple(_most_frequent(lost, words.a, lexicon, examples)),
            )


def _by_band(counts: Ints) -> Iterable[tuple[str, int]]:
    for label, band in BANDS.items():
        in_band = (counts >= band.start) & (counts < band.stop)
        yield label, int(in_band.sum())


def _most_frequent(ids: Ints, counts: Ints, lexicon: Lexicon, examples: int) -> list[str]:
    most_frequent_first = ids[np.argsort(-counts[ids], kind="stable")]
    return lexicon.spell(most_frequent_first[:examples].tolist())


def _padded(counts: Ints, lexicon: Lexicon) -> Ints:
    return np.pad(counts, (0, len(lexicon) - len(counts)))


def _measures(a: Reading, b: Reading, words: Block) -> Iterable[Measure]:
    numbers_a, numbers_b = _numbers(a, words.a), _numbers(b, words.b)
    for name, number_a in numbers_a.items():
        yield Measure(name, number_a, numbers_b[name])


def _numbers(reading: Reading, counts: Ints) -> dict[str, float]:
    total, types = int(counts.sum()), int((counts > 0).sum())
    rows = len(reading.lengths)
    return {
        "words": total,
        "entropy (nats)": token_entropy(counts) + (types - 1) / (2 * total) if total else 0.0,
        "zipf_slope": frequency.zipf_slope(counts) if types > 1 else 0.0,
        "row length, mean": float(reading.lengths.mean()) if rows else 0.0,
        "row length, 5 %": float(np.quantile(reading.lengths, 0.05)) if rows else 0.0,
        "row length, 95 %": float(np.quantile(reading.lengths, 0.95)) if rows else 0.0,
        "repetition": float(reading.repetition.mean(dtype=np.float64)) if rows else 0.0,
        "distinct_1": types / max(1, total),
    }
