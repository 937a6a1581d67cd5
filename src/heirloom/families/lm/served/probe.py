"""The probe before the first row: whether a server draws from the model's whole law, by seeds, and does as requests say.

Servers truncate by default, and some answer greedily whatever temperature and seed say. So first tokens after a flat prompt are compared
with the law that the checkpoint itself gives, which also finds another model, another tokenizer and fields that have no effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from heirloom.data.ragged import PADDING
from heirloom.errors import HeirloomError, short
from heirloom.families.lm.decoding import Decoding, steered
from heirloom.families.lm.network import Network
from heirloom.families.lm.served import law
from heirloom.families.lm.served.client import Answer, Client, Request
from heirloom.runtime.streams import Stream
from heirloom.specs.decoding import Decoding as Settings

if TYPE_CHECKING:
    from tokenizers import Tokenizer

SEEDS = 2**31
RARE = 1e-6
"""Chance with which a server that draws from the law is refused, about."""
_REPEATED = 8
"""Requests that are sent twice."""
_CANDIDATES = 256
"""Prompts among which the flattest is looked for."""


class Probe(NamedTuple):
    """What a server was seen to do.

    Attributes
    ----------
    repeats
        Whether the same seeds gave the same texts.
    distinct, expected_distinct, draws
        Different first tokens, how many the law makes expected, and of how many draws.
    p
        Of the test that they were drawn from the law.
    """

    repeats: bool
    distinct: int
    expected_distinct: float
    draws: int
    p: float


def probe(
    client: Client,
    network: Network,
    prompts: Sequence[list[int]],
    settings: Settings,
    tokenizer: Tokenizer,
    max_tokens: int,
    stream: Stream,
) -> Probe:
    """Return what a server was seen to do.

    Parameters
    ----------
    prompts
        Token ids of real prompts.
    max_tokens
        Tokens of a row at most.
    stream
        Draws the seeds.

    Raises
    ------
    HeirloomError
        If the server does not draw from the model's law, gives one text for all seeds, does not repeat a seed's text though the config says
        that it does, or writes more tokens than asked for.
    """
    decoding = Decoding.of(settings)
    ids, logits_V = _flattest(network, prompts, decoding)
    prompt = written(ids, client, tokenizer)
    first, second = _twice(client, prompt, max_tokens, stream)
    repeats = [answer.text for answer in first] == [answer.text for answer in second]
    if client.endpoint.repeats and not repeats:
        raise HeirloomError(f"{client.url}: {_difference(first, second)}; set sampling.endpoint.repeats: false, or lower concurrency")
    if settings.temperature and len({answer.text for answer in first}) == 1:
        raise HeirloomError(
            f"{client.url}: {_REPEATED} seeds give one text, {short(first[0].text)!r}: the seed has no effect, or nothing is drawn"
        )
    longest = max(answer.num_tokens or 0 for answer in first)
    if longest > max_tokens:
        raise HeirloomError(f"{client.url}: max_tokens is {max_tokens}, and a completion has {longest}: the field has no effect")
    seeds = stream.child("law").generator().integers(SEEDS, size=client.endpoint.probes)
    draws = [answer.text for answer in client.answers([Request(prompt, int(seed), 1) for seed in seeds])]
    first_texts = tokenizer.decode_batch([[token] for token in range(len(logits_V))], skip_special_tokens=True)
    comparison = law.compare(law.by_text(law.probabilities(logits_V, decoding), first_texts), draws)
    if comparison.p < RARE:
        raise HeirloomError(_refusal(client, comparison, len(draws), tokenizer.decode(ids)))
    return Probe(repeats, comparison.distinct, comparison.expected_distinct, len(draws), comparison.p)


def written(ids: Sequence[int], client: Client, tokenizer: Tokenizer) -> str | tuple[int, ...]:
    """Return a prompt as a request holds it.

    Raises
    ------
    HeirloomError
        If its text would be read as other tokens.
    """
    if client.endpoint.prompts == "tokens":
        return tuple(map(int, ids))
    text = tokenizer.decode(list(map(int, ids)), skip_special_tokens=False)
    if tokenizer.encode(text, add_special_tokens=False).ids != list(ids):
        raise HeirloomError(f"the prompt {short(text)!r} is read as other tokens than it has; use sampling.endpoint.prompts: tokens")
    return text


@torch.inference_mode()
def _flattest(network: Network, prompts: Sequence[list[int]], decoding: Decoding) -> tuple[list[int], NDArray[np.float64]]:
    """Return the prompt after which the next token is least certain, and its logits (V,)."""
    best: tuple[float, list[int], NDArray[np.float64]] | None = None
    for ids in prompts[:_CANDIDATES]:
        tokens = torch.tensor([ids], device=network.device)
        logits_V = steered(network.logits(tokens)[:, -1], tokens, decoding)[0].double().cpu().numpy()
        p_V = law.probabilities(logits_V, decoding)
        entropy = float(-(p_V[p_V > 0] * np.log(p_V[p_V > 0])).sum())
        if best is None or entropy > best[0]:
            best = entropy, list(ids), logits_V
    assert best is not None
    return best[1], best[2]


def _twice(client: Client, prompt: str | tuple[int, ...], max_tokens: int, stream: Stream) -> tuple[list[Answer], list[Answer]]:
    seeds = stream.child("seeds").generator().integers(SEEDS, size=_REPEATED)
    requests = [Request(prompt, int(seed), max_tokens) for seed in seeds]
    return list(client.answers(requests)), list(client.answers(requests))


def _difference(first: Sequence[Answer], second: Sequence[Answer]) -> str:
    pairs = [(one.text, other.text) for one, other in zip(first, second, strict=True) if one.text != other.text]
    one, other = pairs[0]
    return f"the same seed gives another text for {len(pairs)} of {len(first)} seeds, such as {short(one)!r} and {short(other)!r}"


def _refusal(client: Client, comparison: law.Comparison, draws: int, prompt: str) -> str:
    seen = f"{comparison.distinct} different ones in {draws} draws, where its law gives {comparison.expected_distinct:.0f}"
    causes = "it truncates, ignores a field, or serves another model or tokenizer"
    return f"{client.url}: first tokens after {short(prompt)!r} are not the model's ({seen}; p = {comparison.p:.1g}): {causes}"


def prompt_lists(prompts_BP: NDArray[Any]) -> list[list[int]]:
    """Return the token ids of prompts (B, P), the padding before them left out."""
    return [row[row != PADDING].tolist() for row in prompts_BP]
