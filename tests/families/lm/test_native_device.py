"""Where the transformer's tensors live, and its decoding in steps that are all alike.

A GPU is not needed: torch's meta device has shapes and no numbers, and refuses to mix with the CPU as a GPU does. What needs
one is in test_native_gpu.py.
"""

from __future__ import annotations

import math
import os
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.utils._python_dispatch import TorchDispatchMode

from heirloom.cli import steps
from heirloom.errors import HeirloomError
from heirloom.families.lm import adamw
from heirloom.families.lm.decoding import GRAINS, Decoding, draw_tokens, in_grains, penalised, running_sums_of_grains
from heirloom.families.lm.native import static
from heirloom.families.lm.native.beams import hidden_slots, step
from heirloom.families.lm.native.generation import Decoder, continue_prompts, read_prompts, room
from heirloom.families.lm.native.learner import cross_entropy_gradients
from heirloom.families.lm.native.model import Llama, LlamaShape, hidden_states, initialise
from heirloom.families.lm.native.replay import Work
from heirloom.runtime import device
from heirloom.runtime.streams import Stream
from heirloom.specs.decoding import Precision

STREAM = Stream((0, "device"))
GROUPED = LlamaShape(vocab_size=150, hidden_size=32, num_layers=3, num_heads=4, intermediate_size=24, context_tokens=12, num_kv_heads=2)
PLAIN = replace(GROUPED, num_kv_heads=None)
META = torch.device("meta")
DECODINGS = (
    Decoding(),
    Decoding(temperature=0),
    Decoding(temperature=0.7, top_k=20),
    Decoding(top_p=0.8),
    Decoding(repetition_penalty=1.7),
)


def lively(shape: LlamaShape) -> Llama:
    return Llama(shape, {name: 12 * weight if weight.ndim == 2 else weight for name, weight in initialise(shape, STREAM).items()})


def some_tokens(rows: int, length: int) -> NDArray[np.int64]:
    return STREAM.child("tokens", length).generator().integers(0, 150, (rows, length))


