"""Train a variational autoencoder: minibatches on the evidence lower bound, over images in a memory-mapped file.

Given equal weights, rows, settings and stream, training returns equal bytes, on one machine and at one thread count.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heirloom.data.dataset import Dataset
from heirloom.errors import HeirloomError
from heirloom.families import minibatches
from heirloom.families.vae.model import Shape, Vae, as_images, initialise, negative_elbo, side_of
from heirloom.runtime.streams import Stream
from heirloom.specs.vae import Optimiser, VaeFit

log = logging.getLogger(__name__)

OPTIMISERS: Mapping[Optimiser, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
}
"""Adam (Kingma and Ba 2015, algorithm 1), AdamW (Loshchilov and Hutter 2019, algorithm 2), plain stochastic gradient descent."""


def train(rows: Dataset, fit: VaeFit, start: Vae | None, stream: Stream) -> Vae:
    """Return the model trained on ``rows``, from the weights of ``start`` or from new ones.

    Minimises `negative_elbo`, summed over a batch, with one of `OPTIMISERS`.

    Raises
    ------
    HeirloomError
        If the images do not suit the network, the start has another shape, or the loss is not finite.
    """
    with minibatches.memory_mapped(rows, "x", np.uint8) as pixels_NW:
        shape = Shape(side_of(pixels_NW.shape[1]), fit.channels, fit.latent)
        initial = start or Vae(shape, initialise(shape, stream.child("initial")))
        if initial.shape != shape:
            raise HeirloomError(f"the start checkpoint has {initial.shape}, but images and family.training ask for {shape}")
        return _fit(initial, pixels_NW, fit, stream)


def _fit(initial: Vae, pixels_NW: NDArray[np.uint8], fit: VaeFit, stream: Stream) -> Vae:
    minibatches.use_deterministic_kernels()
    weights = {name: _pixel_major(weight).requires_grad_() for name, weight in initial.weights.items()}
    pupil = Vae(initial.shape, weights)
    optimiser = OPTIMISERS[fit.optimiser](weights.values(), lr=fit.learning_rate, weight_decay=fit.weight_decay, fused=True)
    noise = stream.child("noise").generator()
    steps_an_epoch = math.ceil(len(pixels_NW) / fit.batch_rows)
    total = 0.0
    for step, batch in enumerate(minibatches.batches(len(pixels_NW), fit.epochs, fit.batch_rows, stream), 1):
        noise_BZ = torch.from_numpy(noise.standard_normal((len(batch), fit.latent), dtype=np.float32))
        total += _step(pupil, as_images(pixels_NW[batch], initial.shape.side), noise_BZ, optimiser, step)
        if step % steps_an_epoch == 0:
            log.info("epoch %d of %d: loss %.3f nats an image", step // steps_an_epoch, fit.epochs, total / len(pixels_NW))
            total = 0.0
    return Vae(initial.shape, {name: weight.detach().contiguous() for name, weight in weights.items()})


def _step(pupil: Vae, images: Tensor, noise: Tensor, optimiser: torch.optim.Optimizer, step: int) -> float:
    """Make one step and return the batch's loss in nats, summed over its images."""
    optimiser.zero_grad()
    reconstruction, divergence = negative_elbo(pupil, images, noise)
    loss = reconstruction + divergence
    value = float(loss.detach())
    if not math.isfinite(value):
        raise HeirloomError(f"at step {step} the loss is {value}: it must be finite, so family.training.learning_rate must be smaller")
    torch.autograd.backward(loss)
    optimiser.step()
    return value


def _pixel_major(weight: Tensor) -> Tensor:
    """Return a copy; convolutions with their channels last, which is a quarter faster here."""
    copied = weight.detach().clone()
    return copied.contiguous(memory_format=torch.channels_last) if copied.ndim == 4 else copied
