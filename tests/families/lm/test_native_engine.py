"""The transformer engine, against transformers, against a naive forward pass and against closed forms."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray

from heirloom.errors import HeirloomError
from heirloom.families import transformer
from heirloom.families.lm.native.checkpoint import load_folder, save_folder
from heirloom.families.lm.native.generation import Decoding, continue_prompts, draw_tokens
from heirloom.families.lm.native.learner import cross_entropy_gradients
from heirloom.families.lm.native.model import (
    HEAD,
    Llama,
    LlamaShape,
    complete,
    hidden_states,
    initialise,
    layers,
    normalise,
    project,
    rotary,
)
from heirloom.families.lm.rows import Rows
from heirloom.families.lm.schedules import warmed_cosine
from heirloom.families.lm.scoring import position_losses, row_losses
from heirloom.runtime.streams import Stream
from small_trainings import TrainSettings, train

SHAPE = LlamaShape(vocab_size=50, hidden_size=16, num_layers=3, num_heads=2, intermediate_size=24, context_tokens=12, rms_norm_eps=1e-6)
SETTINGS = TrainSettings(epochs=2, batch_rows=4, learning_rate=1e-2)
STREAM = Stream((0, "test"))


def lively(shape: LlamaShape = SHAPE) -> Llama:
    """A model whose logits differ enough from one another for tests to tell them apart."""
    fresh = initialise(shape, STREAM)
    return Llama(shape, {name: 12 * weight if weight.ndim == 2 else weight for name, weight in fresh.items()})


def some_tokens(rows: int, length: int) -> NDArray[np.int64]:
    return STREAM.child("tokens").generator().integers(0, SHAPE.vocab_size, (rows, length))


def windowed_logits(model: Llama, tokens: torch.Tensor, window: int) -> torch.Tensor:
    """All positions at once, every position seeing the last ``window`` positions: what decoding must equal."""
    turn = rotary(model.shape, 0, tokens.shape[1])
    distance = torch.arange(tokens.shape[1])[:, None] - torch.arange(tokens.shape[1])
    hidden = model.weights["model.embed_tokens.weight"][tokens]
    for layer in layers(model):
        queries, keys, values = project(model.shape, layer, hidden, turn)
        scores = queries @ keys.transpose(-1, -2) / math.sqrt(model.shape.head_size)
        scores = scores.masked_fill((distance < 0) | (distance >= window), -math.inf)
        hidden = complete(model.shape, layer, hidden, scores.softmax(-1) @ values)
    return F.linear(normalise(hidden, model.weights["model.norm.weight"], model.shape.rms_norm_eps), model.head)


def greedy_by_hand(model: Llama, prompts: NDArray[np.int64], num_new: int, window: int) -> NDArray[np.int64]:
    tokens = torch.from_numpy(prompts)
    for _ in range(num_new):
        tokens = torch.cat([tokens, windowed_logits(model, tokens, window)[:, -1:].argmax(-1)], dim=1)
    return tokens[:, prompts.shape[1] :].numpy()


@pytest.mark.parametrize("tied", [True, False])
def test_transformers_reads_our_folder_and_computes_our_logits(tmp_path: Path, tied: bool) -> None:
    from transformers import AutoModelForCausalLM

    model = lively(replace(SHAPE, tie_word_embeddings=tied, rope_theta=500.0))
    save_folder(model, tmp_path)
    tokens = torch.from_numpy(some_tokens(3, 12))
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert type(theirs).__name__ == "LlamaForCausalLM"
    with torch.no_grad():
        assert torch.allclose(theirs(tokens).logits, model.logits(tokens), atol=1e-4, rtol=0)


@pytest.mark.parametrize("tied", [True, False])
def test_we_read_the_folder_of_transformers_and_compute_its_logits(tmp_path: Path, tied: bool) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=50,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=12,
        tie_word_embeddings=tied,
        initializer_range=0.3,
    )
    theirs = LlamaForCausalLM(config).eval()
    theirs.save_pretrained(tmp_path)
    model = load_folder(tmp_path)
    assert (HEAD in model.weights) is not tied
    tokens = torch.from_numpy(some_tokens(3, 12))
    with torch.no_grad():
        assert torch.allclose(theirs(tokens).logits, model.logits(tokens), atol=1e-4, rtol=0)


def test_a_folder_is_written_in_the_same_bytes_twice_and_read_back_exactly(tmp_path: Path) -> None:
    model = lively()
    save_folder(model, tmp_path / "a")
    save_folder(load_folder(tmp_path / "a"), tmp_path / "b")
    for name in ("config.json", "model.safetensors"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    raw = (tmp_path / "a" / "model.safetensors").read_bytes()
    header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
    assert header["__metadata__"] == {"format": "pt"}
    assert load_folder(tmp_path / "b").shape == SHAPE


def test_a_folder_that_is_no_llama_checkpoint_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(HeirloomError, match=r"holds no config\.json"):
        load_folder(tmp_path)
    save_folder(lively(), tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"attention_bias": True}))
    with pytest.raises(HeirloomError, match="attention_bias is True, and only False can be read"):
        load_folder(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(config | {"hidden_size": 8, "head_dim": 4}))
    with pytest.raises(HeirloomError, match=r"embed_tokens.weight must have shape \(50, 8\), found \(50, 16\)"):
        load_folder(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(HeirloomError, match=r"lacks .*vocab_size"):
        load_folder(tmp_path)


def test_a_shape_whose_heads_do_not_fit_is_refused() -> None:
    with pytest.raises(HeirloomError, match="hidden_size is 18 with num_heads 2: it must be a multiple of"):
        replace(SHAPE, hidden_size=18)
    with pytest.raises(HeirloomError, match="num_layers is 0"):
        replace(SHAPE, num_layers=0)


def test_fresh_weights_are_normal_with_spread_a_fiftieth_and_do_not_depend_on_other_layers() -> None:
    wide = replace(SHAPE, vocab_size=2000)
    weights = initialise(wide, STREAM)
    drawn = weights["model.embed_tokens.weight"].double() / 0.02
    count = drawn.numel()
    assert abs(float(drawn.mean())) * math.sqrt(count) < 4
    assert abs(float(drawn.var()) - 1) / math.sqrt(2 / count) < 4
    assert torch.equal(weights["model.norm.weight"], torch.ones(16))
    queries, keys = (weights[f"model.layers.0.self_attn.{name}_proj.weight"] for name in "qk")
    assert not torch.equal(queries, keys)
    shallow = initialise(replace(wide, num_layers=1), STREAM)
    assert all(torch.equal(weight, weights[name]) for name, weight in shallow.items())


@pytest.mark.parametrize(("num_prompt", "num_new"), [(1, 11), (5, 7), (11, 1)])
def test_within_the_context_decoding_equals_a_full_forward_pass(num_prompt: int, num_new: int) -> None:
    model, prompts = lively(), some_tokens(4, num_prompt)
    decoded = continue_prompts(model, prompts, num_new, np.zeros((4, num_new)), Decoding(temperature=0))
    tokens = torch.from_numpy(prompts)
    for _ in range(num_new):
        tokens = torch.cat([tokens, model.logits(tokens)[:, -1:].argmax(-1)], dim=1)
    assert decoded.tolist() == tokens[:, num_prompt:].tolist()


@pytest.mark.parametrize(("num_prompt", "num_new"), [(12, 12), (5, 30), (20, 9), (1, 25)])
def test_beyond_the_context_decoding_sees_the_last_context_positions_only(num_prompt: int, num_new: int) -> None:
    model, prompts = lively(), some_tokens(4, num_prompt)
    decoded = continue_prompts(model, prompts, num_new, np.zeros((4, num_new)), Decoding(temperature=0))
    assert decoded.tolist() == greedy_by_hand(model, prompts, num_new, window=12).tolist()
    assert decoded.tolist() != greedy_by_hand(model, prompts, num_new, window=1).tolist()


def test_sampling_inverts_the_cumulative_distribution_of_a_full_forward_pass() -> None:
    model, prompts = lively(), some_tokens(4, 5)
    uniforms = STREAM.uniforms(0, 4, 7)
    decoded = continue_prompts(model, prompts, 7, uniforms, Decoding(temperature=0.7))
    tokens = torch.from_numpy(np.concatenate([prompts, decoded], axis=1))
    cumulative = (model.logits(tokens)[:, 4:-1].double() / 0.7).softmax(-1).cumsum(-1).numpy()
    expected = (cumulative <= uniforms[..., None]).sum(-1)
    assert decoded.tolist() == expected.tolist()


def test_a_row_becomes_the_same_whatever_shares_its_batch() -> None:
    model, prompts = lively(), some_tokens(37, 12)
    uniforms = STREAM.uniforms(0, 37, 20)
    whole = continue_prompts(model, prompts, 20, uniforms, Decoding())
    order = STREAM.generator().permutation(37)
    assert np.array_equal(continue_prompts(model, prompts[order], 20, uniforms[order], Decoding()), whole[order])
    padded, noise = np.zeros_like(prompts), np.full_like(uniforms, 0.5)
    padded[:3], noise[:3] = prompts[:3], uniforms[:3]
    assert np.array_equal(continue_prompts(model, padded, 20, noise, Decoding())[:3], whole[:3])


def test_tokens_are_drawn_as_often_as_their_probability_says() -> None:
    p = torch.tensor([0.5, 0.25, 0.15, 0.1])
    uniforms = torch.from_numpy(STREAM.generator().random(20_000))
    drawn = draw_tokens(p.log().expand(20_000, 4), uniforms, Decoding()).bincount(minlength=4)
    z = (drawn / 20_000 - p) / (p * (1 - p) / 20_000).sqrt()
    assert float(z.abs().max()) < 4


def test_a_token_of_probability_zero_is_never_drawn_at_the_edges() -> None:
    row = torch.tensor([[-math.inf, 0.0, -math.inf, 0.0, -math.inf]])
    edges = torch.tensor([0.0, 0.5 - 2**-53, 0.5, 1 - 2**-53], dtype=torch.float64)
    assert draw_tokens(row.expand(4, 5), edges, Decoding()).tolist() == [1, 1, 3, 3]
    assert draw_tokens(row.expand(4, 5), edges, Decoding(top_p=0.99)).tolist() == [1, 1, 3, 3]
    totals = torch.from_numpy(STREAM.generator().standard_normal((10_000, 3))).float()
    ended = torch.cat([totals, torch.full((10_000, 1), -math.inf)], dim=1)
    assert int(draw_tokens(ended, edges[-1:].expand(10_000), Decoding(temperature=0.3)).max()) == 2


def test_truncation_keeps_the_most_likely_tokens_and_temperature_sharpens() -> None:
    row = torch.tensor([[0.1, 0.5, 0.15, 0.25]]).log()

    def reachable(decoding: Decoding) -> dict[int, int]:
        uniforms = (torch.arange(1000, dtype=torch.float64) + 0.5) / 1000
        tokens, counts = np.unique(draw_tokens(row.expand(1000, 4), uniforms, decoding).numpy(), return_counts=True)
        return dict(zip(tokens.tolist(), counts.tolist(), strict=True))

    assert reachable(Decoding()) == {0: 100, 1: 500, 2: 150, 3: 250}
    assert reachable(Decoding(top_k=2)) == {1: 667, 3: 333}
    assert reachable(Decoding(top_p=0.8)) == {1: 556, 2: 167, 3: 277}
    assert reachable(Decoding(top_p=0.1)) == {1: 1000}
    assert reachable(Decoding(top_k=3, top_p=0.8)) == {1: 667, 3: 333}
    assert reachable(Decoding(top_k=99)) == reachable(Decoding())
    assert reachable(Decoding(temperature=0)) == {1: 1000}
    assert reachable(Decoding(temperature=0.5)) == {0: 29, 1: 725, 2: 65, 3: 181}


def test_bad_decoding_and_bad_prompts_are_refused() -> None:
    for bad, message in (({"temperature": -1.0}, "temperature is -1.0"), ({"top_k": -1}, "top_k"), ({"top_p": 0.0}, "top_p")):
        with pytest.raises(HeirloomError, match=message):
            Decoding(**bad)
    with pytest.raises(HeirloomError, match=r"need \(2, 3\)"):
        continue_prompts(lively(), some_tokens(2, 4), 3, np.zeros((2, 2)), Decoding())
    with pytest.raises(HeirloomError, match="allowed are 0 to 49"):
        continue_prompts(lively(), np.full((1, 2), 50), 1, np.zeros((1, 1)), Decoding())
    broken = Llama(SHAPE, lively().weights | {"model.norm.weight": torch.full((16,), math.nan)})
    with pytest.raises(HeirloomError, match="logits of new token 0 are not finite"):
        continue_prompts(broken, some_tokens(2, 4), 3, np.zeros((2, 3)), Decoding())


def test_the_gradients_of_the_head_equal_autograd_across_chunks() -> None:
    generator = STREAM.generator()
    hidden = torch.from_numpy(generator.standard_normal((600, 16))).float().requires_grad_()
    head = torch.from_numpy(generator.standard_normal((50, 16))).float().requires_grad_()
    targets = torch.from_numpy(generator.integers(0, 50, 600))
    expected = F.cross_entropy(F.linear(hidden, head), targets)
    expected.backward()  # type: ignore[no-untyped-call]
    loss, by_hidden, by_head = cross_entropy_gradients(hidden.detach(), head.detach(), targets)
    assert loss == pytest.approx(expected.item(), rel=1e-6)
    assert hidden.grad is not None
    assert head.grad is not None
    assert torch.allclose(by_hidden, hidden.grad, atol=1e-7, rtol=1e-4)
    assert torch.allclose(by_head, head.grad, atol=1e-6, rtol=1e-4)


def test_gradients_of_a_batchs_parts_add_up_to_those_of_the_batch() -> None:
    model, rows, weight_N = lively(), some_tokens(10, 9), STREAM.generator().random(10)
    settings = TrainSettings(1, 10, 1e-2, warmup=0.0)
    whole, losses = train(model, rows, STREAM, settings, weight_N)
    parts, losses_of_parts = train(model, rows, STREAM, replace(settings, micro_rows=4), weight_N)
    assert losses_of_parts == pytest.approx(losses, rel=1e-6)
    for name, weight in whole.weights.items():
        assert torch.allclose(parts.weights[name], weight, atol=1e-5)


def test_training_with_products_in_bfloat16_learns_the_same_pattern_in_float32_weights() -> None:
    rows = (np.arange(12) + np.arange(30)[:, None]) % 50
    settings = TrainSettings(epochs=40, batch_rows=8, learning_rate=1e-2, precision="bfloat16")
    trained, losses = train(Llama(SHAPE, initialise(SHAPE, STREAM)), rows, STREAM, settings)
    exact = train(Llama(SHAPE, initialise(SHAPE, STREAM)), rows, STREAM, replace(settings, precision="float32"))[1]
    assert {weight.dtype for weight in trained.weights.values()} == {torch.float32}
    assert losses[-1] < 0.2
    assert losses[:5] == pytest.approx(exact[:5], rel=1e-2)
    assert losses != exact


@pytest.mark.parametrize("tied", [True, False])
def test_one_step_equals_adamw_on_the_plain_loss(tied: bool) -> None:
    model, rows = lively(replace(SHAPE, tie_word_embeddings=tied)), some_tokens(4, 9)
    settings = TrainSettings(1, 4, 1e-2, weight_decay=0.3, warmup=0.0, clip=0.01)
    trained, losses = train(model, rows, STREAM, settings)
    by_hand = {name: weight.clone().requires_grad_() for name, weight in model.weights.items()}
    tokens = torch.from_numpy(rows)
    scores = Llama(model.shape, by_hand).logits(tokens[:, :-1])
    loss = F.cross_entropy(scores.flatten(0, 1), tokens[:, 1:].flatten())
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(by_hand.values(), 0.01)
    for name, weight in by_hand.items():
        assert weight.grad is not None
        decayed = weight.detach() * (1 - 1e-2 * 0.3 * (weight.ndim == 2))
        moved = decayed - 1e-2 * weight.grad / (weight.grad.abs() + 1e-8)  # the first step of Adam: both averages are one gradient
        sure = weight.grad.abs() > 1e-6  # smaller ones may change sign by rounding
        assert torch.allclose(trained.weights[name][sure], moved[sure], atol=2e-5, rtol=0)
    assert losses == pytest.approx([loss.item()], rel=1e-5)


def test_training_learns_a_pattern_leaves_its_input_alone_and_repeats_bit_for_bit() -> None:
    rows = (np.arange(12) + np.arange(30)[:, None]) % 50  # each token is the one before it plus one
    start = Llama(SHAPE, initialise(SHAPE, STREAM))
    before = {name: weight.clone() for name, weight in start.weights.items()}
    settings = TrainSettings(epochs=40, batch_rows=8, learning_rate=1e-2)
    first, losses = train(start, rows, STREAM, settings)
    second, again = train(start, rows, STREAM, settings)
    assert losses == again
    assert len(losses) == 160
    assert losses[0] == pytest.approx(math.log(50), abs=0.1)
    assert losses[-1] < 0.2
    assert all(torch.equal(weight, second.weights[name]) for name, weight in first.weights.items())
    assert all(torch.equal(weight, before[name]) for name, weight in start.weights.items())
    other, _ = train(start, rows, STREAM.child("other"), settings)
    assert not torch.equal(other.head, first.head)


def test_an_epoch_reads_every_row_once_in_the_order_of_its_own_stream() -> None:
    rows = Rows.blocks(np.tile(np.arange(5), (10, 1)))
    epochs = [np.concatenate(rows.steps(epoch, 4, STREAM)).tolist() for epoch in (0, 1)]
    assert epochs == [STREAM.child("order", epoch).generator().permutation(10).tolist() for epoch in (0, 1)]
    assert sorted(epochs[0]) == list(range(10))
    assert [len(step) for step in rows.steps(0, 4, STREAM)] == [4, 4, 2]


def test_the_learning_rate_rises_over_the_warm_up_and_falls_along_half_a_cosine() -> None:
    rate = warmed_cosine(1.0, 0.2)
    assert [round(rate(step, 10), 4) for step in (0, 1, 2, 6)] == [0.3333, 0.6667, 1.0, 0.5]


def test_training_that_diverges_or_changes_nothing_says_so() -> None:
    rows = some_tokens(8, 6)
    with pytest.raises(HeirloomError, match=r"at step \d+ the loss is .* at learning rate"):
        train(lively(), rows, STREAM, TrainSettings(5, 4, 1e30))
    with pytest.raises(HeirloomError, match="no weight changed in 2 steps, the first at learning rate 0"):
        train(lively(), rows, STREAM, TrainSettings(1, 4, 0.0))
    with pytest.raises(HeirloomError, match="got 0 rows"):
        train(lively(), rows[:0], STREAM, SETTINGS)
    with pytest.raises(HeirloomError, match=r"training rows hold tokens .* but the model has 0 to 49"):
        train(lively(), rows + 45, STREAM, SETTINGS)


def test_too_little_memory_says_what_to_lower() -> None:
    huge = np.broadcast_to(np.zeros((1, 4), np.int32), (2**40, 4))
    with pytest.raises(HeirloomError, match=r"^out of memory while sampling; lower chunk_rows or sampling.beams$"):
        next(transformer.sample(lively(), [huge], len(huge), transformer.Sampling(), STREAM))


def test_row_losses_sum_the_nats_of_all_but_the_first_token_across_chunks() -> None:
    model, tokens = lively(), some_tokens(70, 6)
    log_p = model.logits(torch.from_numpy(tokens)).log_softmax(-1)[:, :-1]
    expected = -log_p.gather(2, torch.from_numpy(tokens)[:, 1:, None])[..., 0]
    assert np.allclose(position_losses(model, tokens), expected.numpy(), atol=1e-5)
    losses = row_losses(model, tokens)
    assert losses.dtype == np.float64
    assert np.allclose(losses, expected.sum(1).numpy(), atol=1e-4)


def test_a_model_that_knows_nothing_loses_log_v_at_every_position() -> None:
    uniform = Llama(SHAPE, {name: torch.zeros_like(weight) for name, weight in lively().weights.items()})
    assert row_losses(uniform, some_tokens(2, 7)) == pytest.approx([6 * math.log(50)] * 2)
    assert hidden_states(uniform, torch.zeros((1, 3), dtype=torch.int64)).shape == (1, 3, 16)
    with pytest.raises(HeirloomError, match="at least 2 tokens"):
        row_losses(uniform, some_tokens(2, 1))
