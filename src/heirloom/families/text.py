"""What every text family is measured by: perplexity of real and of synthetic text, diversity, and the survival of rare words.

Perplexity is exp of nats a token over a row's tokens but the first, which has no context; every row has the same number of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heirloom import theory, words
from heirloom.data.dataset import Dataset
from heirloom.families.base import Measuring, Sets
from heirloom.measures import frequency, frontier, ngrams, text
from heirloom.measures.sums import GroupedSums
from heirloom.runtime.streams import Stream

Losses = Callable[[NDArray[Any]], NDArray[np.float64]]
"""From a chunk of rows of shape (B, T) to the nats of each token but the first, shape (B, T - 1)."""

Features = Callable[[NDArray[Any]], NDArray[Any]]
"""From a chunk of rows of shape (B, T) to what a model makes of each row, shape (B, E)."""

RUN = 4
"""Tokens of the runs that are looked for elsewhere: long enough to be a choice of words, short enough that most rows share some."""


def evaluate(model: Losses, origin: Losses, sets: Sets, measuring: Measuring) -> dict[str, float]:
    """Return a generation's measures by name, but for `divergence`.

    Parameters
    ----------
    model, origin
        How surprised the generation's model is, and generation 0.
    """
    nats = held_out_nats(model, sets, measuring)
    return {
        "test_perplexity": text.perplexity(float(nats.by_row.sum()), nats.num_tokens),
        **by_frequency(nats),
        **describe(origin, sets, measuring),
    }


@dataclass(frozen=True)
class Nats:
    """How surprised a model is by rows.

    Parameters
    ----------
    by_row
        Nats of each row, summed over its tokens but the first, shape (N,).
    width
        Tokens predicted in a row.
    by_group
        The same nats summed by groups of the tokens to be found, a sum of groups for each grouping.
    """

    by_row: NDArray[np.float64]
    width: int
    by_group: Sequence[GroupedSums]

    @property
    def num_tokens(self) -> int:
        """Tokens predicted in all rows."""
        return len(self.by_row) * self.width


def held_out_nats(model: Losses, sets: Sets, measuring: Measuring, *groupings: NDArray[np.int64]) -> Nats:
    """Return how surprised a model is by held-out rows, by how frequent the token to be found is in the real training set.

    Parameters
    ----------
    groupings
        Further groupings: the group of each token id, shape (V,).
    """
    bands = frequency.bands(_counts(sets.original, measuring.vocab_size))
    return _nats(model, sets.held_out, measuring.chunk_rows, [bands, *groupings])


def by_frequency(nats: Nats) -> dict[str, float]:
    """Return the loss on held-out rows by how frequent the token to be found is in the real training set."""
    return _metrics("test_loss_by_frequency", frequency.loss_by_frequency(nats.by_group[0]))


def describe(origin: Losses, sets: Sets, measuring: Measuring) -> dict[str, float]:
    """Return the measures that need no model but generation 0: its surprise at the generation's text, diversity, runs and tails."""
    produced, reference = words.count(sets.sample.texts()), words.count(sets.original.texts())
    ratio = sets.sample.num_rows / sets.original.num_rows
    measures = {
        **_surprise(origin, sets.scored, measuring.chunk_rows),
        **_diversity(sets.sample, measuring.vocab_size),
        **_runs(sets, measuring.generation),
        **_metrics("tail_survival", text.tail_survival(reference, produced)),
        **drift(list(reference.values()), measuring.generation, ratio),
        "word_types": float(len(produced)),
    }
    if len(produced) > 1:
        measures["zipf_slope"] = frequency.zipf_slope(produced.values())
    return measures


def _surprise(origin: Losses, rows: Dataset, chunk_rows: int) -> dict[str, float]:
    """Return how surprised generation 0 is by rows; what is held for each row is let go of here."""
    perplexities_N = _row_perplexities(origin, rows, chunk_rows)
    return {
        **_metrics("origin_perplexity", text.perplexity_quantiles(perplexities_N)),
        **_metrics("origin_perplexity_histogram", text.perplexity_histogram(perplexities_N)),
    }


def _row_perplexities(losses: Losses, rows: Dataset, chunk_rows: int) -> NDArray[np.float64]:
    nats = row_nats(losses, rows, chunk_rows)
    return text.row_perplexities(nats.by_row, nats.width)


def _metrics(measure: str, values: Mapping[str, float]) -> dict[str, float]:
    """Return the values of a measure that has several, by the measure's name and theirs."""
    return {f"{measure}.{name}": value for name, value in values.items()}


def divergence(features: Features, sets: Sets, measuring: Measuring, stream: Stream) -> dict[str, float]:
    """Return MAUVE of the generation's text and held-out real text (`measures.frontier`), or nothing where the config asks for none.

    Parameters
    ----------
    features
        What generation 0 makes of rows.
    stream
        Chooses the rows, and where clustering begins.
    """
    rows = min(measuring.divergence_rows, sets.sample.num_rows, sets.held_out.num_rows)
    if not rows:
        return {}
    real_NE = _features(features, sets.held_out, rows, measuring.chunk_rows, stream)
    written_NE = _features(features, sets.sample, rows, measuring.chunk_rows, stream)
    return {"mauve": frontier.mauve(real_NE, written_NE, stream.child("cells"))}


def _features(features: Features, dataset: Dataset, rows: int, chunk_rows: int, stream: Stream) -> NDArray[Any]:
    order = stream.child("rows").generator().permutation(dataset.num_rows)
    subset = dataset.take(np.sort(order[:rows]))
    return np.concatenate(list(_each_chunk(features, subset, chunk_rows)))[:rows]


