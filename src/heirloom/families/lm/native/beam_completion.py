"""Completing prompts of unequal length by beam search: a beam that writes an end token is finished, and the others go on.

Of the finished completions the one of highest mean log-probability per token is taken; its end token counts. A search ends where the best
beam that still writes has a lower mean than all finished ones, as in `transformers` by default (``early_stopping=False``,
``length_penalty=1``), which finds the same tokens.

Legend of shapes: B rows, P tokens of the longest prompt, K beams, M candidates, N tokens of a completion at most.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heirloom.data import ragged
from heirloom.data.pairs import Limit
from heirloom.families.lm.decoding import Decoding, steered
from heirloom.families.lm.native import beams as search
from heirloom.families.lm.native.beams import Tree
from heirloom.families.lm.native.completion import check_context, read_padded
from heirloom.families.lm.native.generation import Decoder, check_finite, room
from heirloom.families.lm.native.model import Llama
from heirloom.specs.decoding import Precision

LOWEST = -1e9  # what `transformers` takes for minus infinity


@dataclass(frozen=True)
class Finished:
    """The finished completions of each prompt, the best one first.

    Parameters
    ----------
    tokens
        Padding behind each, (B, K, N).
    score
        Mean log-probability of a token, (B, K); `LOWEST` where there is none yet.
    is_open
        Whether a beam that still writes may be better than one of them, (B, 1).
    """

    tokens: Tensor
    score: Tensor
    is_open: Tensor

    @classmethod
    def of(cls, num_rows: int, beams: int, num_new: int, device: torch.device) -> Finished:
        """Return the completions before the first token, which are none."""
        return cls(
            tokens=torch.full((num_rows, beams, num_new), ragged.PADDING, device=device),
            score=torch.full((num_rows, beams), LOWEST, device=device),
            is_open=torch.ones((num_rows, 1), dtype=torch.bool, device=device),
        )

    def joined(self, tokens: Tensor, score: Tensor, is_new: Tensor) -> Finished:
        """Return the best of these and of candidates (B, M, n) that are new; ``score`` (B, M) is their mean log-probability."""
        padded = torch.nn.functional.pad(tokens, (0, self.tokens.shape[-1] - tokens.shape[-1]), value=ragged.PADDING)
        new_score = score.masked_fill(~(is_new & self.is_open), LOWEST)
        best, places = torch.cat([self.score, new_score], dim=1).topk(self.score.shape[1])
        return replace(self, tokens=search.of_parents(torch.cat([self.tokens, padded], dim=1), places), score=best)

    def closed(self, best_mean: Tensor) -> Finished:
        """Return these, and no longer open where the best beam that still writes, (B, 1), has a lower mean than all of them."""
        return replace(self, is_open=self.is_open & (best_mean > self.score.amin(dim=1, keepdim=True)))


@torch.inference_mode()
def complete_prompts(
    model: Llama,
    beams: int,
    prompts_BP: NDArray[Any],
    limit: Limit,
    uniforms_BC: NDArray[np.float64],
    decoding: Decoding,
    precision: Precision = "float32",
) -> NDArray[np.int32]:
    """Complete each prompt by the completion that a beam search finds likeliest per token: shape (B, at most C), padding behind.

    Parameters
    ----------
    beams
        Completions kept of each prompt, K.
    prompts_BP
        Token ids, padding before each prompt, (B, P).
    uniforms_BC
        Left unused: a search draws nothing.
    decoding
        Its penalty.

    Raises
    ------
    HeirloomError
        If a prompt and its completion are longer than the context, there are more beams than tokens, or the logits are not numbers.
    """
    (num_rows, num_prompt), num_new = prompts_BP.shape, limit.tokens
    check_context(model, num_prompt, num_new)
    search.check_beams(model, beams)
    decoder, device = Decoder.of(model, precision), model.device
    prompts, is_token = (torch.from_numpy(part).to(device) for part in ragged.fed(prompts_BP))
    stops = torch.tensor(limit.stops, device=device)
    memory = room(decoder, num_rows, num_prompt + num_new * beams)
    logits = read_padded(decoder, prompts, is_token, memory)[:, None].expand(-1, beams, -1)
    tree, finished = _before_the_first_token(prompts, is_token, beams), Finished.of(num_rows, beams, num_new, device)
    for number in range(num_new):
        check_finite(logits, number)
        scores = steered(logits.log_softmax(dim=-1), tree.tokens, decoding)
        tree, finished = _step(tree, finished, scores, stops, number)
        if number + 1 == num_new or not bool(finished.is_open.any()):
            break
        position = num_prompt + number
        hidden = search.hidden_slots(tree.slots, position, num_prompt, model.shape.context_tokens)
        logits = search.step(decoder, tree.tokens[..., -1], hidden, memory, position)
    return finished.tokens[:, 0, : number + 1].cpu().numpy().astype(np.int32)


def _step(tree: Tree, finished: Finished, scores: Tensor, stops: Tensor, number: int) -> tuple[Tree, Finished]:
    """Return the beams that go on after new token ``number``, and what is finished then, given the scores (B, K, V) of that token."""
    (_, beams, num_new), num_written = finished.tokens.shape, number + 1
    num_candidates = min(max(2, 1 + len(stops)) * beams, scores[0].numel())
    score, parent, token = tree.candidates(scores, num_candidates)
    tokens = torch.cat([search.of_parents(tree.tokens, parent), token[..., None]], dim=-1)[..., -num_written:]
    is_end = torch.isin(token, stops)
    is_new = is_end | (num_written == num_new)
    is_new[:, beams:] = False  # the others only stand in for those that end
    finished = finished.joined(tokens, score / num_written, is_new)
    kept_score, places = (score + is_end * LOWEST).topk(beams)
    tree = tree.grown(kept_score, parent.gather(1, places), token.gather(1, places))
    return tree, finished.closed(kept_score[:, :1] / num_written)


def _before_the_first_token(prompts: Tensor, is_token: Tensor, beams: int) -> Tree:
    """Return the beams of prompts (B, P), which are one; none reads padding."""
    tree = Tree.of(prompts, beams)
    return replace(tree, score=tree.score.clamp(min=LOWEST), slots=is_token[:, None].expand(-1, beams, -1))
