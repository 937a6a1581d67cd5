"""The `ngram` family in config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from heirloom.specs.base import PROMPTS, Prompts, Strict

if TYPE_CHECKING:
    from heirloom.specs.source import TextSettings


class NgramFit(Strict):
    """How one generation of an n-gram model is fitted."""

    order: int
    vocab_size: int


class NgramTraining(Strict):
    """How an n-gram model is fitted."""

    order: int = Field(3, ge=1, le=8, description="Length of the longest n-gram, in tokens.")

    def fit(self, generation: int, text: TextSettings | None) -> NgramFit:
        """Return the settings of one generation's fit: the same for all."""
        if text is None or text.vocab_size is None:
            raise ValueError("an n-gram model needs a text source with a vocab_size")
        return NgramFit(order=self.order, vocab_size=text.vocab_size)


class NgramSampling(Strict):
    """How an n-gram model writes."""

    prompts: Prompts = PROMPTS


class Ngram(Strict):
    """An interpolated n-gram model over tokens: the text family that needs no torch."""

    name: Literal["ngram"]
    training: NgramTraining = NgramTraining()
    sampling: NgramSampling = NgramSampling()
