"""What all text families are measured by, where the value is known."""

from __future__ import annotations

import math
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from heirloom.data import ancestry, storage
from heirloom.data.dataset import Dataset
from heirloom.data.rows import text_table
from heirloom.families import text
from heirloom.families.base import Measuring, Sets
from heirloom.measures import ngrams, spill, sums
from heirloom.runtime.streams import Stream

WIDTH = 4


def rows(texts: list[str]) -> Dataset:
    return Dataset.of(text_table(np.zeros((len(texts), WIDTH), np.int32), texts, first_row=0))


def measured(generation: int) -> dict[str, float]:
    original = rows([" a b b c c c . "] * 1 + [" d . "] * 3)  # counts 1, 2, 3 and 3
    sample = rows([" b d . ", " d d . "])
    sets = Sets(sample=sample, scored=sample, held_out=sample, original=original)
    flat = lambda tokens_BT: np.zeros((len(tokens_BT), WIDTH - 1))  # noqa: E731
    return text.evaluate(flat, flat, sets, Measuring(2, 5, generation=generation))


def test_neutral_drift_is_told_for_the_bands_that_have_words_and_for_synthetic_text_alone() -> None:
    drifts = {name: value for name, value in measured(2).items() if name.startswith("tail_survival_drift")}
    g = 1 - math.exp(-1)  # two generations; two rows for four: half a copy of each word
    expected = {"1": 1 - math.exp(-g / 2), "2-4": (1 - math.exp(-g) + 2 * (1 - math.exp(-1.5 * g))) / 3}
    assert drifts == pytest.approx({f"tail_survival_drift.{band}": value for band, value in expected.items()})
    assert [name for name in measured(0) if "drift" in name] == []
    assert (measured(2)["tail_survival.1"], measured(2)["tail_survival.2-4"]) == (0.0, 2 / 3)


def tokens_of(*spelled: list[int]) -> Dataset:
    return Dataset.of(text_table(np.array(spelled, np.int32), [" a b "] * len(spelled), first_row=0))


def tokens_measured(generation: int) -> dict[str, float]:
    original = tokens_of([0, 0, 0, 0, 1], [0, 0, 0, 0, 0])
    sample, held_out = tokens_of([2, 2, 2, 2, 2], [0, 0, 0, 1, 1]), tokens_of([0, 0, 0, 0, 1], [3, 0, 0, 1, 0])
    sets = Sets(sample=sample, scored=sample if generation else held_out, held_out=held_out, original=original)
    nats = lambda tokens_BT: tokens_BT[:, 1:].astype(float)  # noqa: E731
    return text.evaluate(nats, nats, sets, Measuring(2, 5, generation=generation))


def test_losses_are_told_by_how_frequent_a_token_is_in_the_real_training_set() -> None:
    losses = {name: value for name, value in tokens_measured(1).items() if "by_frequency" in name}
    assert losses == {"test_loss_by_frequency.10000+": pytest.approx(2 / 8)}  # a token of ten is 100,000 in a million


def test_runs_are_those_of_the_generation_and_at_generation_0_of_real_text() -> None:
    later, origin = tokens_measured(1), tokens_measured(0)
    assert [later["repetition_4"], later["self_overlap_4"]] == pytest.approx([1 / 4, 0.0])
    assert later["novelty_4"] == pytest.approx(3 / 4)  # 0 0 0 1 alone stands in the real training set
    assert origin["novelty_4"] == pytest.approx(2 / 4)  # of held-out rows
    assert "test_leak" not in later  # rows are too short for a run of thirteen


def test_held_out_rows_leak_into_what_was_written_and_at_generation_0_into_what_was_read() -> None:
    real, held_out_ids = np.arange(20), np.arange(100, 120)
    original, written = tokens_of([*real]), tokens_of([*held_out_ids])
    held_out = tokens_of([*real[1:14], *held_out_ids[:7]], [*held_out_ids[:7], *real[7:]], [*held_out_ids])
    flat = lambda tokens_BT: np.zeros((len(tokens_BT), 19))  # noqa: E731
    sets, measured = Sets(written, written, held_out, original), [Measuring(1, 200, generation=generation) for generation in (0, 1)]
    assert [text.evaluate(flat, flat, sets, measured_origin)["test_leak"] for measured_origin in measured] == pytest.approx([2 / 3, 1 / 3])


def test_mauve_is_left_out_unless_rows_are_asked_for() -> None:
    rows = tokens_of(*(Stream((0, "rows")).generator().integers(0, 5, (30, 5)).tolist()))
    sets, features = Sets(rows, rows, rows, rows), lambda tokens_BT: tokens_BT.astype(float)
    assert text.divergence(features, sets, Measuring(4, 5), Stream(())) == {}
    assert text.divergence(features, sets, Measuring(4, 5, divergence_rows=25), Stream(())) == {"mauve": pytest.approx(1)}


def peak_bytes(path: Path, num_rows: int) -> int:
    """Return the most bytes of arrays and objects that measuring so many rows of text holds at a time, their ancestry included."""
    tokens = Stream((num_rows,)).generator().integers(0, 500, (num_rows, ngrams.LEAK_TOKENS)).astype(np.int32)
    Dataset.of(text_table(tokens, [" a b "] * num_rows, first_row=0)).write(path)
    rows = Dataset.open(path)
    nats = lambda tokens_BT: tokens_BT[:, 1:].astype(float)  # noqa: E731
    tracemalloc.start()
    ancestry.figures(rows.tally, rows.count_distinct_real())
    text.evaluate(nats, nats, Sets(rows, rows, rows, rows), Measuring(128, 500, generation=1))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_of_measures_grows_by_two_numbers_a_row_and_not_by_its_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spill, "HELD", 4_000)  # what is held whatever the number of rows is to be little here
    monkeypatch.setattr(sums, "_AT_ONCE", 128)
    monkeypatch.setattr(storage, "BATCH_ROWS", 256)
    few, many = 5_000, 20_000
    peak_bytes(tmp_path / "first.parquet", 300)  # imports
    peaks = [peak_bytes(tmp_path / f"{num_rows}.parquet", num_rows) for num_rows in (few, many)]
    assert (peaks[1] - peaks[0]) / (many - few) < 16
