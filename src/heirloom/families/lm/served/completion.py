"""Completions that a server writes: one request per row, whose seed is the first of the row's own numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from heirloom.data import ragged
from heirloom.data.pairs import Limit, Prompts
from heirloom.errors import HeirloomError
from heirloom.families.lm import pairs
from heirloom.families.lm.network import Network
from heirloom.families.lm.served.client import Answer, Client, Request
from heirloom.families.lm.served.probe import SEEDS, probe, prompt_lists, written
from heirloom.families.lm.served.server import client_of
from heirloom.runtime.streams import Stream
from heirloom.specs.decoding import Decoding

if TYPE_CHECKING:
    from tokenizers import Tokenizer


class Place(NamedTuple):
    """What a server is given: a checkpoint, its tokenizer, and what the tokenizer's manifest says of it."""

    checkpoint: Path
    tokenizer: Path
    record: Mapping[str, Any]


@dataclass(frozen=True)
class Served:
    """A server that completes prompts in a model's place (`abilities.Completer`).

    Attributes
    ----------
    record
        What the manifest says of it.
    """

    client: Client
    tokenizer: Tokenizer
    record: Mapping[str, Any]

    def complete(
        self, model: Network, prompts: Iterable[Prompts], limit: Limit, settings: Decoding, stream: Stream
    ) -> Iterator[NDArray[np.int32]]:
        """Yield the completions of each chunk of prompts (`lm.pairs.complete`)."""
        return pairs.complete(model, self._write, prompts, limit, stream)

    def _write(self, prompts_BP: NDArray[Any], limit: Limit, uniforms_BC: NDArray[np.float64]) -> NDArray[np.int32]:
        """Return completions (B, C). The last row of a chunk may be repeated to fill it up, and is asked for once."""
        prompts = [written(ids, self.client, self.tokenizer) for ids in prompt_lists(prompts_BP)]
        seeds = (uniforms_BC[:, 0] * SEEDS).astype(np.int64).tolist()
        requests = [Request(prompt, seed, limit.tokens) for prompt, seed in zip(prompts, seeds, strict=True)]
        different_requests = list(dict.fromkeys(requests))
        answers = dict(zip(different_requests, self.client.answers(different_requests), strict=True))
        return ragged.padded(ragged.of_sequences([tokens_of(answers[request], limit, self.tokenizer) for request in requests]))


@contextmanager
def served(
    place: Place, network: Network, prompts: Prompts, limit: Limit, settings: Decoding, tokenizer: Tokenizer, stream: Stream
) -> Iterator[Served]:
    """Yield a server that has been probed.

    Parameters
    ----------
    prompts
        Real prompts, after one of which the server is probed.
    stream
        Draws the seeds of the probe.

    Raises
    ------
    HeirloomError
        As `server.client_of` and `probe` do.
    """
    with client_of(place.checkpoint, place.tokenizer, place.record, settings) as client:
        seen = probe(client, network, prompt_lists(prompts.tokens), settings, tokenizer, limit.tokens, stream)
        endpoint = client.endpoint
        record = {
            "engine": endpoint.engine,
            "reproducible": "in bytes" if endpoint.repeats and seen.repeats else "in distribution, not in bytes",
            "probe": seen._asdict(),
        }
        yield Served(client, tokenizer, record)


def tokens_of(answer: Answer, limit: Limit, tokenizer: Tokenizer) -> list[int]:
    """Return the tokens of an answer: the server's, or those that its text is read as; an end token behind them where the model stopped.

    Raises
    ------
    HeirloomError
        If there is none.
    """
    tokens = list(answer.tokens) if answer.tokens is not None else tokenizer.encode(answer.text, add_special_tokens=False).ids
    if answer.is_ended and (not tokens or tokens[-1] not in limit.stops):
        tokens = [*tokens, limit.stops[0]]
    if not tokens:
        raise HeirloomError("a completion of the server is empty, and the model has not stopped")
    return tokens[: limit.tokens]
