"""What every text family is measured by: perplexity of real and of synthetic text, diversity, and the survival of rare words.

Perplexity is exp of nats a token over a row's tokens but the first, which has no context; every row has the same number of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heirloom import theory
from heirloom.dataset import Dataset
from heirloom.families.base import Measuring, Sets
from heirloom.measures import text

RowLosses = Callable[[NDArray[Any]], NDArray[np.float64]]


def evaluate(model: RowLosses, origin: RowLosses, sets: Sets, measuring: Measuring) -> dict[str, float]:
    """Return a generation's measures by name.

    Parameters
    ----------
    model, origin
        Functions from a chunk of rows of shape (B, T) to each row's summed nats, shape (B,): the generation's model and
        generation 0.
    """
    return {"test_perplexity": _perplexity(model, sets.held_out, measuring.chunk_rows), **describe(origin, sets, measuring)}


def describe(origin: RowLosses, sets: Sets, measuring: Measuring) -> dict[str, float]:
    """Return the measures that need no model but generation 0: its surprise at the generation's text, diversity and tails."""
    perplexities = _row_perplexities(origin, sets.scored, measuring.chunk_rows)
    measured = {
        **{f"origin_perplexity.{name}": value for name, value in text.perplexity_quantiles(perplexities).items()},
        **{f"origin_perplexity_histogram.{name}": share for name, share in text.perplexity_histogram(perplexities).items()},
        **_diversity(sets.sample, measuring.vocab_size),
    }
    produced, reference = text.count_words(sets.sample.texts()), text.count_words(sets.original.texts())
    survival = {f"tail_survival.{band}": share for band, share in text.tail_survival(reference, produced).items()}
    drift = _drift(list(reference.values()), measuring.generation, sets.sample.num_rows / sets.original.num_rows)
    return {**measured, **survival, **drift, "word_types": float(len(produced))}


def _drift(counts: Sequence[int], generation: int, ratio: float) -> dict[str, float]:
    """Return what survival would be by neutral drift alone (`theory.drift_survival`), by frequency band; nothing of real text.

    Parameters
    ----------
    ratio
        Rows written in a generation / real rows: rows are equally long, and prompts are no part of them.
    """
    if not generation:
        return {}
    counts_V = np.array(counts)
    expected_V = theory.drift_survival(counts_V, generation, ratio)[-1]
    inside = {band: (counts_V >= own.start) & (counts_V < own.stop) for band, own in text.BANDS.items()}
    return {f"tail_survival_drift.{band}": float(expected_V[own_V].mean()) for band, own_V in inside.items() if own_V.any()}


def log_likelihoods(losses: RowLosses, rows: Dataset, chunk_rows: int) -> NDArray[np.float64]:
    """Return the log-likelihood of each row's tokens but the first in nats, shape (1, N): one replica."""
    return -_row_nats(losses, rows, chunk_rows)[0][None]


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
    counts = np.zeros(vocab_size, np.int64)
    for tokens_BT in sample.matrices("tokens"):
        counts += text.count_tokens(tokens_BT, vocab_size)
    return {
        **{f"distinct_{n}": text.distinct_n(_rows(sample), n) for n in (1, 2, 3)},
        "token_entropy": text.token_entropy(counts),
        "vocabulary_coverage": text.vocabulary_coverage(counts, vocab_size),
        "duplicate_row_share": text.duplicate_row_share(_rows(sample)),
    }


def _rows(sample: Dataset) -> Iterable[NDArray[Any]]:
    for tokens_BT in sample.matrices("tokens"):
        yield from tokens_BT


def _perplexity(losses: RowLosses, rows: Dataset, chunk_rows: int) -> float:
    nats, predicted = _row_nats(losses, rows, chunk_rows)
    return text.perplexity(float(nats.sum()), predicted * len(nats))


def _row_perplexities(losses: RowLosses, rows: Dataset, chunk_rows: int) -> NDArray[np.float64]:
    return text.row_perplexities(*_row_nats(losses, rows, chunk_rows))


def _row_nats(losses: RowLosses, rows: Dataset, chunk_rows: int) -> tuple[NDArray[np.float64], int]:
    """Return each row's summed nats and the number of tokens predicted in a row, scoring full chunks only."""
    nats, width = [], 0
    for tokens_BT in rows.chunks("tokens", chunk_rows):
        nats.append(losses(tokens_BT))
        width = tokens_BT.shape[1]
    return np.concatenate(nats)[: rows.num_rows], width - 1
