"""The transformer on a GPU against the CPU; skipped where torch sees no GPU."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from heirloom.environment import environment
from heirloom.families import minibatches, transformer
from heirloom.families.lm import adamw, state
from heirloom.families.lm.decoding import Decoding
from heirloom.families.lm.native import beams, static
from heirloom.families.lm.native.checkpoint import load, load_folder, save_folder
from heirloom.families.lm.native.generation import continue_prompts
from heirloom.families.lm.native.learner import Learner
from heirloom.families.lm.native.model import Llama, LlamaShape, initialise
from heirloom.families.lm.scoring import features, position_losses
from heirloom.runtime import device
from heirloom.runtime.streams import Stream
from small_trainings import TrainSettings, train

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU here")

STREAM = Stream((0, "gpu"))
SHAPE = LlamaShape(vocab_size=150, hidden_size=32, num_layers=3, num_heads=4, intermediate_size=24, context_tokens=12, num_kv_heads=2)
PLAIN = replace(SHAPE, num_kv_heads=None)
ROWS = (np.arange(12) + np.arange(30)[:, None]) % 150


@pytest.fixture(autouse=True)
def kernels_are_chosen_by_each_test() -> Iterator[None]:
    yield
    torch.use_deterministic_algorithms(False)


def lively(shape: LlamaShape = SHAPE) -> Llama:
    return Llama(shape, {name: 12 * weight if weight.ndim == 2 else weight for name, weight in initialise(shape, STREAM).items()})


def on_gpu(model: Llama) -> Llama:
    return model.on(device.current())


def some_tokens(rows: int, length: int) -> NDArray[np.int64]:
    return STREAM.child("tokens", length).generator().integers(0, 150, (rows, length))


def test_models_live_on_the_gpu_unless_the_environment_says_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_folder(on_gpu(lively()), tmp_path)
    assert load(tmp_path).device == torch.device("cuda", 0)
    assert [environment(can_use_gpu=can)["device"] for can in (True, False)] == ["cuda", "cpu"]
    monkeypatch.setenv(device.VARIABLE, "cpu")
    assert load(tmp_path).device == torch.device("cpu")
    assert environment(can_use_gpu=True)["device"] == "cpu"
    assert all(torch.equal(weight, load_folder(tmp_path).weights[name]) for name, weight in lively().weights.items())


@pytest.mark.parametrize("shape", [SHAPE, PLAIN], ids=["grouped heads", "plain heads"])
def test_logits_losses_and_features_are_those_of_the_cpu(shape: LlamaShape) -> None:
    model, tokens = lively(shape), some_tokens(5, 12)
    there, given = on_gpu(model), torch.from_numpy(tokens)
    assert torch.allclose(there.logits(given.to(there.device)).cpu(), model.logits(given), atol=1e-3)
    assert np.allclose(position_losses(there, tokens), position_losses(model, tokens), atol=1e-3)
    assert np.allclose(features(there, tokens), features(model, tokens), atol=1e-3)


@pytest.mark.parametrize("deterministic", [False, True])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    "decoding", [Decoding(), Decoding(temperature=0), Decoding(top_k=20), Decoding(top_p=0.8), Decoding(repetition_penalty=1.7)], ids=str
)
def test_a_replayed_graph_writes_what_plain_decoding_writes(decoding: Decoding, precision: str, deterministic: bool) -> None:
    if deterministic:
        minibatches.use_deterministic_kernels()
    model = on_gpu(lively())
    write = static.writer(model, decoding, precision)  # type: ignore[arg-type]
    for chunk, (num_prompt, num_new) in enumerate([(5, 30), (5, 30), (12, 12), (20, 9), (3, 1)]):
        prompts, uniforms = some_tokens(8, num_prompt), STREAM.child(str(chunk)).uniforms(0, 8, num_new)
        plain = continue_prompts(model, prompts, num_new, uniforms, decoding, precision)  # type: ignore[arg-type]
        written = write(prompts, num_new, uniforms)
        assert float((written == plain).mean()) > 0.9  # masked sums may round otherwise, and then a row goes its own way
        assert np.array_equal(write(prompts, num_new, uniforms), written)


def test_sampled_tokens_and_beams_are_mostly_those_of_the_cpu_and_repeat() -> None:
    model, prompts = lively(), some_tokens(16, 12)
    here, again, there = (
        np.concatenate(list(transformer.sample(one, [prompts, prompts], 32, transformer.Sampling(), STREAM)))
        for one in (on_gpu(model), on_gpu(model), model)
    )
    assert np.array_equal(here, again)
    assert float((here == there).mean()) > 0.9
    found = beams.search(on_gpu(model), prompts, 8, 4)
    assert float((found == beams.search(model, prompts, 8, 4)).mean()) > 0.9


@pytest.mark.parametrize("shape", [SHAPE, PLAIN], ids=["grouped heads", "plain heads"])
def test_training_repeats_bit_for_bit_and_learns_what_the_cpu_learns(shape: LlamaShape) -> None:
    start, settings = Llama(shape, initialise(shape, STREAM)), TrainSettings(epochs=4, batch_rows=8, learning_rate=1e-2)
    here, losses = train(on_gpu(start), ROWS, STREAM, settings)
    again, same = train(on_gpu(start), ROWS, STREAM, settings)
    assert losses == same
    assert all(torch.equal(weight, again.weights[name]) for name, weight in here.weights.items())
    _, there = train(start, ROWS, STREAM, settings)
    assert losses == pytest.approx(there, rel=1e-3)
    narrow = train(on_gpu(start), ROWS, STREAM, replace(settings, precision="bfloat16"))[1]
    assert narrow == pytest.approx(there, rel=3e-2)


def test_a_saved_training_returns_to_the_gpu(tmp_path: Path) -> None:
    start, settings = on_gpu(Llama(SHAPE, initialise(SHAPE, STREAM))), TrainSettings(epochs=2, batch_rows=8, learning_rate=1e-2)
    whole, losses = train(start, ROWS, STREAM, settings)
    state.save(tmp_path, Learner.of(whole), no_averages(whole), state.Progress(losses, 2))
    blank = Learner.of(replace(whole, weights={name: torch.zeros_like(weight) for name, weight in whole.weights.items()}))
    progress = state.restore(tmp_path, blank, no_averages(whole))
    assert (progress.losses, progress.epochs) == (losses, 2)
    assert all(torch.equal(weight, blank.weights[name]) for name, weight in whole.weights.items())
    assert {weight.device.type for weight in blank.weights.values()} == {"cuda"}


def no_averages(model: Llama) -> dict[str, adamw.Averages]:
    return adamw.begin(model.weights)
