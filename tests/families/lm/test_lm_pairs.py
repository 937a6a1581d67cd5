"""Pairs of a prompt and its completion, for both networks: exact likelihoods, exact completions, models that stop, and the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from data.test_pairs import END, rows_of
from heirloom.artefacts.fingerprints import fingerprint
from heirloom.data import pairs
from heirloom.data.columns import PROMPT
from heirloom.data.dataset import Dataset
from heirloom.data.pairs import Limit
from heirloom.errors import HeirloomError
from heirloom.families import causal_lm, transformer
from heirloom.families.base import Measuring, Sets
from heirloom.families.lm import adamw, loop, state
from heirloom.families.lm.library.learner import Learner as LibraryLearner
from heirloom.families.lm.native.learner import Learner as NativeLearner
from heirloom.families.lm.rows import at_random_access
from heirloom.runtime.streams import Stream
from heirloom.specs.causal_lm import CausalTraining
from small_models import pretrained

VOCABULARY, CONTEXT = 30, 40
STREAM = Stream((0, "pairs"))


def drawn(num_rows: int, name: str = "rows", turns: int = 1) -> Dataset:
    """Return pairs of unequal length; a prompt of several turns has end tokens inside."""
    rng = STREAM.child(name).generator()
    made = []
    for _ in range(num_rows):
        prompt: list[int] = []
        for turn in range(int(rng.integers(1, turns + 1))):
            prompt += ([END] if turn else []) + rng.integers(1, VOCABULARY, int(rng.integers(1, 7))).tolist()
        made.append((prompt, [*rng.integers(1, VOCABULARY, int(rng.integers(0, 9))).tolist(), END]))
    return rows_of(made)


def alike(num_rows: int, name: str = "rows") -> Dataset:
    """Return pairs that all have the same completion of two tokens and the end."""
    return rows_of([(prompt, [7, 8, END]) for prompt, _ in lists(drawn(num_rows, name))])


def lively(name: str, **more: Any) -> Any:
    """Return a model whose completions end at different places."""
    more = {"bos_token_id": None, "eos_token_id": END, "pad_token_id": None, **more}
    spread = {} if name == "gpt2" else {"init_std": 1.0} if name == "opt" else {"initializer_range": 1.0}
    return pretrained(name, VOCABULARY, CONTEXT, **spread, **more)


def native(model: Any, folder: Path) -> Any:
    causal_lm.save(model, folder)
    return transformer.load(folder)


def lists(dataset: Dataset) -> list[tuple[list[int], list[int]]]:
    table = dataset.table([PROMPT, "tokens"])
    return list(zip(table[PROMPT].to_pylist(), table["tokens"].to_pylist(), strict=True))


def completed(family: Any, model: Any, rows: Dataset, limit: int = 12, chunk_rows: int = 16, **settings: Any) -> list[list[int]]:
    chunks = pairs.prompt_chunks(rows, chunk_rows, range(pairs.count_chunks(rows.num_rows, chunk_rows)))
    written = family.complete(model, chunks, Limit([END], limit), family.Sampling.model_validate(settings), Stream((0, "s")))
    return [row for _, completions in pairs.in_order(written, rows, chunk_rows) for row in completions.to_pylist()]


def by_the_library(model: Any, rows: Dataset) -> list[float]:
    """Return each completion's nats by the loss of `transformers`, labels of the prompt being -100, row by row and without padding."""
    nats = []
    for prompt, completion in lists(rows):
        ids, labels = torch.tensor([prompt + completion]), torch.tensor([[-100] * len(prompt) + completion])
        with torch.no_grad():
            nats.append(float(model.module(input_ids=ids, labels=labels).loss) * len(completion))
    return nats


@pytest.mark.parametrize("name", ["llama", "opt", "gpt2"])
def test_a_completions_likelihood_is_that_of_the_librarys_loss_with_labels_of_minus_100(name: str, tmp_path: Path) -> None:
    model, rows = lively(name), drawn(60, turns=3)
    expected = by_the_library(model, rows)
    np.testing.assert_allclose(-causal_lm.log_likelihoods(model, rows, 16)[0], expected, rtol=1e-5, atol=1e-5)
    if name == "llama":
        np.testing.assert_allclose(-transformer.log_likelihoods(native(model, tmp_path), rows, 16)[0], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("name", "num_rows"), [("llama", 200), ("opt", 60), ("gpt2", 60)])
