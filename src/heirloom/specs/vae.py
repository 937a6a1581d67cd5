"""The `vae` family in config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from heirloom.specs.base import NoSettings, Training
from heirloom.specs.declaration import FamilySpec
from heirloom.specs.model_size import ModelSize
from heirloom.specs.sizes import MNIST_PIXELS, MOST_BATCH_ROWS, MOST_DIMENSIONS, MOST_EPOCHS

if TYPE_CHECKING:
    from heirloom.specs.text import TextSettings


Optimiser = Literal["adam", "adamw", "sgd"]


class VaeFit(Training):
    """How one generation of a variational autoencoder is trained."""

    latent: int
    channels: int
    epochs: int
    start: Literal["scratch", "origin", "previous"]
    batch_rows: int
    optimiser: Optimiser
    learning_rate: float
    weight_decay: float

    @property
    def begins_from(self) -> Literal["scratch", "origin", "previous"]:
        """Weights that the training begins from."""
        return self.start


class VaeTraining(Training):
    """How a variational autoencoder is trained; the defaults are the publication's, at a fixed number of images."""

    latent: int = Field(20, ge=1, le=MOST_DIMENSIONS, description="Dimensions of the latent space, whose prior is N(0, I).")
    channels: int = Field(
        64, ge=1, le=MOST_DIMENSIONS, description="Channels of the outer convolutions; the inner ones have twice as many."
    )
    origin_epochs: int = Field(30, ge=1, le=MOST_EPOCHS, description="Passes of the origin over the real images.")
    epochs: int = Field(
        30,
        ge=1,
        le=MOST_EPOCHS,
        description="Passes of a later generation over its training set. The publication decodes every batch anew: that is 1 pass over "
        "`rows` of origin_epochs times the real images.",
    )
    start: Literal["scratch", "origin", "previous"] = Field(
        "scratch",
        description="Weights a generation's training begins from: `scratch` (new random weights), `origin` (generation 0: real "
        "data lives on in its weights), `previous` (generation g-1).",
    )
    batch_rows: int = Field(256, ge=1, le=MOST_BATCH_ROWS, description="Images in one optimiser step.")
    optimiser: Optimiser = Field(
        "adam",
        description="`adam`, `adamw`, or `sgd` (no momentum); weight decay is added to the gradient, by `adamw` taken off the weights.",
    )
    learning_rate: float = Field(
        1e-3, gt=0, description="Step size, the same in every step; `sgd` needs a smaller one, since the loss is a sum over the batch."
    )
    weight_decay: float = Field(1e-5, ge=0, description="Weight decay.")

    @property
    def begins_from(self) -> Literal["scratch", "origin", "previous"]:
        """Weights that the training begins from."""
        return self.start

    def fit_settings(self, generation: int, text: TextSettings | None) -> VaeFit:
        """Return one generation's fit: the origin's epochs and new weights, or the later generations' and their start."""
        return VaeFit(
            latent=self.latent,
            channels=self.channels,
            epochs=self.epochs if generation else self.origin_epochs,
            start=self.start if generation else "scratch",
            batch_rows=self.batch_rows,
            optimiser=self.optimiser,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
        )


class Vae(FamilySpec):
    """A convolutional variational autoencoder, retrained on the images that it decodes (Shumailov et al. 2024, the VAE)."""

    sources = ("mnist",)
    abilities = frozenset({"repair", "select"})
    is_single = True
    is_images = True
    needs_torch = True
    learns_in_steps = True
    number_bytes = 1.0
    number_operations = 3.1e7 / MNIST_PIXELS  # measured at the publication's size, 647,081 parameters (`planning.work`)

    name: Literal["vae"]
    training: VaeTraining = VaeTraining()
    sampling: NoSettings = NoSettings()

    def passes(self, generation: int) -> int:
        """Return the epochs of a generation."""
        return self.training.epochs if generation else self.training.origin_epochs

    def size(self, rows: int, row_numbers: int, vocabulary: int) -> ModelSize:
        """Return the size of a model: two convolutions of 4 × 4, two heads, and the same in reverse."""
        channels, latent = self.training.channels, self.training.latent
        convolutions = 16 * channels * (1 + 2 * channels)
        flat = 2 * channels * row_numbers // 16
        encoder = convolutions + 3 * channels + 2 * latent * (flat + 1)
        decoder = flat * (latent + 1) + convolutions + channels + 1
        return ModelSize(encoder + decoder)
