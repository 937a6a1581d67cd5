from __future__ import annotations

import numpy as np
import pytest

from heirloom.data.dataset import Dataset
from heirloom.data.rows import text_table
from heirloom.errors import HeirloomError
from heirloom.families import ngram, ngram_tables
from heirloom.runtime.streams import Stream
from heirloom.specs.ngram import NgramFit, NgramSampling

A, B, C = 0, 1, 2
ROWS = np.array([[A, B, A], [A, B, C]], np.int32)


def fitted(rows: np.ndarray, order: int, vocab_size: int = 4) -> ngram.Model:
    dataset = Dataset.of(text_table(rows, [""] * len(rows), first_row=0))
    return ngram.train(dataset, NgramFit(order=order, vocab_size=vocab_size), None, Stream(()))


def test_bigram_probabilities_are_those_worked_out_by_hand() -> None:
    # unigrams: a 3, b 2, c 1 of 6, three kinds; P1 = (count + 3/4) / 9. After a: b twice; after b: a once, c once.
    p1 = {A: (3 + 0.75) / 9, B: (2 + 0.75) / 9, C: (1 + 0.75) / 9}
    p_b_after_a = (2 + 1 * p1[B]) / 3
    p_a_after_b = (1 + 2 * p1[A]) / 4
    p_c_after_b = (1 + 2 * p1[C]) / 4
    losses = ngram.row_losses(fitted(ROWS, 2), ROWS)
    assert losses == pytest.approx([-np.log(p_b_after_a) - np.log(p_a_after_b), -np.log(p_b_after_a) - np.log(p_c_after_b)])


def test_an_unseen_context_falls_back_to_the_shorter_one() -> None:
    p1_a = (3 + 0.75) / 9
    assert ngram.row_losses(fitted(ROWS, 2), np.array([[C, A], [3, A]])) == pytest.approx([-np.log(p1_a)] * 2)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_probabilities_of_all_next_tokens_add_up_to_one(order: int) -> None:
    model = fitted(ROWS, order)
    for context in ([A, B], [B, A], [3, 3], [C, A]):
        rows = np.array([[*context, token] for token in range(4)])
        shared = ngram.row_losses(model, rows[:1, :2])
        assert np.exp(-(ngram.row_losses(model, rows) - shared)).sum() == pytest.approx(1)


def test_sampled_tokens_have_the_models_probabilities() -> None:
    model = fitted(ROWS, 3)
    num_rows = 40_000
    prompts = np.tile([[A, B]], (num_rows, 1))
    (written,) = ngram.sample(model, [prompts], num_rows, NgramSampling(), Stream((0, "sample")))
    shared = ngram.row_losses(model, prompts[:1])
    probability = np.exp(-(ngram.row_losses(model, np.array([[A, B, token] for token in range(4)])) - shared))
    counts = np.bincount(written[:, 0], minlength=4)
    z = (counts - num_rows * probability) / np.sqrt(num_rows * probability * (1 - probability))
    assert np.abs(z).max() < 4


def test_counts_do_not_depend_on_batches() -> None:
    rows = Stream((0, "rows")).generator().integers(0, 5, (9000, 6)).astype(np.int32)
    from_all, halves = fitted(rows, 3, 5), fitted(np.concatenate([rows[4500:], rows[:4500]]), 3, 5)
    assert np.array_equal(ngram.row_losses(from_all, rows[:10]), ngram.row_losses(halves, rows[:10]))


def test_tables_that_are_merged_on_the_way_have_the_bytes_of_those_merged_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [Stream((0, number)).generator().integers(0, 9, (50, 6)).astype(np.int32) for number in range(12)]
    weights = [1 / 3, 0.7, 1.1] * 4
    pieces = [
        Dataset.of(text_table(part, [""] * 50, first_row=0)).weighted(part_weights).pieces
        for part, part_weights in zip(parts, weights, strict=True)
    ]
    rows, fit = Dataset([piece for (piece,) in pieces]), NgramFit(order=3, vocab_size=9)
    at_the_end = ngram.train(rows, fit, None, Stream(()))
    monkeypatch.setattr(ngram_tables, "_MOST_WAITING", 10)
    for level, level_at_once in zip(at_the_end.levels, ngram.train(rows, fit, None, Stream(())).levels, strict=True):
        assert all(
            getattr(level, name).tobytes() == getattr(level_at_once, name).tobytes() for name in ("contexts", "starts", "tokens", "before")
        )


def test_an_order_that_cannot_be_numbered_and_rows_too_short_are_refused() -> None:
    with pytest.raises(HeirloomError, match="needs more than 63 bits"):
        fitted(ROWS, 8, 2048)
    with pytest.raises(HeirloomError, match=r"rows of 3 tokens are shorter than family.training.order 4"):
        fitted(ROWS, 4)
