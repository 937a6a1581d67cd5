"""Measure a causal language model: what all text families report, and perplexity taken apart as the publication's recipe needs it.

A block is a row. ``test_perplexity`` is exp(nats of all predicted tokens / their number), all blocks together: every row of T tokens has
T - 1 predicted ones. The others say what that number hides: how blocks differ, what the publication's code would have printed, and what
the tokens that a recipe bans from being written contribute.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from heirloom.dataset import Dataset
from heirloom.families import minibatches, text
from heirloom.families.base import Measuring, Sets
from heirloom.families.causal_lm import scoring
from heirloom.families.causal_lm.model import CausalLM
from heirloom.measures.perplexity import batch_mean_perplexity
from heirloom.measures.text import perplexity, perplexity_quantiles, row_perplexities
from heirloom.streams import Stream


def evaluate(model: CausalLM, sets: Sets, origin: CausalLM, measuring: Measuring, stream: Stream) -> dict[str, float]:
    """Return this generation's measures by name; ``chunk_rows`` is also the batch of the publication's batch-mean perplexity."""
    minibatches.use_deterministic_kernels()
    own = replace(measuring, vocab_size=model.vocab_size)
    return {
        **_held_out(model, sets.held_out, measuring.chunk_rows),
        "end_token_share": _share(sets.sample, model.end_ids),
        **text.describe(lambda rows: scoring.row_losses(origin, rows), sets, own),
    }


def log_likelihoods(model: CausalLM, rows: Dataset, chunk_rows: int) -> NDArray[np.float64]:
    """Return each row's log-likelihood in nats over its tokens but the first, shape (1, N)."""
    return text.log_likelihoods(lambda tokens_BT: scoring.row_losses(model, tokens_BT), rows, chunk_rows)


def _held_out(model: CausalLM, held_out: Dataset, chunk_rows: int) -> dict[str, float]:
    nats_NT, ends_NT = _scored(model, held_out, chunk_rows)
    row_nats_N, width = nats_NT.sum(axis=1), nats_NT.shape[1]
    blocks_N = row_perplexities(row_nats_N, width)
    apart = {"end_tokens": nats_NT[ends_NT], "other_tokens": nats_NT[~ends_NT]}
    return {
        "test_perplexity": perplexity(float(row_nats_N.sum()), nats_NT.size),
        "test_perplexity.batch_mean": batch_mean_perplexity(row_nats_N, width, chunk_rows),
        **{f"test_perplexity.{name}": perplexity(float(nats.sum()), nats.size) for name, nats in apart.items() if nats.size},
        "test_block_perplexity.mean": float(blocks_N.mean()),
        **{f"test_block_perplexity.{name}": value for name, value in perplexity_quantiles(blocks_N).items()},
    }


def _scored(model: CausalLM, rows: Dataset, chunk_rows: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the nats of each predicted token, and whether it is an end token (of OPT also a row's start), both (N, T - 1)."""
    nats, ends = [], []
    for tokens_BT in rows.chunks("tokens", chunk_rows):
        nats.append(scoring.position_losses(model, tokens_BT))
        ends.append(np.isin(tokens_BT[:, 1:], model.end_ids))
    return np.concatenate(nats)[: rows.num_rows], np.concatenate(ends)[: rows.num_rows]


def _share(rows: Dataset, ids: list[int]) -> float:
    """Return the share of a set's tokens that are one of some ids."""
    return float(np.mean(np.concatenate([np.isin(tokens_BT, ids).mean(axis=1) for tokens_BT in rows.matrices("tokens")])))