def test_greedy_completions_are_those_of_generate_row_by_row_the_stop_included(name: str, num_rows: int, tmp_path: Path) -> None:
    model, rows = lively(name), drawn(num_rows, turns=3)
    expected = []
    for prompt, _ in lists(rows):
        ids = torch.tensor([prompt])
        config = {"max_new_tokens": 12, "do_sample": False, "eos_token_id": END, "pad_token_id": END}
        expected.append(model.module.generate(ids, attention_mask=torch.ones_like(ids), **config)[0, len(prompt) :].tolist())
    assert completed(causal_lm, model, rows, temperature=0.0) == expected
    if name == "llama":
        assert completed(transformer, native(model, tmp_path), rows, temperature=0.0) == expected
        assert completed(causal_lm, model, rows, temperature=0.0, engine="native") == expected
        assert 20 < sum(row[-1] == END for row in expected) < 180
        assert len({len(row) for row in expected}) > 4


def test_draws_and_penalties_are_the_same_in_both_networks(tmp_path: Path) -> None:
    model, rows = lively("llama"), drawn(60, turns=2)
    ours = native(model, tmp_path)
    for_both: list[dict[str, Any]] = [{}, {"top_k": 5, "temperature": 0.7}, {"temperature": 0.0, "repetition_penalty": 1.5}]
    for settings in for_both:
        assert completed(transformer, ours, rows, **settings) == completed(causal_lm, model, rows, **settings)


def test_completions_do_not_depend_on_the_chunks_they_are_made_in(tmp_path: Path) -> None:
    model, rows = native(lively("llama"), tmp_path), drawn(50)
    assert completed(transformer, model, rows, chunk_rows=16) == completed(transformer, model, rows, chunk_rows=5)
    chunks = [list(pairs.prompt_chunks(rows, 8, range(number, number + 1))) for number in range(7)]
    limit, settings = Limit([END], 12), transformer.Sampling()
    whole = list(transformer.complete(model, [chunk for one in chunks for chunk in one], limit, settings, Stream((0, "s"))))
    apart = [next(transformer.complete(model, one, limit, settings, Stream((0, "s")))) for one in reversed(chunks)]
    assert [one.tolist() for one in whole] == [one.tolist() for one in reversed(apart)]


@pytest.mark.parametrize("micro_rows", [None, 2])
@pytest.mark.parametrize("is_weighted", [False, True])
def test_a_step_descends_the_mean_over_all_labelled_tokens_in_both_networks(
    micro_rows: int | None, is_weighted: bool, tmp_path: Path
) -> None:
    model = pretrained("llama", VOCABULARY, CONTEXT, initializer_range=0.3)
    rows = drawn(9, turns=2)
    rows = rows.weighted(0.5) if is_weighted else rows
    settings = loop.Settings(1, 9, lambda _, __: 0.01, adamw.Settings(), micro_rows=micro_rows)
    learners = NativeLearner.of(native(model, tmp_path)), LibraryLearner.of(model, CausalTraining(), STREAM)
    num_labels = sum(len(completion) for _, completion in lists(rows))
    expected = sum(by_the_library(model, rows)) / num_labels * (0.5 if is_weighted else 1)
    with at_random_access(rows) as stored:
        assert stored.num_labels.sum() == num_labels
        for number in (0, 1):
            progress = loop.train(loop.Training(learners[number], stored, settings, STREAM))
            assert progress.losses == pytest.approx([expected], rel=1e-5)
    left = transformer.log_likelihoods(learners[0].trained(), rows, 9)
    np.testing.assert_allclose(left, causal_lm.log_likelihoods(learners[1].trained(), rows, 9), rtol=1e-4)
    assert not np.allclose(left, causal_lm.log_likelihoods(model, rows, 9), rtol=1e-3)


def native_trained(rows: Dataset, state_folder: Path | None = None, validation: Dataset | None = None, **more: Any) -> Any:
    fit = transformer.Fit.model_validate(
        {
            "architecture": {"hidden_size": 16, "num_layers": 1, "num_heads": 2, "intermediate_size": 32},
            "schedule": {"epochs": 10, "learning_rate": 0.02, "batch_rows": 16},
            "vocab_size": VOCABULARY,
            "context_tokens": CONTEXT,
            "start": "scratch",
            "weight_decay": 0.0,
            "warmup_share": 0.0,
            "clip_norm": 1.0,
            **more,
        }
    )
    return transformer.resume(rows, fit, None, STREAM, state_folder, validation)


