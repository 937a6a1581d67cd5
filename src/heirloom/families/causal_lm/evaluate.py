"""Measure a causal language model: what all text families report, and perplexity taken apart as the publication's recipe needs it.

A block is a row. ``test_perplexity`` is exp(nats of all predicted tokens / their number), all blocks together: every row of T tokens has
T - 1 predicted ones. The others say what that number hides: how blocks differ, what the publication's code would have printed, and what
the tokens that a recipe bans from being written contribute.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from heirloom.dataset import Dataset
from heirloom.families import minibatches, text
from heirloom.families.base import Measuring, Sets
from heirloom.families.causal_lm import scoring
from heirloom.families.causal_lm.model import CausalLM, load
from heirloom.measures.perplexity import batch_mean_perplexity
from heirloom.measures.text import perplexity, perplexity_quantiles, row_perplexities
from heirloom.streams import Stream


def evaluate(model: CausalLM, sets: Sets, origin: CausalLM, measuring: Measuring, stream: Stream) -> dict[str, float]:
    """Return this generation's measures by name; ``chunk_rows`` is also the batch of the publication's batch-mean perplexity."""
    minibatches.use_deterministic_kernels()
    own = replace(measuring, vocab_size=model.vocab_size)
    nats_NT = text.scored(partial(scoring.position_losses, model), sets.held_out, measuring.chunk_rows)
    return {
        **_held_out(nats_NT, _ends(sets.held_out, model.end_ids)[:, 1:], measuring.chunk_rows),
        **_epochs(model, sets.held_out, measuring.chunk_rows, nats_NT),
        **text.by_frequency(nats_NT, sets, own),
        "end_token_share": float(_ends(sets.sample, model.end_ids).mean()),
        **text.describe(partial(scoring.position_losses, origin), sets, own),
        **text.divergence(partial(scoring.features, origin), sets, own, stream),
    }


def log_likelihoods(model: CausalLM, rows: Dataset, chunk_rows: int) -> NDArray[np.float64]:
    """Return each row's log-likelihood in nats over its tokens but the first, shape (1, N)."""
    return text.log_likelihoods(partial(scoring.position_losses, model), rows, chunk_rows)


def _held_out(nats_NT: NDArray[np.float64], ends_NT: NDArray[np.bool_], chunk_rows: int) -> dict[str, float]:
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


def _epochs(model: CausalLM, held_out: Dataset, chunk_rows: int, nats_NT: NDArray[np.float64]) -> dict[str, float]:
    """Return the best epoch's number and the last epoch's test perplexity, where the training was asked for both."""
    if model.epochs is None:
        return {}
    if (folder := model.epochs.saved_last) is not None:
        nats_NT = text.scored(partial(scoring.position_losses, load(folder)), held_out, chunk_rows)
    last = perplexity(float(nats_NT.sum(axis=1).sum()), nats_NT.size)
    return {"best_epoch": float(model.epochs.best), "test_perplexity.last_epoch": last}


def _ends(rows: Dataset, end_ids: list[int]) -> NDArray[np.bool_]:
    """Return whether each token is an end token (of OPT also a row's start), (N, T)."""
    return np.concatenate([np.isin(tokens_BT, end_ids) for tokens_BT in rows.matrices("tokens")])
