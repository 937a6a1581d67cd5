"""What both families of neural language models say in config: a schedule, and which epoch's weights are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from heirloom.specs.base import Training
from heirloom.specs.declaration import TextFamily
from heirloom.specs.loss import Loss
from heirloom.specs.schedules import Scheduling
from heirloom.specs.sizes import MOST_BATCH_ROWS, MOST_EPOCHS, MOST_ROWS


class Schedule(Scheduling):
    """One training: how long and how fast."""

    scheduled: ClassVar[tuple[str, ...]] = ("learning_rate",)

    epochs: int = Field(ge=1, le=MOST_EPOCHS, description="Passes over the training set.")
    learning_rate: float = Field(gt=0.0, description="Largest learning rate of AdamW; a cosine lowers it.")
    batch_rows: int = Field(ge=1, le=MOST_BATCH_ROWS, description="Rows in one optimiser step.")


BestEpoch = Literal["real", "synthetic", "last"]


def best_epoch(default: BestEpoch) -> Any:
    """Return the field of that name with a default."""
    return Field(
        default,
        description="Which epoch's weights are kept: that of lowest loss on the `real` validation split, on a held-out share of the "
        "generation's own training set (`synthetic`), or the `last`.",
    )


class EpochChoice(Training):
    """Which of a training's epochs are kept."""

    best_epoch: BestEpoch = best_epoch("last")
    loss_on: Literal["completion", "all"] = Field(
        "completion", description="Of pairs, which tokens are learnt: those of the `completion`, or `all`, the prompt's, too."
    )
    loss: Loss | None = Field(
        None,
        exclude_if=lambda loss: loss is None,
        description="What is minimised; null is the cross-entropy. Validation and measures always take the cross-entropy.",
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

    @model_validator(mode="after")
    def _last_epoch_has_a_rival(self) -> Self:
        if self.last_epoch and self.best_epoch == "last":
            raise ValueError("last_epoch reports the last epoch beside the best; with `best_epoch: last` it is the only one: leave it out")
        return self

    def held_out_rows(self, num_rows: int) -> int:
        """Return how many of a training set's rows choose the epoch and are not trained on."""
        return max(1, round(self.validation_share * num_rows)) if self.best_epoch == "synthetic" else 0


class LanguageModel(TextFamily):
    """A neural language model: it learns by gradients, epoch by epoch."""

    needs_torch = True
    learns_in_steps = True
    library = "transformers"

    if TYPE_CHECKING:  # each family has its own, in its own place among the fields
        training: EpochChoice

    @property
    def validates(self) -> bool:
        """Whether real rows that it is not trained on choose the epoch."""
        return self.training.best_epoch == "real"

    @property
    def is_opened_by_others(self) -> bool:
        """Whether `transformers` opens a checkpoint as it lies."""
        return True

    @property
    def saved_models(self) -> int:
        """Models that one checkpoint holds: the last epoch's beside the best one's, which may be the same."""
        return 2 if self.training.last_epoch else 1
