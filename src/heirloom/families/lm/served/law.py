"""The law of a first token, by the model's own numbers, and whether what a server has drawn could be from it.

Legend of shapes: V tokens of the vocabulary, K texts that a first token can be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from heirloom.families.lm.decoding import Decoding

FEWEST_EXPECTED = 5.0
"""Draws that a text must be expected for, to stand by itself in the test (Cochran 1954); rarer ones are counted together."""


class Comparison(NamedTuple):
    """How draws compare with a law.

    Attributes
    ----------
    distinct, expected_distinct
        Different texts that were drawn, and how many are expected of so many draws.
    p
        Of Pearson's test that they were drawn from the law.
    """

    distinct: int
    expected_distinct: float
    p: float


def probabilities(logits_V: NDArray[np.float64], decoding: Decoding) -> NDArray[np.float64]:
    """Return the law of the next token under a decoding (`lm.decoding.draw_tokens`), shape (V,)."""
    if decoding.temperature == 0:
        return np.eye(len(logits_V))[int(logits_V.argmax())]
    scaled_V = (logits_V - logits_V.max()) / decoding.temperature
    order_V = np.argsort(-scaled_V, kind="stable")
    p_V = np.exp(scaled_V)[order_V]
    if decoding.top_k:
        p_V[decoding.top_k :] = 0.0
    p_V /= p_V.sum()
    p_V[np.cumsum(p_V) - p_V >= decoding.top_p] = 0.0
    law_V = np.empty_like(p_V)
    law_V[order_V] = p_V / p_V.sum()
    return law_V


def by_text(law_V: NDArray[np.float64], texts: Sequence[str]) -> dict[str, float]:
    """Return text → probability, blanks around it left out: half a character has the text of any other half."""
    law: dict[str, float] = {}
    for text, probability in zip(texts, law_V.tolist(), strict=True):
        law[text.strip()] = law.get(text.strip(), 0.0) + probability
    return law


def compare(law: dict[str, float], draws: Sequence[str]) -> Comparison:
    """Return how a server's first texts compare with a law.

    Two tests, of which p is twice the smaller p-value. Pearson's statistic (Pearson 1900) over texts that are expected at least
    `FEWEST_EXPECTED` times, and all others together. And too few different texts, of which n draws are expected to give the sum over texts
    of q = 1 - (1 - p)^n, with a variance of at most the sum of q (1 - q), by the normal law: it sees that rare texts are missing. A text
    that the law does not have has p 0.
    """
    from scipy.stats import chi2, norm

    counts, total = Counter(text.strip() for text in draws), len(draws)
    is_possible = all(law.get(text) for text in counts)
    p_K = np.array(list(law.values()))
    observed_K = np.array([counts[text] for text in law], dtype=np.float64)
    is_common_K = total * p_K >= FEWEST_EXPECTED
    expected = np.append(total * p_K[is_common_K], total * p_K[~is_common_K].sum())
    observed = np.append(observed_K[is_common_K], total - observed_K[is_common_K].sum())
    q_K = 1.0 - (1.0 - p_K) ** total
    expected_distinct, spread = float(q_K.sum()), float(np.sqrt((q_K * (1.0 - q_K)).sum()))
    if expected[-1] < FEWEST_EXPECTED and len(expected) > 1:  # too few for a cell of their own
        expected = np.append(expected[:-2], expected[-2:].sum())
        observed = np.append(observed[:-2], observed[-2:].sum())
    if not is_possible:
        return Comparison(len(counts), expected_distinct, 0.0)
    statistic = float(((observed - expected) ** 2 / expected).sum())
    p_of_counts = float(chi2.sf(statistic, len(expected) - 1)) if len(expected) > 1 else 1.0
    p_of_distinct = float(norm.cdf((len(counts) + 0.5 - expected_distinct) / spread)) if spread else 1.0
    return Comparison(len(counts), expected_distinct, min(1.0, 2 * p_of_counts, 2 * p_of_distinct))
