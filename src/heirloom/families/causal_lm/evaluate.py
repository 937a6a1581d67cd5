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

from heirloom.data.dataset import Dataset
from heirloom.families import minibatches, text
from heirloom.families.base import Measuring, Sets
from heirloom.families.causal_lm import scoring
from heirloom.families.causal_lm.model import CausalLM, load
from heirloom.measures.perplexity import batch_mean_perplexity
from heirloom.measures.text import count_tokens, perplexity, perplexity_quantiles, row_perplexities
from heirloom.runtime.streams import Stream


def evaluate(model: CausalLM, sets: Sets, origin: CausalLM, measuring: Measuring, stream: Stream) -> dict[str, float]:
    """Return this generation's measures by name; ``chunk_rows`` is also the batch of the publication's batch-mean perplexity."""
    minibatches.use_deterministic_kernels()
    settings = replace(measuring, vocab_size=model.vocab_size)
    ends_V = np.isin(np.arange(model.vocab_size), model.end_ids)
    nats = text.held_out_nats(partial(scoring.position_losses, model), sets, settings, ends_V.astype(np.int64))
    counts_V = count_tokens(sets.sample.matrices("tokens"), model.vocab_size)
    return {
        **_held_out(nats, measuring.chunk_rows),
        **_epochs(model, sets.held_out, measuring.chunk_rows, nats),
        **text.by_frequency(nats),
        "end_token_share": int(counts_V[ends_V].sum()) / int(counts_V.sum()),
        **text.describe(partial(scoring.position_losses, origin), sets, settings),
        **text.divergence(partial(scoring.features, origin), sets, settings, stream),
    }


def log_likelihoods(model: CausalLM, rows: Dataset, chunk_rows: int) -> NDArray[np.float64]:
    """Return each row's log-likelihood in nats over its tokens but the first, shape (1, N)."""
    return text.log_likelihoods(partial(scoring.position_losses, model), rows, chunk_rows)


def _held_out(nats: text.Nats, chunk_rows: int) -> dict[str, float]:
    blocks_N, by_end = row_perplexities(nats.by_row, nats.width), nats.by_group[1]
    measures = {
        "test_perplexity": perplexity(float(nats.by_row.sum()), nats.num_tokens),
        "test_perplexity.batch_mean": batch_mean_perplexity(nats.by_row, nats.width, chunk_rows),
        "test_block_perplexity.mean": float(blocks_N.mean()),
    }
    for is_end, total in by_end.totals.items():
        name = "end_tokens" if is_end else "other_tokens"
        measures[f"test_perplexity.{name}"] = perplexity(total, int(by_end.counts[is_end]))
    quantiles = perplexity_quantiles(blocks_N)
    return measures | {f"test_block_perplexity.{name}": value for name, value in quantiles.items()}


def _epochs(model: CausalLM, held_out: Dataset, chunk_rows: int, nats: text.Nats) -> dict[str, float]:
    """Return the best epoch's number and the last epoch's test perplexity, where the training was asked for both."""
    if model.epochs is None:
        return {}
    folder = model.epochs.saved_last
    if folder is not None:
        nats = text.row_nats(partial(scoring.position_losses, load(folder)), held_out, chunk_rows)
    last_perplexity = perplexity(float(nats.by_row.sum()), nats.num_tokens)
    return {"best_epoch": float(model.epochs.best), "test_perplexity.last_epoch": last_perplexity}
