"""Beam search, penalties and precision of the transformer engine, against transformers."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from heirloom.errors import HeirloomError
from heirloom.families.lm.native import beams
from heirloom.families.lm.native.checkpoint import load_folder, save_folder
from heirloom.families.lm.native.generation import Decoding, continue_prompts
from heirloom.families.lm.native.model import Llama, LlamaShape, initialise, parameter_shapes
from heirloom.families.lm.scoring import position_losses
from heirloom.runtime.streams import Stream

STREAM = Stream((0, "beams"))
SHAPE = LlamaShape(vocab_size=50, hidden_size=16, num_layers=2, num_heads=4, intermediate_size=24, context_tokens=32, num_kv_heads=2)
STORIES = Path(__file__).parents[3] / "shared/data/stories260K/stories260K.bin"


def lively(shape: LlamaShape = SHAPE) -> Llama:
    fresh = initialise(shape, STREAM)
    return Llama(shape, {name: 12 * weight if weight.ndim == 2 else weight for name, weight in fresh.items()})


def some_tokens(rows: int, length: int, vocabulary: int = 50) -> NDArray[np.int64]:
    return STREAM.child("tokens").generator().integers(0, vocabulary, (rows, length))


def theirs(model: Llama, folder: Path, prompts: NDArray[np.int64], num_new: int, **settings: float) -> list[list[int]]:
    """What transformers generates from the same weights, read from our folder."""
    from transformers import AutoModelForCausalLM

    save_folder(model, folder)
    other = AutoModelForCausalLM.from_pretrained(folder)
    given = torch.from_numpy(prompts)
    exactly = {"max_new_tokens": num_new, "do_sample": False, "eos_token_id": None, "pad_token_id": 0, **settings}
    written = other.generate(input_ids=given, attention_mask=torch.ones_like(given), **exactly)
    return [row[prompts.shape[1] :].tolist() for row in written]


@pytest.mark.parametrize("penalty", [1.0, 2.0])
@pytest.mark.parametrize(("shape", "num_beams"), [(SHAPE, 5), (replace(SHAPE, num_kv_heads=None, num_heads=2), 3), (SHAPE, 1)])
def test_beams_find_the_tokens_that_transformers_finds(tmp_path: Path, shape: LlamaShape, num_beams: int, penalty: float) -> None:
    model, prompts = lively(shape), some_tokens(6, 8)
    ours = beams.search(model, prompts, 16, num_beams, Decoding(repetition_penalty=penalty))
    if num_beams > 1 or penalty == 1.0:  # with one beam, transformers turns to greedy search, whose penalty acts on logits
        assert ours.tolist() == theirs(model, tmp_path, prompts, 16, num_beams=num_beams, repetition_penalty=penalty)
    greedy = continue_prompts(model, prompts, 16, np.zeros((6, 16)), Decoding(temperature=0))
    assert (ours.tolist() == greedy.tolist()) == (num_beams == 1 and penalty == 1.0)


def by_hand(model: Llama, prompt: list[int], num_new: int, num_beams: int) -> list[int]:
    """Beam search over whole rows, each seeing its last ``context_tokens`` positions only where all fit."""
    kept = [(0.0, prompt)]
    for _ in range(num_new):
        grown = []
        for score, row in kept:
            log_p = model.logits(torch.tensor([row]))[0, -1].log_softmax(-1)
            grown += [(score + float(p), [*row, token]) for token, p in enumerate(log_p)]
        kept = sorted(grown, reverse=True)[:num_beams]
    return kept[0][1][len(prompt) :]


def test_beams_equal_a_search_over_whole_rows() -> None:
    model, prompts = lively(), some_tokens(3, 5)
    assert beams.search(model, prompts, 6, 4).tolist() == [by_hand(model, row, 6, 4) for row in prompts.tolist()]


def test_a_beam_beyond_the_context_sees_the_last_positions_only() -> None:
    """One beam is greedy search, whose window is tested against a full forward pass."""
    model, prompts = lively(replace(SHAPE, context_tokens=7)), some_tokens(4, 10)
    greedy = continue_prompts(model, prompts, 12, np.zeros((4, 12)), Decoding(temperature=0))
    assert beams.search(model, prompts, 12, 1).tolist() == greedy.tolist()
    assert greedy.tolist() != continue_prompts(lively(), prompts, 12, np.zeros((4, 12)), Decoding(temperature=0)).tolist()


def test_the_beams_of_a_row_do_not_depend_on_which_rows_share_its_chunk() -> None:
    model, prompts = lively(), some_tokens(6, 8)
    whole = beams.search(model, prompts, 10, 3)
    order = [3, 1, 5, 0, 2, 4]
    assert np.array_equal(beams.search(model, prompts[order], 10, 3), whole[order])


def test_bad_beams_are_refused() -> None:
    with pytest.raises(HeirloomError, match="beams is 51: it must be at least 1 and at most the vocabulary's 50 tokens"):
        beams.search(lively(), some_tokens(1, 3), 2, 51)
    with pytest.raises(HeirloomError, match="num_kv_heads is 3: it must divide num_heads 4"):
        replace(SHAPE, num_kv_heads=3)


@pytest.mark.parametrize("penalty", [0.7, 3.0])
def test_a_greedy_search_with_a_penalty_is_that_of_transformers(tmp_path: Path, penalty: float) -> None:
    model, prompts = lively(), some_tokens(5, 8)
    ours = continue_prompts(model, prompts, 16, np.zeros((5, 16)), Decoding(temperature=0, repetition_penalty=penalty))
    assert ours.tolist() == theirs(model, tmp_path, prompts, 16, repetition_penalty=penalty)


def test_keys_shared_by_groups_of_heads_give_the_logits_of_transformers_both_ways(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    model, tokens = lively(), torch.from_numpy(some_tokens(3, 20))
    save_folder(model, tmp_path / "ours")
    other = AutoModelForCausalLM.from_pretrained(tmp_path / "ours")
    with torch.inference_mode():
        assert float((other(tokens).logits - model.logits(tokens)).abs().max()) < 1e-4
    other.save_pretrained(tmp_path / "theirs")
    back = load_folder(tmp_path / "theirs")
    assert back.shape == SHAPE
    assert all(torch.equal(weight, model.weights[name]) for name, weight in back.weights.items())


def test_products_in_bfloat16_stay_near_those_in_float32() -> None:
    model, prompts = lively(), some_tokens(64, 8)
    pair = [
        continue_prompts(model, prompts, 16, STREAM.uniforms(0, 64, 16), Decoding(), precision) for precision in ("float32", "bfloat16")
    ]
    assert 0.3 < (pair[0] == pair[1]).mean() < 1
    assert beams.search(model, prompts, 4, 2, precision="bfloat16").shape == (64, 4)


def stories() -> Llama:
    """The 260K-parameter Llama of TinyStories, from its file: seven sizes, then the weights one after the other."""
    data = STORIES.read_bytes()
    hidden, inner, num_layers, heads, kv_heads, vocabulary, length = struct.unpack("7i", data[:28])
    shape = LlamaShape(vocabulary, hidden, num_layers, heads, inner, length, num_kv_heads=kv_heads)
    values = torch.from_numpy(np.frombuffer(data, np.float32, offset=28).copy())
    sizes = parameter_shapes(shape)
    parts = ["input_layernorm", *(f"self_attn.{name}_proj" for name in "qkvo"), "post_attention_layernorm"]
    parts += [f"mlp.{name}_proj" for name in ("gate", "down", "up")]
    order = ["model.embed_tokens.weight"]
    order += [f"model.layers.{layer}.{part}.weight" for part in parts for layer in range(num_layers)] + ["model.norm.weight"]
    weights, start = {}, 0
    for name in order:
        count = int(np.prod(sizes[name]))
        weights[name] = values[start : start + count].view(sizes[name])
        start += count
    return Llama(shape, {name: _half_split(weight, shape) if name[-13] in "qk" else weight for name, weight in weights.items()})


def _half_split(weight: torch.Tensor, shape: LlamaShape) -> torch.Tensor:
    """Return queries' or keys' weights whose rotary pairs are neighbours with pairs that are half a head apart, as ours are."""
    pairs = weight.view(-1, shape.head_size // 2, 2, shape.hidden_size)
    return pairs.transpose(1, 2).reshape(weight.shape)


@pytest.mark.skipif(not STORIES.exists(), reason="the weights of stories260K are not beside the repository")
def test_a_real_llama_writes_what_transformers_writes(tmp_path: Path) -> None:
    model, prompts = stories(), np.full((2, 1), 1)
    greedy = continue_prompts(model, prompts, 64, np.zeros((2, 64)), Decoding(temperature=0))
    assert greedy.tolist() == theirs(model, tmp_path, prompts, 64)
    started = continue_prompts(model, np.ones((8, 1), np.int64), 16, STREAM.uniforms(0, 8, 16), Decoding()).astype(np.int64)
    assert beams.search(model, started, 48, 5).tolist() == theirs(model, tmp_path, started, 48, num_beams=5)
    assert position_losses(model, started).mean() < 3  # of log 512 = 6.2: these are trained weights