def _runs(sets: Sets, generation: int) -> dict[str, float]:
    """Return how often runs of tokens come back: in a row, in other rows, from real text, and in held-out rows; those that a row can hold.

    Generation 0 stands for real text: what is new in held-out rows, and what of them stands anywhere in the training set.
    """
    sample, held_out = (partial(dataset.matrices, "tokens") for dataset in (sets.sample, sets.held_out))
    written = sets.sample if generation else sets.original
    measured: dict[str, float] = {}
    if _width(sets.sample) >= RUN:
        newest = sample if generation else held_out
        measured |= {
            f"repetition_{RUN}": ngrams.repetition(sample(), RUN),
            f"self_overlap_{RUN}": ngrams.self_overlap(sample(), RUN),
            f"novelty_{RUN}": ngrams.novelty(newest(), sets.original.matrices("tokens"), RUN),
        }
    if _width(sets.held_out) >= ngrams.LEAK_TOKENS:
        measured["test_leak"] = ngrams.leak(held_out(), written.matrices("tokens"))
    return measured


def _width(rows: Dataset) -> int:
    """Return the number of tokens in a row."""
    return int(rows.head("tokens", 1).shape[1])


def drift(word_counts: Sequence[int], generation: int, ratio: float) -> dict[str, float]:
    """Return what survival would be by neutral drift alone (`theory.drift_survival`), by frequency band; nothing of real text.

    Parameters
    ----------
    ratio
        Rows written in a generation / real rows: rows are equally long, and prompts are no part of them.
    """
    if not generation:
        return {}
    counts_V = np.array(word_counts)
    expected_V = theory.drift_survival(counts_V, generation, ratio)[-1]
    drift = {}
    for band, counts in text.BANDS.items():
        is_in_band_V = (counts_V >= counts.start) & (counts_V < counts.stop)
        if is_in_band_V.any():
            drift[band] = float(expected_V[is_in_band_V].mean())
    return _metrics("tail_survival_drift", drift)


def log_likelihoods(losses: Losses, rows: Dataset, chunk_rows: int) -> NDArray[np.float64]:
    """Return the log-likelihood of each row's tokens but the first in nats, shape (1, N): one replica."""
    return -row_nats(losses, rows, chunk_rows).by_row[None]


def edited(tokens_BT: NDArray[Any], probability_BT: NDArray[np.float64], drawn_BT: NDArray[Any], above: float) -> NDArray[np.int32]:
    """Return rows in which each token but the first is the drawn one where its probability is at least ``above`` (`base.Editor`).

    Parameters
    ----------
    tokens_BT
        Rows, shape (B, T).
    probability_BT, drawn_BT
        Of the tokens but the first: their probability, and what stands in for them, shape (B, T - 1).
    """
    later_BT = np.where(probability_BT >= above, drawn_BT, tokens_BT[:, 1:])
    return np.concatenate([tokens_BT[:, :1], later_BT], axis=1).astype(np.int32)


def _diversity(sample: Dataset, vocab_size: int) -> dict[str, float]:
    counts = _counts(sample, vocab_size)
    distinct = {f"distinct_{n}": text.distinct_n(sample.matrices("tokens"), n) for n in (1, 2, 3)}
    return {
        **distinct,
        "token_entropy": text.token_entropy(counts),
        "vocabulary_coverage": text.vocabulary_coverage(counts, vocab_size),
        "duplicate_row_share": text.duplicate_row_share(sample.matrices("tokens")),
    }


def _counts(rows: Dataset, vocab_size: int) -> NDArray[np.int64]:
    """Return how often each token id occurs, shape (V,)."""
    return text.count_tokens(rows.matrices("tokens"), vocab_size)


def row_nats(losses: Losses, rows: Dataset, chunk_rows: int) -> Nats:
    """Return how surprised a model is by rows."""
    return _nats(losses, rows, chunk_rows, [])


def _nats(losses: Losses, rows: Dataset, chunk_rows: int, groupings: Sequence[NDArray[np.int64]]) -> Nats:
    """Return the nats of rows, row by row and by each grouping of token ids."""
    targets = (tokens_BT[:, 1:] for tokens_BT in rows.matrices("tokens"))
    counts_V = text.count_tokens(targets, len(groupings[0])) if groupings else np.empty(0, np.int64)
    sums = [GroupedSums(np.bincount(group_V, weights=counts_V).astype(np.int64)) for group_V in groupings]
    nats_N, width = np.empty(rows.num_rows), 0
    for start, tokens_BT in zip(count(0, chunk_rows), rows.chunks("tokens", chunk_rows), strict=False):
        nats_BT = losses(tokens_BT)[: rows.num_rows - start]  # the last chunk was filled up
        num_rows, width = nats_BT.shape
        nats_N[start : start + num_rows] = nats_BT.sum(axis=1)
        targets_BT = tokens_BT[:num_rows, 1:]
        for group_V, group_sums in zip(groupings, sums, strict=True):
            group_sums.add(group_V[targets_BT], nats_BT)
    return Nats(nats_N, width, sums)


def _each_chunk(model: Callable[[NDArray[Any]], NDArray[Any]], rows: Dataset, chunk_rows: int) -> Iterator[NDArray[Any]]:
    """Yield what a model says of each chunk of rows: full chunks only, so that no row depends on how many there are."""
    return map(model, rows.chunks("tokens", chunk_rows))
