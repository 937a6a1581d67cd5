"""The `causal_lm` family in config: any causal language model that `transformers` opens, fine-tuned generation after generation.

The defaults are the language-model recipe of Shumailov et al. (2024), "AI models collapse when trained on recursively generated data",
with the readings of docs/language-models.md where the publication leaves a choice.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from heirloom.specs.base import Many, Strict, Training
from heirloom.specs.declaration import TextFamily
from heirloom.specs.decoding import Decoding, Precision
from heirloom.specs.model_size import ModelSize
from heirloom.specs.pretrained import Pretrained
from heirloom.specs.sizes import MOST_BATCH_ROWS, MOST_EPOCHS, MOST_ROWS, MOST_WIDTH

if TYPE_CHECKING:
    from heirloom.specs.text import TextSettings

UNKNOWN = ModelSize(parameters=125_239_296, layers=12, width=768, vocabulary=50_272)
"""What a pretrained model is taken to be before anybody has seen it: OPT-125m, the publication's."""


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


class CausalTraining(Training):
    """How one generation is fine-tuned."""

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
    best_epoch: Literal["real", "synthetic", "last"] = Field(
        "real",
        description="Which epoch's weights are kept: that of lowest loss on the `real` validation split, on a held-out share of the "
        "generation's own training set (`synthetic`), or the `last`.",
    )
    last_epoch: bool = Field(
        False,
        description="Whether the last epoch's weights are saved beside the best epoch's (in `last_epoch/` of the checkpoint, where the two "
        "differ) and scored on the same held-out rows: `test_perplexity.last_epoch`, and `best_epoch`, the number of the best.",
    )
    validation_share: float = Field(
        0.05, gt=0.0, le=0.99, description="With `best_epoch: synthetic`, share of the training set that is held out (0 to 0.99)."
    )
    validation_rows: int | None = Field(
        None, ge=1, le=MOST_ROWS, description="At most this many validation rows are scored an epoch; null scores all."
    )
    lora: Lora | None = Field(None, description="Train adapters in place of all weights; null trains all weights.")

    @model_validator(mode="after")
    def _adapters_have_a_base(self) -> Self:
        if self.lora and self.start == "scratch":
            raise ValueError("lora needs trained weights to adapt; with `start: scratch` leave it out")
        if self.lora and self.lora.checkpoint == "adapter" and self.start != "pretrained":
            raise ValueError("lora.checkpoint: adapter needs `start: pretrained`; with other starts save merged checkpoints")
        return self

    @model_validator(mode="after")
    def _last_epoch_has_a_rival(self) -> Self:
        if self.last_epoch and self.best_epoch == "last":
            raise ValueError("last_epoch reports the last epoch beside the best; with `best_epoch: last` it is the only one: leave it out")
        return self

    @property
    def begins_from(self) -> Literal["scratch", "pretrained", "origin", "previous"]:
        """Weights that the training begins from."""
        return self.start

    def held_out_rows(self, num_rows: int) -> int:
        """Return how many of a training set's rows choose the epoch and are not trained on."""
        return max(1, round(self.validation_share * num_rows)) if self.best_epoch == "synthetic" else 0

    def fit_settings(self, generation: int, text: TextSettings | None) -> CausalTraining:
        """Return one generation's fit: generation 0 has no earlier model to start from."""
        inherits = self.start in ("origin", "previous")
        return self if generation or not inherits else self.model_copy(update={"start": "pretrained"})


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


class CausalLM(TextFamily):
    """Any causal language model that `transformers` opens, with its own tokenizer."""

    abilities = frozenset({"weigh", "select", "resume", "validate", "fetch", "share", "features", "gpu"})
    needs_torch = True
    library = "transformers"

    name: Literal["causal_lm"]
    model: Pretrained
    training: CausalTraining = CausalTraining()
    sampling: CausalSampling = CausalSampling()

    @property
    def fewest_rows(self) -> int:
        """Rows that a training needs: a batch, beside those that are held out."""
        batch_rows, share = self.training.batch_rows, self.training.validation_share
        most = math.ceil((batch_rows + 2) / (1.0 - share))
        candidates = range(most + 1)  # the rows that are trained on grow with the rows that there are
        return bisect_left(candidates, batch_rows, key=lambda rows: rows - self.training.held_out_rows(rows))

    @property
    def pretrained(self) -> Pretrained:
        """The pretrained model that generations begin from; with `start: scratch` its architecture alone."""
        return self.model

    @property
    def validates(self) -> bool:
        """Whether real rows that it is not trained on choose the epoch."""
        return self.training.best_epoch == "real"

    @property
    def batch_rows(self) -> int:
        """Rows in one forward pass of a training."""
        return self.training.micro_rows or self.training.batch_rows

    @property
    def saved_models(self) -> int:
        """Models that one checkpoint holds: the last epoch's beside the best one's, which may be the same."""
        return 2 if self.training.last_epoch else 1

    def passes(self, generation: int) -> int:
        """Return the epochs of a generation."""
        return self.training.epochs

    def size(self, rows: int, row_numbers: int, vocabulary: int) -> ModelSize:
        """Return the size that a model is taken to have before it is fetched."""
        return UNKNOWN
