"""The `transformer` family in config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from heirloom.specs.base import Strict
from heirloom.specs.decoding import Decoding, Precision
from heirloom.specs.language_model import EpochChoice, LanguageModel, Schedule
from heirloom.specs.model_size import ModelSize
from heirloom.specs.sizes import MOST_BATCH_ROWS, MOST_LAYERS, MOST_WIDTH

if TYPE_CHECKING:
    from heirloom.specs.text import TextSettings


class Architecture(Strict):
    """Shape of a Llama-architecture causal language model; the vocabulary is the tokenizer's."""

    hidden_size: int = Field(96, ge=8, le=MOST_WIDTH, description="Width of the residual stream (numbers a token).")
    num_layers: int = Field(2, ge=1, le=MOST_LAYERS, description="Transformer blocks.")
    num_heads: int = Field(3, ge=1, le=MOST_LAYERS, description="Attention heads; divides hidden_size into even parts.")
    intermediate_size: int = Field(256, ge=8, le=MOST_WIDTH, description="Width of the feed-forward layer (numbers a token).")

    @model_validator(mode="after")
    def _heads_divide_width(self) -> Self:
        if self.hidden_size % (2 * self.num_heads):
            raise ValueError(f"hidden_size {self.hidden_size} must be a multiple of 2 × num_heads = {2 * self.num_heads}")
        return self


class TransformerFit(EpochChoice):
    """How one generation of a transformer is trained."""

    architecture: Architecture
    vocab_size: int
    context_tokens: int
    schedule: Schedule
    start: Literal["scratch", "origin", "previous"]
    weight_decay: float
    warmup_share: float
    clip_norm: float
    micro_rows: int | None = None
    precision: Precision = "float32"

    @property
    def begins_from(self) -> Literal["scratch", "origin", "previous"]:
        """Weights that the training begins from."""
        return self.start


class TransformerTraining(EpochChoice):
    """How a transformer is trained, the origin and later generations apart."""

    architecture: Architecture = Architecture()
    origin: Schedule = Schedule(epochs=2, learning_rate=4e-3, batch_rows=16)
    generation: Schedule = Schedule(epochs=1, learning_rate=1e-3, batch_rows=16)
    start: Literal["scratch", "origin", "previous"] = Field(
        "origin",
        description="Weights a generation's training begins from: `scratch` (new random weights), `origin` (generation 0: real "
        "data lives on in its weights), `previous` (generation g-1).",
    )
    weight_decay: float = Field(0.1, ge=0.0, description="AdamW's decoupled weight decay.")
    warmup_share: float = Field(0.05, ge=0.0, lt=1.0, description="Share of the steps in which the learning rate rises from 0.")
    clip_norm: float = Field(1.0, gt=0.0, description="Largest norm of the gradient.")
    micro_rows: int | None = Field(
        None,
        ge=1,
        le=MOST_BATCH_ROWS,
        description="Rows in one forward pass; gradients add up to the batch. Null: the whole batch. Lower it to save memory.",
    )
    precision: Precision = Field("float32", description="Of matrix products in training; weights and sums stay float32.")

    @property
    def begins_from(self) -> Literal["scratch", "origin", "previous"]:
        """Weights that the training begins from."""
        return self.start

    def fit_settings(self, generation: int, text: TextSettings | None) -> TransformerFit:
        """Return one generation's fit: the origin's schedule and new weights, or the later generations' and their start."""
        if text is None or text.vocab_size is None:
            raise ValueError("a transformer needs a text source with a vocab_size")
        return TransformerFit(
            architecture=self.architecture,
            vocab_size=text.vocab_size,
            context_tokens=text.longest_row,
            schedule=self.generation.at(generation) if generation else self.origin.at(1),
            start=self.start if generation else "scratch",
            weight_decay=self.weight_decay,
            warmup_share=self.warmup_share,
            clip_norm=self.clip_norm,
            micro_rows=self.micro_rows,
            precision=self.precision,
            loss_on=self.loss_on,
            loss=self.loss,
            best_epoch=self.best_epoch,
            last_epoch=self.last_epoch,
            validation_share=self.validation_share,
            validation_rows=self.validation_rows,
        )


class Transformer(LanguageModel):
    """A small Llama-architecture language model trained from scratch."""

    abilities = frozenset({"weigh", "select", "edit", "edit_pairs", "repair", "resume", "validate", "share", "features", "gpu", "pairs"})

    name: Literal["transformer"]
    training: TransformerTraining = TransformerTraining()
    sampling: Decoding = Decoding()

    @property
    def batch_rows(self) -> int:
        """Rows in one forward pass of the origin's training."""
        return self.training.micro_rows or self.training.origin.batch_rows

    @property
    def fewest_rows(self) -> int:
        """Rows that a training needs: one, beside one that is held out."""
        return 2 if self.training.best_epoch == "synthetic" else 1

    def passes(self, generation: int) -> int:
        """Return the epochs of a generation."""
        return (self.training.generation if generation else self.training.origin).epochs

    def size(self, rows: int, row_numbers: int, vocabulary: int) -> ModelSize:
        """Return the size of a Llama-architecture model with tied embeddings: V E + L (4 E² + 3 E I + 2 E) + E parameters."""
        shape = self.training.architecture
        width, inner, layers = shape.hidden_size, shape.intermediate_size, shape.num_layers
        layer = 4 * width * width + 3 * width * inner + 2 * width
        return ModelSize(vocabulary * width + layers * layer + width, layers, width, vocabulary)
