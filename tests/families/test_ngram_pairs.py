"""An n-gram model of prompts and completions: what is counted, what is written, and where it stops."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pytest

from data.test_pairs import END, THREE, drawn, rows_of
from heirloom.data import pairs, ragged
from heirloom.data.choice import joined
from heirloom.data.dataset import Dataset
from heirloom.data.pairs import Limit, Prompts
from heirloom.errors import HeirloomError
from heirloom.families import answers, ngram
from heirloom.families.base import Measuring, Sets
from heirloom.runtime.streams import Stream
from heirloom.specs.ngram import NgramFit, NgramSampling

VOCABULARY = 50


def fitted(rows: Dataset, order: int) -> ngram.Model:
    return ngram.train(rows, NgramFit(order=order, vocab_size=VOCABULARY), None, Stream(()))


def completed(model: ngram.Model, rows: Dataset, chunk_rows: int = 16, tokens: int = 12) -> list[list[int]]:
    chunks = pairs.prompt_chunks(rows, chunk_rows, range(pairs.count_chunks(rows.num_rows, chunk_rows)))
    written = ngram.complete(model, chunks, Limit([END], tokens), NgramSampling(), Stream((0, "sample")))
    return [row for _, lists in pairs.in_order(written, rows, chunk_rows) for row in lists.to_pylist()]


def test_only_ngrams_that_end_in_a_completion_are_counted() -> None:
    model = fitted(rows_of(THREE), 2)
    unigrams, bigrams = model.levels
    assert unigrams.tokens.tolist() == [END, 7, 8, 9]
    assert np.diff(unigrams.before).tolist() == [3, 1, 1, 1]
    grams = [(int(context), int(token)) for place, context in enumerate(bigrams.contexts) for token in span(bigrams, place)]
    assert grams == [(5, 8), (6, 7), (7, END), (8, 9), (9, END)]


def span(level: ngram.Level, place: int) -> list[int]:
    return [int(token) for token in level.tokens[level.starts[place] : level.starts[place + 1]]]


def test_a_completions_likelihood_is_that_of_its_tokens_after_the_prompt() -> None:
    """Pairs without prompts' tokens in the loss: equal to blocks of prompt and completion less the prompt's own nats."""
    model = fitted(drawn(200), 3)
    rows = rows_of([([5, 6], [7, 9, END]), ([8, 3], [2, 4, END])])
    whole = np.array([[5, 6, 7, 9, END], [8, 3, 2, 4, END]])
    by_hand = ngram.position_losses(model, whole)[:, 1:].sum(axis=1)
    assert -ngram.log_likelihoods(model, rows, 4)[0] == pytest.approx(by_hand, rel=1e-12)


def test_the_likelihood_of_a_row_does_not_depend_on_the_rows_it_is_scored_with() -> None:
    model, rows = fitted(drawn(200), 3), drawn(90, seed=1)
    together = ngram.log_likelihoods(model, rows, 16)[0]
    assert np.array_equal(together, ngram.log_likelihoods(model, rows, 7)[0])
    assert np.array_equal(together[:1], ngram.log_likelihoods(model, rows.take(np.arange(1)), 16)[0])


def test_a_completion_stops_behind_its_end_token_or_at_the_limit() -> None:
    written = completed(fitted(drawn(300), 2), drawn(200, seed=1))
    assert {row.count(END) for row in written} == {0, 1}
    assert all(row[-1] == END for row in written if END in row)
    assert {len(row) for row in written if END not in row} == {12}


@pytest.mark.parametrize("chunk_rows", [1, 7, 64])
def test_what_is_written_does_not_depend_on_the_layout(chunk_rows: int) -> None:
    model, rows = fitted(drawn(300), 3), drawn(100, seed=1)
    assert completed(model, rows, chunk_rows) == completed(model, rows)


def test_first_tokens_have_the_models_probabilities() -> None:
    model, num_rows = fitted(rows_of(THREE), 2), 20_000
    prompts = np.tile(np.array([[5, 6]], np.int32), (num_rows, 1))
    (written,) = ngram.complete(model, [Prompts(np.arange(num_rows), prompts)], Limit([END], 1), NgramSampling(), Stream((0, "s")))
    every = np.arange(VOCABULARY, dtype=np.int32)[:, None]
    probability = np.exp(-ngram.completion_losses(model, np.tile([[5, 6]], (VOCABULARY, 1)), every))[:, 0]
    assert probability.sum() == pytest.approx(1)
    z = (np.bincount(written[:, 0], minlength=VOCABULARY) - num_rows * probability) / np.sqrt(num_rows * probability * (1 - probability))
    assert np.abs(z).max() < 4


def test_a_row_counts_what_it_weighs() -> None:
    weighted = joined([rows_of(THREE[:1]).weighted(3.0), rows_of(THREE[1:]).weighted(0.0)])
    assert np.diff(fitted(weighted, 1).levels[0].before).tolist() == [3.0, 3.0, 0.0, 0.0]


def test_pairs_shorter_than_the_order_are_refused() -> None:
    with pytest.raises(HeirloomError, match=r"family\.training\.order, 9"):
        fitted(rows_of(THREE), 9)


def test_answers_are_measured_on_held_out_prompts_and_on_what_was_written() -> None:
    rows = rows_of([([number], [number, END]) for number in range(1, 41)])
    model = fitted(rows, 2)
    sample = rows.take(np.arange(20))
    parents = rows_of([([number], [number, END]) for number in range(1, 21)], None, [*range(20)])
    measuring = Measuring(8, VOCABULARY, generation=1, completion_tokens=4, decode=lambda lists: [" ".join(map(str, row)) for row in lists])
    measures = answers.evaluate(
        lambda prompts, completions: ngram.completion_losses(model, prompts, completions),
        lambda prompts, completions: ngram.completion_losses(model, prompts, completions),
        lambda prompts, limit: echoes(prompts),
        Sets(parents, parents, sample, rows),
        measuring,
    )
    assert (measures["test_exact_match"], measures["test_stop_rate"], measures["test_completion_tokens.mean"]) == (0.5, 0.5, 1.5)
    assert measures["chance_exact_match"] == 0.0
    assert measures["stop_rate"] == 1.0
    nats = -ngram.log_likelihoods(model, sample, 8).sum()
    assert measures["test_perplexity"] == pytest.approx(np.exp(nats / 40))


def echoes(prompts: Iterable[Prompts]) -> Iterator[ragged.Tokens]:
    """Answer even prompts with themselves and an end, odd ones with a token that nobody said."""
    for chunk in prompts:
        last = chunk.tokens[:, -1]
        ends = np.where(last % 2 == 0, END, ragged.PADDING)
        yield np.column_stack([np.where(last % 2 == 0, last, 49), ends]).astype(np.int32)
