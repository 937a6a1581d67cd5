"""The network of Shumailov et al. 2024 (VAE notebook) as a dictionary of weights and a few functions over it.

Encoder: two convolutions (kernel 4, stride 2, padding 1) with ReLU, then two linear heads, mean and log-variance. Decoder: one linear
layer, then the same two convolutions transposed, ReLU between them; the sigmoid after them is left to whoever needs probabilities. At
28 × 28 pixels, 64 channels and 20 latent dimensions these are 647,081 parameters.

Legend of shapes: B images, S pixels a side, W = S² pixels, Z latent dimensions.

References
----------
Kingma and Welling (2014), Auto-Encoding Variational Bayes, section 3 and appendix B.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor

from heirloom.errors import HeirloomError
from heirloom.runtime.streams import Stream

Weights = dict[str, Tensor]

KERNEL = 4
HALVINGS = 2  # each convolution halves the side


@dataclass(frozen=True)
class Shape:
    """Sizes of a model: pixels a side, channels of the outer convolutions, dimensions of the latent space."""

    side: int
    channels: int
    latent: int

    @property
    def inner(self) -> tuple[int, int, int]:
        """Channels, height and width of what lies between convolutions and linear layers."""
        side = self.side // 2**HALVINGS
        return 2 * self.channels, side, side


@dataclass(frozen=True)
class Vae:
    """A shape and the weights that fill it."""

    shape: Shape
    weights: Weights


def side_of(num_pixels: int) -> int:
    """Return the side of a square image.

    Raises
    ------
    HeirloomError
        If the image is not square, or its side is no multiple of 4, which two convolutions of stride 2 need.
    """
    side = math.isqrt(num_pixels)
    if side * side != num_pixels or side % 2**HALVINGS:
        raise HeirloomError(f"images of {num_pixels} pixels: family vae needs square ones with a side that is a multiple of {2**HALVINGS}")
    return side


def parameter_shapes(shape: Shape) -> dict[str, tuple[int, ...]]:
    """Return the name and shape of every parameter, in the order of the forward pass."""
    outer, (inner, _, _), flat = shape.channels, shape.inner, math.prod(shape.inner)
    layers: dict[str, tuple[tuple[int, ...], int]] = {
        "encoder.convolution_1": ((outer, 1, KERNEL, KERNEL), outer),
        "encoder.convolution_2": ((inner, outer, KERNEL, KERNEL), inner),
        "encoder.mean": ((shape.latent, flat), shape.latent),
        "encoder.log_variance": ((shape.latent, flat), shape.latent),
        "decoder.linear": ((flat, shape.latent), flat),
        "decoder.convolution_1": ((inner, outer, KERNEL, KERNEL), outer),
        "decoder.convolution_2": ((outer, 1, KERNEL, KERNEL), 1),
    }
    shapes: dict[str, tuple[int, ...]] = {}
    for name, (weight_sizes, bias_size) in layers.items():
        shapes[f"{name}.weight"] = weight_sizes
        shapes[f"{name}.bias"] = (bias_size,)
    return shapes


def initialise(shape: Shape, stream: Stream) -> Weights:
    """Return fresh weights, uniform within ±1 / √fan_in, each parameter from its own child of ``stream``.

    This is how PyTorch's layers begin (He et al. 2015, equation 10, with slope √5), and what the publication leaves them at. The fan-in
    is the product of all axes of the weight but the first, for transposed convolutions too.
    """
    shapes = parameter_shapes(shape)
    weights = {}
    for name, sizes in shapes.items():
        layer = name.rpartition(".")[0]
        weights[name] = _uniform(shapes[f"{layer}.weight"], sizes, stream.child(name))
    return weights


def encode(model: Vae, images: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and log-variance (B, Z) of the approximate posterior of images (B, 1, S, S) in [0, 1]."""
    hidden = F.relu(_convolve(model, "encoder.convolution_1", images))
    hidden = F.relu(_convolve(model, "encoder.convolution_2", hidden)).flatten(1)
    return _linear(model, "encoder.mean", hidden), _linear(model, "encoder.log_variance", hidden)


