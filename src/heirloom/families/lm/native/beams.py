"""Beam search over a tree: the beams of a prompt share its keys and values, and nothing is copied when beams change places.

Every new token of every beam leaves its key and value in a slot of its own and never moves; what a beam may read of the slots is a mask,
inherited from the beam it continues. All beams of a prompt read the slots in one matrix product.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor

from heirloom.errors import HeirloomError
from heirloom.families.lm.decoding import Decoding, steered
from heirloom.families.lm.native.generation import Decoder, attend, check_finite, check_prompts, read_prompts, room
from heirloom.families.lm.native.model import Llama, complete, project, rotary
from heirloom.specs.decoding import Precision

PLAIN = Decoding()


@torch.inference_mode()
def search(
    model: Llama,
    prompts: NDArray[np.integer],
    num_new: int,
    beams: int,
    decoding: Decoding = PLAIN,
    precision: Precision = "float32",
) -> NDArray[np.int32]:
    """Return for each prompt the continuation of ``num_new`` tokens that a beam search finds likeliest.

    The ``beams`` continuations of highest summed log-probability are kept at every step. Penalty and ban act on log-probabilities, as in
    `transformers`, whose beam search without an end token finds the same tokens.

    Parameters
    ----------
    model
        The model to search with.
    prompts
        Token ids of shape (B, P).
    num_new
        Tokens to add, N.
    beams
        Continuations kept of each prompt, K.
    decoding
        Its penalty and its ban; a search draws nothing.
    precision
        Of products with weights.

    Returns
    -------
    array of shape (B, N), new tokens only

    Raises
    ------
    HeirloomError
        If a prompt is empty or holds a token outside the vocabulary, there are more beams than tokens, or logits are not numbers.
    """
    check_prompts(model, prompts, num_new)
    check_beams(model, beams)
    decoder = Decoder.of(model, precision)
    prompt_tokens = torch.from_numpy(prompts.astype(np.int64)).to(model.device)
    num_rows, num_prompt = prompt_tokens.shape
    memory = room(decoder, num_rows, num_prompt + num_new * beams)
    prompt_logits = read_prompts(decoder, prompt_tokens, memory[..., :num_prompt, :])
    logits, tree = prompt_logits[:, None].expand(-1, beams, -1), Tree.of(prompt_tokens, beams)
    for position in range(num_prompt, num_prompt + num_new):
        check_finite(logits, position - num_prompt)
        scores = steered(logits.log_softmax(dim=-1), tree.tokens, decoding)
        tree = tree.grown(*tree.candidates(scores, beams))
        if position + 1 < num_prompt + num_new:
            hidden = hidden_slots(tree.slots, position, num_prompt, model.shape.context_tokens)
            logits = step(decoder, tree.tokens[..., -1], hidden, memory, position)
    return tree.tokens[:, 0, num_prompt:].cpu().numpy().astype(np.int32)


def check_beams(model: Llama, beams: int) -> None:
    """Raise unless there are as many first tokens as beams."""
    if not 1 <= beams <= model.shape.vocab_size:
        raise HeirloomError(f"beams is {beams}: it must be at least 1 and at most the vocabulary's {model.shape.vocab_size} tokens")


@dataclass(frozen=True)
class Tree:
    """The beams of each prompt, the best one first.

    Parameters
    ----------
    tokens
        The prompt and what each beam has written, (B, K, T).
    score
        Summed log-probability of what it has written, (B, K).
    slots
        Which slots of keys and values are its own, (B, K, S).
    """

    tokens: Tensor
    score: Tensor
    slots: Tensor

    @classmethod
    def of(cls, prompts: Tensor, beams: int) -> Tree:
        """Return the beams of prompts (B, P) before the first token, which are one."""
        score = torch.full((len(prompts), beams), -math.inf, device=prompts.device)
        score[:, 0] = 0.0
        slots = torch.ones((len(prompts), beams, prompts.shape[1]), dtype=torch.bool, device=prompts.device)
        return cls(prompts[:, None].expand(-1, beams, -1), score, slots)

    def candidates(self, scores: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return score, beam and token of the best continuations by one token, (B, count) each, given the scores (B, K, V) of theirs."""
        total = self.score[..., None] + scores
        score, place = total.flatten(1).topk(count)
        return score, place // total.shape[-1], place % total.shape[-1]

    def grown(self, score: Tensor, parent: Tensor, token: Tensor) -> Tree:
        """Return the beams that continue ``parent`` by ``token``, (B, K) each."""
        new_slots = torch.eye(parent.shape[1], dtype=torch.bool, device=parent.device).expand(len(parent), -1, -1)
        tokens = torch.cat([of_parents(self.tokens, parent), token[..., None]], dim=-1)
        return Tree(tokens, score, torch.cat([of_parents(self.slots, parent), new_slots], dim=-1))


def of_parents(x: Tensor, parent: Tensor) -> Tensor:
    """Return of ``x`` (B, K, T) the rows of the beams that are continued, ``parent`` (B, K)."""
    return x.gather(1, parent[..., None].expand(-1, -1, x.shape[-1]))


def hidden_slots(slots: Tensor, position: int, num_prompt: int, context_tokens: int) -> Tensor:
    """Return 0 for each slot that a beam may read and minus infinity for the others, (B, 1, K, S): its own and near enough."""
    beams = slots.shape[1]
    positions = torch.cat([torch.arange(num_prompt), torch.arange(num_prompt, position + 1).repeat_interleave(beams)])
    visible = slots & (positions > position - context_tokens).to(slots.device)
    return torch.where(visible, 0.0, -math.inf)[:, None]


def step(model: Decoder, token: Tensor, hidden: Tensor, memory: Tensor, position: int) -> Tensor:
    """Store the beams' newest tokens (B, K), all at one position, and return their logits (B, K, V)."""
    num_slots, beams = hidden.shape[-1], token.shape[1]
    turn = rotary(model.shape, position, 1, token.device)
    x = F.embedding(token, model.embedding)
    for layer, layer_memory in zip(model.stack, memory, strict=True):
        queries, keys, values = project(model.shape, layer, x, turn)
        layer_memory[0][:, :, num_slots - beams : num_slots] = keys
        layer_memory[1][:, :, num_slots - beams : num_slots] = values
        x = complete(model.shape, layer, x, attend(model.shape, queries, layer_memory[:, :, :, :num_slots], hidden))
    return model.output(x)
