"""How a model's answers compare with those that people gave: the same, the same words, the same words in the same order; and how they end.

Words are those of `heirloom.words`, of any script, and numbers: a score that drops every letter outside a to z, as rouge-score's tokeniser
does, is 0 for two equal sentences of Hindi. A text is whole here, so that a word at its beginning or end counts.

Shapes: N answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from heirloom.errors import HeirloomError

NONNEGATIVE = (
    *("stop_rate", "exact_match", "token_f1", "rouge_l", "completion_tokens"),
    *("test_stop_rate", "test_exact_match", "test_token_f1", "test_rouge_l", "test_completion_tokens"),
    *("chance_exact_match", "chance_token_f1", "chance_rouge_l"),
)
"""Measures of answers that are 0 or above (`measures.scales`)."""

BULK = {"stop_rate": -1, "test_exact_match": -1, "test_token_f1": -1}
"""Measures whose loss is late collapse (`measures.stages`)."""

_NUMBER = r"\p{Nd}+(?:[.,:]\p{Nd}+)*+"
_QUANTILES = {"median": 0.5, "q05": 0.05, "q95": 0.95}


def word_list(text: str) -> list[str]:
    """Return the words and numbers of a whole text, in order, spelled as they are compared; of one without any, what spaces part."""
    import regex  # by the job that needs it: every step reads the names above

    from heirloom import words

    places = [(span.start, span.word) for span in words.spans(f" {text} ")]
    places += [(match.start(), match.group()) for match in regex.finditer(_NUMBER, f" {text} ")]
    return [word for _, word in sorted(places)] or text.split()


def exact_match(answer: Sequence[str], reference: Sequence[str]) -> float:
    """Return 1.0 if both are the same words in the same order, else 0.0: case, punctuation and spaces do not count.

    Rajpurkar et al. 2016, "SQuAD: 100,000+ questions for machine comprehension of text", section 6.1 (which also drops English articles; a
    word is a word here, whatever the language).

    Parameters
    ----------
    answer, reference
        Words, as `word_list` returns them.
    """
    return float(list(answer) == list(reference))


def token_f1(answer: Sequence[str], reference: Sequence[str]) -> float:
    """Return the harmonic mean of precision and recall of the answer's words as a bag, in [0, 1]; 1.0 of two texts without words.

    With c words in both (each as often as in the one that has it less), F1 = 2 c / (|answer| + |reference|): Rajpurkar et al. 2016, section
    6.1. Parameters as in `exact_match`.
    """
    if not answer and not reference:
        return 1.0
    num_common = (Counter(answer) & Counter(reference)).total()
    return 2 * num_common / (len(answer) + len(reference))


def rouge_l(answer: Sequence[str], reference: Sequence[str]) -> float:
    """Return ROUGE-L, the F1 of the longest common subsequence of words, in [0, 1]; 1.0 of two texts without words.

    With L its length, 2 L / (|answer| + |reference|): Lin 2004, "ROUGE: a package for automatic evaluation of summaries", equations 2 to 4
    with beta = 1. Parameters as in `exact_match`.
    """
    from rapidfuzz.distance import LCSseq

    if not answer and not reference:
        return 1.0
    return 2 * LCSseq.similarity(answer, reference) / (len(answer) + len(reference))


class Scores:
    """Means of the three scores over answers that come one after another."""

    def __init__(self) -> None:
        self._sums = dict.fromkeys(("exact_match", "token_f1", "rouge_l"), 0.0)
        self._count = 0

    def add(self, answer: str, reference: str) -> None:
        """Take an answer and what a human answered."""
        both = word_list(answer), word_list(reference)
        for score in (exact_match, token_f1, rouge_l):
            self._sums[score.__name__] += score(*both)
        self._count += 1

    @property
    def means(self) -> dict[str, float]:
        """Score → its mean.

        Raises
        ------
        HeirloomError
            If there is no answer.
        """
        if not self._count:
            raise HeirloomError("comparing answers needs at least one, got none")
        return {name: total / self._count for name, total in self._sums.items()}


def stop_rate(stopped: ArrayLike) -> float:
    """Return the share of answers that end with an end token rather than at the limit, in [0, 1].

    Parameters
    ----------
    stopped
        Of each answer whether it does, shape (N,).

    Raises
    ------
    HeirloomError
        If there is no answer.
    """
    stopped_N = np.asarray(stopped, dtype=bool)
    if not stopped_N.size:
        raise HeirloomError("a stop rate needs at least one answer, got none")
    return float(stopped_N.mean())


def lengths(tokens: ArrayLike) -> dict[str, float]:
    """Return the mean length of answers in tokens, end token included, and its median, 5 % and 95 % quantile (linear interpolation).

    Parameters
    ----------
    tokens
        Tokens of each, shape (N,).

    Raises
    ------
    HeirloomError
        If there is no answer.
    """
    tokens_N = np.asarray(tokens, dtype=np.float64)
    if not tokens_N.size:
        raise HeirloomError("lengths need at least one answer, got none")
    return {"mean": float(tokens_N.mean()), **{name: float(np.quantile(tokens_N, share)) for name, share in _QUANTILES.items()}}