def decode(model: Vae, latents: Tensor) -> Tensor:
    """Return the logits (B, 1, S, S) of the pixels that the latents (B, Z) stand for."""
    hidden = _linear(model, "decoder.linear", latents).view(-1, *model.shape.inner)
    hidden = F.relu(_convolve_transposed(model, "decoder.convolution_1", hidden))
    return _convolve_transposed(model, "decoder.convolution_2", hidden)


def negative_elbo(model: Vae, images: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Return the two terms of the loss in nats, each summed over images and over pixels or latent dimensions.

    Reconstruction: binary cross-entropy of the pixels at ``latent = mean + noise · standard deviation``. Divergence from the prior:
    -1/2 Σ (1 + log σ² - μ² - σ²) (Kingma and Welling 2014, equation 10). Grey pixels are taken as probabilities, so that even a perfect
    reconstruction of them costs their entropy.

    Parameters
    ----------
    images
        Shape (B, 1, S, S), in [0, 1].
    noise
        Standard normal, shape (B, Z).
    """
    mean, log_variance = encode(model, images)
    logits = decode(model, mean + noise * (log_variance / 2).exp())
    reconstruction = F.binary_cross_entropy_with_logits(logits, images, reduction="sum")
    return reconstruction, -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum()


def elbo_by_image(model: Vae, images: Tensor, noise: Tensor) -> Tensor:
    """Return the evidence lower bound of each image in nats, shape (B,); parameters as for `negative_elbo`, whose terms it has."""
    mean, log_variance = encode(model, images)
    logits = decode(model, mean + noise * (log_variance / 2).exp())
    reconstruction = F.binary_cross_entropy_with_logits(logits, images, reduction="none").flatten(1).sum(dim=1)
    divergence = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(dim=1)
    return -(reconstruction + divergence)


def as_images(pixels_BW: NDArray[np.uint8], side: int) -> Tensor:
    """Return rows of pixels from 0 to 255 as images (B, 1, S, S) in [0, 1]."""
    return torch.from_numpy(pixels_BW).to(torch.float32).div_(255).view(-1, 1, side, side)


def save_folder(model: Vae, folder: Path) -> None:
    """Write ``model.safetensors``; equal weights give equal bytes."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: weight.contiguous() for name, weight in model.weights.items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def load_folder(folder: Path) -> Vae:
    """Return the model that `save_folder` wrote; its shape is that of its weights.

    Raises
    ------
    HeirloomError
        If the file is missing or holds another model.
    """
    from safetensors.torch import load_file

    file = folder / "model.safetensors"
    if not file.is_file():
        raise HeirloomError(f"{file}: missing")
    stored = load_file(file)
    shape = _shape_of({name: tuple(weight.shape) for name, weight in stored.items()}, file)
    return Vae(shape, {name: stored[name] for name in parameter_shapes(shape)})


def _shape_of(sizes: Mapping[str, tuple[int, ...]], file: Path) -> Shape:
    latent, flat = sizes.get("encoder.mean.weight", (0, 0))
    channels, *_ = sizes.get("encoder.convolution_1.weight", (1,))
    side = 2**HALVINGS * math.isqrt(flat // (2 * channels))
    shape = Shape(side, channels, latent)
    if parameter_shapes(shape) != dict(sizes):
        raise HeirloomError(f"{file}: not a checkpoint of family vae")
    return shape


def _uniform(weight_sizes: tuple[int, ...], sizes: tuple[int, ...], stream: Stream) -> Tensor:
    bound = 1 / math.sqrt(math.prod(weight_sizes[1:]))
    numbers: NDArray[Any] = stream.generator().uniform(-bound, bound, sizes)
    return torch.from_numpy(numbers).to(torch.float32)


def _linear(model: Vae, name: str, x: Tensor) -> Tensor:
    return F.linear(x, *_parameters(model, name))


def _convolve(model: Vae, name: str, x: Tensor) -> Tensor:
    return F.conv2d(x, *_parameters(model, name), stride=2, padding=1)


def _convolve_transposed(model: Vae, name: str, x: Tensor) -> Tensor:
    return F.conv_transpose2d(x, *_parameters(model, name), stride=2, padding=1)


def _parameters(model: Vae, name: str) -> tuple[Tensor, Tensor]:
    """Return weight and bias of a layer."""
    return model.weights[f"{name}.weight"], model.weights[f"{name}.bias"]
