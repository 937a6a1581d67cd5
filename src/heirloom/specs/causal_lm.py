"""The `causal_lm` family in config: any causal language model that `transformers` opens, fine-tuned generation after generation.

The defaults are the language-model recipe of Shumailov et al. (2024), "AI models collapse when trained on recursively generated data",
with the readings of docs/language-models.md where the publication leaves a choice.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, model_validator

from heirloom.specs import pretrained_size
from heirloom.specs.base import Many, Strict
from heirloom.specs.decoding import Decoding, Precision
from heirloom.specs.language_model import BestEpoch, EpochChoice, LanguageModel, Schedule, best_epoch
from heirloom.specs.model_size import ModelSize
from heirloom.specs.pretrained import Pretrained
from heirloom.specs.schedules import Scheduling
from heirloom.specs.sizes import MOST_BATCH_ROWS, MOST_EPOCHS, MOST_WIDTH

if TYPE_CHECKING:
    from heirloom.specs.text import TextSettings


class Lora(Strict):
    """Low-rank adapters (Hu et al. 2021) in place of whole matrices, for models that do not fit."""

    rank: int = Field(8, ge=1, le=MOST_WIDTH, description="Rank of each adapter.")
    alpha: int = Field(16, ge=1, le=MOST_WIDTH, description="Scale of an adapter is alpha / rank.")
    dropout: float = Field(0.0, ge=0.0, lt=1.0, description="Share of an adapter's inputs that are dropped in training (0 to 1).")
    targets: Literal["all-linear"] | Many[str] = Field(
        "all-linear", description="Names of the layers that are given an adapter; `all-linear` is every linear layer but the head."
    )
    checkpoint: Literal["merged", "adapter"] = Field(
        "merged",
        description="`merged`: adapters are added to the weights, and a checkpoint is a whole model. `adapter`: a checkpoint is the "
        "adapters alone and names the pretrained model by its fingerprint; it needs `start: pretrained`.",
    )


class CausalTraining(Scheduling, EpochChoice):
    """How one generation is fine-tuned."""

    scheduled: ClassVar[tuple[str, ...]] = ("learning_rate",)

    epochs: int = Field(5, ge=1, le=MOST_EPOCHS, description="Passes over the training set.")
    learning_rate: float = Field(2e-5, gt=0.0, description="Learning rate of AdamW in the first epoch.")
    final_learning_rate: float = Field(
        1e-6, ge=0.0, description="Where the cosine would end after the last epoch; the rate changes once an epoch."
    )
    batch_rows: int = Field(128, ge=1, le=MOST_BATCH_ROWS, description="Rows in one optimiser step.")
    micro_rows: int | None = Field(
        None,
        ge=1,
        le=MOST_BATCH_ROWS,
        description="Rows in one forward pass; gradients add up to the batch. Null: the whole batch. Lower it to save memory.",
    )
    weight_decay: float = Field(0.01, ge=0.0, description="AdamW's decoupled weight decay.")
    clip_norm: float | None = Field(None, gt=0.0, description="Largest norm of the gradient; null does not clip.")
    precision: Precision = Field("float32", description="Of matrix products in training; weights and sums stay float32.")
    start: Literal["scratch", "pretrained", "origin", "previous"] = Field(
        "pretrained",
        description="Weights a generation's training begins from: `scratch` (new random weights, generation 0 too), `pretrained` "
        "(family.model), `origin` (generation 0), `previous` (generation g-1). Generation 0 of the last two begins from `pretrained`.",
    )
    best_epoch: BestEpoch = best_epoch("real")
    origin: Schedule | None = Field(
        None, description="Epochs, learning rate and batch of generation 0 alone; null is as of later generations."
    )
    lora: Lora | None = Field(None, description="Train adapters in place of all weights; null trains all weights.")

    @model_validator(mode="after")
    def _adapters_have_a_base(self) -> Self:
        if self.lora and self.start == "scratch":
            raise ValueError("lora needs trained weights to adapt; with `start: scratch` leave it out")
        if self.lora and self.lora.checkpoint == "adapter" and self.start != "pretrained":
            raise ValueError("lora.checkpoint: adapter needs `start: pretrained`; with other starts save merged checkpoints")
        return self

    @property
    def begins_from(self) -> Literal["scratch", "pretrained", "origin", "previous"]:
        """Weights that the training begins from."""
        return self.start

    def schedule(self, generation: int) -> Schedule:
        """Return the schedule of a generation's training."""
        later = Schedule(epochs=self.epochs, learning_rate=self.learning_rate, batch_rows=self.batch_rows)
        return later if generation or self.origin is None else self.origin

    def fit_settings(self, generation: int, text: TextSettings | None) -> CausalTraining:
        """Return one generation's fit: the origin's schedule where it has one, and generation 0 has no earlier model to start from."""
        inherits = self.start in ("origin", "previous")
        start = "pretrained" if inherits and not generation else self.start
        schedule = self.at(generation).schedule(generation).at(1)
        return self.model_copy(update={**schedule.model_dump(), "schedules": {}, "origin": None, "start": start})


