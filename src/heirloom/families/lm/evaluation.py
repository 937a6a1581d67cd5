"""Measure a language model: what all text families report, and perplexity taken apart as the publication's recipe needs it.

A block is a row. ``test_perplexity`` is exp(nats of all predicted tokens / their number), all blocks together: every row of T tokens has
T - 1 predicted ones. The others say what that number hides: how blocks differ, what the publication's code would have printed, and what
the tokens that a recipe bans from being written contribute.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from heirloom.families import text
from heirloom.families.base import Measuring, Sets
from heirloom.families.lm import epochs, scoring
from heirloom.families.lm.network import Network
from heirloom.measures.perplexity import batch_mean_perplexity
from heirloom.measures.text import count_tokens, perplexity, perplexity_quantiles, row_perplexities
from heirloom.runtime.streams import Stream

Load = Callable[[Path], Any]
"""What opens a checkpoint."""


def evaluate(
    network: Network, sets: Sets, origin: Network, measuring: Measuring, stream: Stream, load: Load, by_block: bool
) -> dict[str, float]:
    """Return a generation's measures by name.

    Parameters
    ----------
    load
        Opens the last epoch's checkpoint, where the training kept it beside the best epoch's.
    by_block
        Whether perplexity is taken apart, too. ``chunk_rows`` is also the batch of the publication's batch-mean perplexity.
    """
    settings = replace(measuring, vocab_size=network.vocab_size)
    ends_V = np.isin(np.arange(network.vocab_size), network.end_ids)
    nats = text.held_out_nats(partial(scoring.position_losses, network), sets, settings, ends_V.astype(np.int64))
    test_perplexity = perplexity(float(nats.by_row.sum()), nats.num_tokens)

    def perplexity_of(folder: Path) -> float:
        scored = text.row_nats(partial(scoring.position_losses, load(folder)), sets.held_out, measuring.chunk_rows)
        return perplexity(float(scored.by_row.sum()), scored.num_tokens)

    measures = {
        "test_perplexity": test_perplexity,
        **epochs.measures(network.epochs, test_perplexity, perplexity_of),
        **text.by_frequency(nats),
        **text.describe(partial(scoring.position_losses, origin), sets, settings),
        **text.divergence(partial(scoring.features, origin), sets, settings, stream),
    }
    if by_block:
        counts_V = count_tokens(sets.sample.matrices("tokens"), network.vocab_size)
        measures["end_token_share"] = int(counts_V[ends_V].sum()) / int(counts_V.sum())
        measures |= _by_block(nats, measuring.chunk_rows)
    return measures


def _by_block(nats: text.Nats, chunk_rows: int) -> dict[str, float]:
    """Return how the perplexity of held-out blocks differs, and what their end tokens contribute."""
    blocks_N, by_end = row_perplexities(nats.by_row, nats.width), nats.by_group[1]
    measures = {
        "test_perplexity.batch_mean": batch_mean_perplexity(nats.by_row, nats.width, chunk_rows),
        "test_block_perplexity.mean": float(blocks_N.mean()),
    }
    for is_end, total in by_end.totals.items():
        name = "end_tokens" if is_end else "other_tokens"
        measures[f"test_perplexity.{name}"] = perplexity(total, int(by_end.counts[is_end]))
    quantiles = perplexity_quantiles(blocks_N)
    return measures | {f"test_block_perplexity.{name}": value for name, value in quantiles.items()}