def library_trained(rows: Dataset, state_folder: Path | None = None, validation: Dataset | None = None, **more: Any) -> Any:
    fit = CausalTraining.model_validate({"epochs": 10, "learning_rate": 0.02, "batch_rows": 16, "best_epoch": "last", **more})
    start = pretrained("llama", VOCABULARY, CONTEXT, hidden_size=16, eos_token_id=END, pad_token_id=END)
    return causal_lm.resume(rows, fit, start, STREAM, state_folder, validation)


TRAINED: dict[str, tuple[Any, Callable[..., Any]]] = {
    "native": (transformer, native_trained),
    "library, pad is end": (causal_lm, library_trained),
}


@pytest.mark.parametrize("name", TRAINED)
def test_a_model_trained_on_200_pairs_stops(name: str) -> None:
    family, train = TRAINED[name]
    model = train(alike(200))
    prompts = alike(50, "others")
    likeliest = completed(family, model, prompts, temperature=0.0)
    assert [row[-1] for row in likeliest] == [END] * 50
    assert likeliest.count([7, 8, END]) > 40  # but where a prompt ends as a completion does
    assert np.mean([row[-1] == END for row in completed(family, model, prompts)]) > 0.9


class BrokenOffError(Exception):
    """What stands in for a kill."""


@pytest.mark.parametrize("name", TRAINED)
def test_a_training_on_pairs_broken_off_after_any_step_goes_on_to_the_same_bytes(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    family, train = TRAINED[name]
    rows, held = drawn(40), drawn(10, "held")
    schedule = {"epochs": 2, "learning_rate": 0.02, "batch_rows": 16}
    more = {"best_epoch": "real", **({"schedule": schedule} if family is transformer else schedule)}
    family.save(train(rows, None, held, **more), tmp_path / "whole")
    save = state.save
    monkeypatch.setenv("HEIRLOOM_SAVE_SECONDS", "0")

    def save_and_break_off(*saved: Any) -> None:
        save(*saved)
        raise BrokenOffError

    monkeypatch.setattr(state, "save", save_and_break_off)
    for _ in range(6):
        with pytest.raises(BrokenOffError):
            train(rows, tmp_path / "state", held, **more)
    family.save(train(rows, tmp_path / "state", held, **more), tmp_path / "resumed")
    assert fingerprint(tmp_path / "resumed") == fingerprint(tmp_path / "whole")


def test_a_generation_on_pairs_is_measured_the_same_by_both_families(tmp_path: Path) -> None:
    model, rows, held = lively("llama"), alike(40), alike(20, "held")
    ours = native(model, tmp_path)
    measuring = Measuring(8, VOCABULARY, generation=0, completion_tokens=12, decode=lambda many: [" ".join(map(str, one)) for one in many])
    sets = Sets(sample=rows, scored=held, held_out=held, original=rows)
    left, right = (family.evaluate(one, sets, one, measuring, STREAM) for family, one in ((transformer, ours), (causal_lm, model)))
    assert left == pytest.approx(right, rel=1e-5)
    assert left["test_perplexity"] == pytest.approx(np.exp(sum(by_the_library(model, held)) / 60), rel=1e-5)


def test_what_pairs_cannot_have_is_refused_in_one_line(tmp_path: Path) -> None:
    model, rows = lively("llama"), drawn(20)
    with pytest.raises(HeirloomError, match=r"^sampling.beams: the native engine completes pairs by draws alone; set beams to 1"):
        completed(transformer, native(model, tmp_path), rows, beams=3)
    with pytest.raises(HeirloomError, match=r"^a prompt and its completion have \d+ tokens, but the model's context is 40"):
        completed(causal_lm, model, rows, limit=40)
    with pytest.raises(HeirloomError, match=r"^a prompt and its completion have \d+ tokens, but the model's context is 40"):
        completed(transformer, transformer.load(tmp_path), rows, limit=40)
    assert all(len(row) <= 12 for row in completed(causal_lm, model, rows, beams=3))