class NothingOnTheCpu(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Refuse operations that read or make a tensor on the CPU, numbers included, which the meta device itself lets pass."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for tensor in (*args, *(made if isinstance(made, tuple | list) else [made])):
            assert not isinstance(tensor, torch.Tensor) or tensor.device == META, func
        return made


def plainly(work: Work) -> Work:
    return work


@pytest.mark.parametrize("shape", [GROUPED, PLAIN], ids=["grouped heads", "plain heads"])
@pytest.mark.parametrize(("num_prompt", "num_new"), [(5, 7), (5, 20), (20, 9), (1, 13), (3, 1)])
def test_steps_that_are_all_alike_write_what_decoding_writes_also_after_the_ring_has_turned(
    shape: LlamaShape, num_prompt: int, num_new: int
) -> None:
    model, prompts, uniforms = lively(shape), some_tokens(6, num_prompt), STREAM.uniforms(0, 6, num_new)
    for decoding in DECODINGS:
        write = static.writer(model, decoding, repeat=plainly)
        write(prompts[::-1], num_new, 1 - uniforms[::-1] - 2**-53)  # a desk that was used before
        expected = continue_prompts(model, prompts, num_new, uniforms, decoding)
        assert write(prompts, num_new, uniforms).tolist() == expected.tolist()


def test_a_writer_takes_chunks_of_several_shapes_and_products_in_bfloat16() -> None:
    model = lively(GROUPED)
    write = static.writer(model, Decoding(), "bfloat16", repeat=plainly)
    for rows, num_prompt, num_new in ((4, 5, 20), (2, 5, 20), (4, 14, 3), (4, 5, 20)):
        prompts, uniforms = some_tokens(rows, num_prompt), STREAM.uniforms(0, rows, num_new)
        expected = continue_prompts(model, prompts, num_new, uniforms, Decoding(), "bfloat16")
        assert write(prompts, num_new, uniforms).tolist() == expected.tolist()
    with pytest.raises(HeirloomError, match=r"need \(4, 3\)"):
        write(some_tokens(4, 5), 3, np.zeros((4, 2)))
    with pytest.raises(HeirloomError, match="allowed are 0 to 149"):
        write(some_tokens(4, 5) + 150, 3, np.zeros((4, 3)))


@pytest.mark.parametrize("shape", [GROUPED, PLAIN], ids=["grouped heads", "plain heads"])
def test_the_logits_of_a_step_are_those_of_a_full_forward_pass(shape: LlamaShape) -> None:
    model, tokens = lively(shape), torch.from_numpy(some_tokens(4, 12))
    seen: list[torch.Tensor] = []
    with torch.inference_mode():
        ready = Decoder.of(model, "float32")
        desk = static.Desk.of(ready, 4, 5, 7)
        desk.tokens.copy_(tokens)
        read_prompts(ready, tokens[:, :5], desk.ring)
        for position in range(6, 12):
            desk.position.fill_(position)
            seen.append(static.next_logits(ready, desk))
        assert torch.allclose(torch.stack(seen, 1), model.logits(tokens)[:, 5:11], atol=1e-5, rtol=1e-5)


def test_logits_that_are_no_numbers_are_refused_at_the_end_of_a_chunk() -> None:
    model = lively(GROUPED)
    broken = Llama(GROUPED, model.weights | {"model.norm.weight": torch.full((32,), math.nan)})
    write = static.writer(broken, Decoding(), repeat=plainly)
    with pytest.raises(HeirloomError, match="logits of a new token are not finite"):
        write(some_tokens(2, 4), 3, np.zeros((2, 3)))


def test_a_place_not_yet_written_changes_no_penalty() -> None:
    scores, tokens = torch.from_numpy(STREAM.generator().standard_normal((5, 150))), torch.from_numpy(some_tokens(5, 4))
    padded = torch.cat([tokens, tokens[:, :1].expand(-1, 6)], dim=1)
    assert torch.equal(penalised(scores, padded, 1.7), penalised(scores, tokens, 1.7))


def test_probabilities_in_grains_add_up_to_the_same_in_any_order_and_zero_stays_zero() -> None:
    generator = STREAM.generator()
    p = torch.from_numpy(generator.random((3, 2000)) ** 40)
    p[:, ::7] = 0
    grains = in_grains(p)
    assert float((grains - p).abs().max()) <= 0.5 / GRAINS
    assert not grains[:, ::7].any()
    order = torch.from_numpy(generator.permutation(2000))
    assert torch.equal(grains.cumsum(-1)[:, -1], grains[:, order].cumsum(-1)[:, -1])
    assert not torch.equal(p.cumsum(-1)[:, -1], p[:, order].cumsum(-1)[:, -1])
    sums = running_sums_of_grains(grains)
    assert torch.equal(sums, grains.cumsum(-1))
    assert torch.equal(sums[:, 7::7], sums[:, 6:-1:7])  # a token of probability zero takes up no room
    full = torch.ones((1, 2**18))
    assert running_sums_of_grains(in_grains(full))[0, -1] == 2**18


def test_tokens_drawn_from_grains_are_those_drawn_from_probabilities() -> None:
    scores = torch.from_numpy(STREAM.generator().standard_normal((2000, 150)))
    uniforms = torch.from_numpy(STREAM.uniforms(0, 2000, 1)[:, 0])
    rounded = in_grains((scores - scores.amax(-1, keepdim=True)).exp()).log()
    assert torch.equal(draw_tokens(rounded, uniforms, Decoding()), draw_tokens(scores, uniforms, Decoding()))


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("shape", [GROUPED, PLAIN], ids=["grouped heads", "plain heads"])
def test_no_tensor_of_training_is_made_on_another_device_than_the_weights(shape: LlamaShape, precision: Precision) -> None:
    weights = {name: weight.to(META).requires_grad_() for name, weight in lively(shape).weights.items()}
    model = Llama(shape, weights)
    tokens = torch.zeros((3, 9), dtype=torch.int64, device=META)
    hidden = hidden_states(model, tokens, precision).flatten(0, 1)
    with torch.no_grad():
        loss, by_hidden, by_head = cross_entropy_gradients(hidden, model.head, tokens.flatten(), hidden.new_ones(27), 30, precision)
    torch.autograd.backward(hidden, by_hidden)
    assert [loss.device, by_head.device, by_hidden.device] == [META] * 3
    assert {weight.grad.device for weight in weights.values() if weight.grad is not None} == {META}
    assert {part.device for averages in adamw.begin(weights).values() for part in vars(averages).values()} == {META}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("decoding", DECODINGS, ids=str)
def test_no_tensor_of_decoding_is_made_on_another_device_than_the_weights(decoding: Decoding, precision: Precision) -> None:
    ready = Decoder.of(lively(GROUPED).on(META), precision)
    with torch.no_grad():  # inference mode would show some operations whole, and hide what they make
        desk = static.Desk.of(ready, 4, 20, 3)
        static.write_token(desk, read_prompts(ready, desk.tokens[:, :20], desk.ring), decoding)
        # a capture forbids copies from the CPU, and waiting for numbers, of which meta tensors have none
        with NothingOnTheCpu():  # type: ignore[no-untyped-call]
            static.step(ready, desk, decoding)
        assert {tensor.device for tensor in (*desk.turns, desk.tokens, desk.ring)} == {META}


def test_no_tensor_of_a_beam_search_is_made_on_another_device_than_the_weights() -> None:
    ready = Decoder.of(lively(GROUPED).on(META), "float32")
    with torch.inference_mode():
        token, slots = torch.zeros((4, 3), dtype=torch.int64, device=META), torch.ones((4, 3, 11), dtype=torch.bool, device=META)
        found = step(ready, token, hidden_slots(slots, 6, 5, 12), room(ready, 4, 11), 6)
    assert (found.device, found.shape) == (META, (4, 3, 150))


def test_a_process_takes_the_gpu_of_its_number_and_the_cpu_where_there_is_none() -> None:
    assert [device.pick("auto", 0, 0), device.pick("cpu", 4, 1), device.pick("auto", 4, 1), device.pick("cuda", 4, 3)] == [None, None, 1, 3]
    with pytest.raises(HeirloomError, match=r"^device is cuda, but torch sees no GPU here: allowed are auto and cpu$"):
        device.pick("cuda", 0, 0)
    with pytest.raises(HeirloomError, match="process 1 of this machine has no GPU of its own, torch sees 1: num_gpus must be at least"):
        device.pick("auto", 1, 1)


def test_the_environment_chooses_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(device.VARIABLE, "cpu")
    assert device.current() == torch.device("cpu")


def test_a_jobs_slice_chooses_the_device_and_says_nothing_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", dict(os.environ))
    steps._begin('{"num_threads": 1, "device": "cpu"}')
    assert os.environ[device.VARIABLE] == "cpu"
    steps._begin('{"num_threads": 1}')
    assert os.environ[device.VARIABLE] == "auto"
