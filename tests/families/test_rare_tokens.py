"""Rare tokens count when a token is drawn: probabilities are added in float64, whichever library adds them."""

from __future__ import annotations

import math

import torch

from heirloom.families.lm.decoding import BLOCK, Decoding, draw_tokens

RARE = 2.0**-30  # float32 loses it when it is added to 1


def test_tokens_of_a_billionth_are_drawn_as_often_as_they_are_likely() -> None:
    """In a block of one likely token and 63 rare ones, the middle of each rare token's share of the uniforms draws that token."""
    logits = torch.full((BLOCK - 1, BLOCK), math.log(RARE))
    logits[:, 0] = 0.0
    rare_tokens = torch.arange(1, BLOCK)
    total = 1 + (BLOCK - 1) * RARE
    middles = (1 + (rare_tokens.double() - 0.5) * RARE) / total
    assert torch.equal(draw_tokens(logits, middles, Decoding()), rare_tokens)


def test_many_rare_tokens_in_a_block_of_their_own_are_reached() -> None:
    """The second block holds 64 rare tokens: a uniform in the middle of one's share draws it, and one below them the likely token."""
    logits = torch.full((BLOCK, 2 * BLOCK), -math.inf)
    logits[:, 0] = 0.0
    logits[:, BLOCK:] = math.log(RARE)
    rare_tokens = torch.arange(BLOCK, 2 * BLOCK)
    total = 1 + BLOCK * RARE
    middles = (1 + (rare_tokens.double() - BLOCK + 0.5) * RARE) / total
    assert torch.equal(draw_tokens(logits, middles, Decoding()), rare_tokens)
    assert draw_tokens(logits[:1], torch.tensor([0.9]).double(), Decoding()).tolist() == [0]
