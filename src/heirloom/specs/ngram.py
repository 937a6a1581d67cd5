"""The `ngram` family in config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from heirloom.specs.base import PROMPTS, Prompts, TextSampling, Training
from heirloom.specs.declaration import TextFamily
from heirloom.specs.model_size import ModelSize

if TYPE_CHECKING:
    from heirloom.specs.text import TextSettings


class NgramFit(Training):
    """How one generation of an n-gram model is fitted."""

    order: int
    vocab_size: int


class NgramTraining(Training):
    """How an n-gram model is fitted."""

    order: int = Field(3, ge=1, le=8, description="Length of the longest n-gram, in tokens.")

    def fit_settings(self, generation: int, text: TextSettings | None) -> NgramFit:
        """Return the settings of one generation's fit: the same for all."""
        if text is None or text.vocab_size is None:
            raise ValueError("an n-gram model needs a text source with a vocab_size")
        return NgramFit(order=self.order, vocab_size=text.vocab_size)


class NgramSampling(TextSampling):
    """How an n-gram model writes."""

    prompts: Prompts = PROMPTS

    @property
    def continues_rows(self) -> bool:
        """Whether a synthetic row continues an original one."""
        return self.prompts == "original"


class Ngram(TextFamily):
    """An interpolated n-gram model over tokens: the text family that needs no torch."""

    abilities = frozenset({"weigh", "select", "edit", "edit_pairs", "pairs"})

    name: Literal["ngram"]
    training: NgramTraining = NgramTraining()
    sampling: NgramSampling = NgramSampling()

    def size(self, rows: int, row_numbers: int, vocabulary: int) -> ModelSize:
        """Return the size of a model: a count for each length and place of an n-gram, at most."""
        return ModelSize(self.training.order * rows * row_numbers, vocabulary=vocabulary)