class CausalSampling(Decoding):
    """How a generation writes: each original row is a prompt, continued by as many tokens as it has."""

    engine: Literal["transformers", "native"] = Field(
        "transformers",
        description="What writes: `transformers`, with any architecture, or `native`, the project's own engine, with a Llama's: the same "
        "tokens up to rounding, beams in two thirds of the time.",
    )
    ban_end: bool = Field(
        True, description="Whether the model's end token is never written. Forcing a fixed number of new tokens bans it in most libraries."
    )

    @property
    def borrows_engine(self) -> bool:
        """Whether the project's own engine writes rows."""
        return self.engine == "native"


class CausalLM(LanguageModel):
    """Any causal language model that `transformers` opens, with its own tokenizer."""

    abilities = frozenset(
        {"weigh", "select", "edit", "edit_pairs", "repair", "resume", "validate", "fetch", "share", "features", "gpu", "pairs"}
    )

    name: Literal["causal_lm"]
    model: Pretrained
    training: CausalTraining = CausalTraining()
    sampling: CausalSampling = CausalSampling()

    @model_validator(mode="after")
    def _the_native_engine_reads_whole_weights(self) -> Self:
        if self.training.lora and self.training.lora.checkpoint == "adapter" and self.sampling.engine == "native":
            raise ValueError("sampling.engine: native reads whole weights; use lora.checkpoint: merged, or engine: transformers")
        return self

    @property
    def fewest_rows(self) -> int:
        """Rows that a training needs: a batch, beside those that are held out."""
        batch_rows, share = max(self.training.schedule(g).batch_rows for g in (0, 1)), self.training.validation_share
        most = math.ceil((batch_rows + 2) / (1.0 - share))
        candidates = range(most + 1)  # the rows that are trained on grow with the rows that there are
        return bisect_left(candidates, batch_rows, key=lambda rows: rows - self.training.held_out_rows(rows))

    @property
    def has_whole_weights(self) -> bool:
        """Whether a checkpoint holds all weights, and not adapters alone."""
        return self.training.lora is None or self.training.lora.checkpoint == "merged"

    @property
    def pretrained(self) -> Pretrained:
        """The pretrained model that generations begin from; with `start: scratch` its architecture alone."""
        return self.model

    @property
    def batch_rows(self) -> int:
        """Rows in one forward pass of a training."""
        return self.training.micro_rows or self.training.schedule(0).batch_rows

    def passes(self, generation: int) -> int:
        """Return the epochs of a generation."""
        return self.training.schedule(generation).epochs

    def size(self, rows: int, row_numbers: int, vocabulary: int) -> ModelSize:
        """Return the size of the pretrained model, or the one that it is taken to have before it is fetched."""
        return pretrained_size.size_of(self.model) or pretrained_size.GUESS
