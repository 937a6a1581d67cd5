"""Measure a generation of images: under its own model, under the origin's, and as pixels beside real ones.

Every measure looks at the first `pictures.IMAGES` rows of a set at most: pool and synthetic sets are in random order.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from heirloom.data.dataset import Dataset
from heirloom.families import minibatches, pictures
from heirloom.families.base import Measuring, Sets
from heirloom.families.vae.model import Vae, as_images, elbo_by_image, encode, negative_elbo
from heirloom.runtime.streams import Stream

CHUNK = 250

Pixels = NDArray[np.uint8]


def evaluate(model: Vae, sets: Sets, origin: Vae, measuring: Measuring, stream: Stream) -> dict[str, float]:
    """Return the measures of a generation.

    ``latent_spread`` and ``latent_mean``: standard deviation and mean of the posterior means of the generation's images under the
    origin's encoder, images and dimensions pooled (Shumailov et al. 2024, VAE notebook). ``test_elbo``, ``test_reconstruction``,
    ``test_divergence``: the evidence lower bound of held-out real images under the model, and its two terms (`negative_elbo`; one draw of
    the latent an image), nats an image. ``origin_elbo``: that of the generation's images under the origin. ``pixel_variance``,
    ``nearest_real``, ``class_share.*``, ``class_entropy``: `families.pictures`. At generation 0 real images stand in: held-out ones, but
    for ``pixel_variance`` and the classes, where they are the origin's own (`Sets`).
    """
    minibatches.use_deterministic_kernels()
    scored_NW, held_out_NW = (rows.head("x", pictures.IMAGES) for rows in (sets.scored, sets.held_out))
    latents_NZ = posterior_means(origin, scored_NW)
    reconstruction, divergence = elbo_terms(model, held_out_NW, stream.child("held_out"))
    return {
        "latent_spread": float(latents_NZ.std()),
        "latent_mean": float(latents_NZ.mean()),
        "test_elbo": -(reconstruction + divergence),
        "test_reconstruction": reconstruction,
        "test_divergence": divergence,
        "origin_elbo": -sum(elbo_terms(origin, scored_NW, stream.child("scored"))),
        **pictures.describe(sets),
    }


def posterior_means(model: Vae, pixels_NW: Pixels) -> NDArray[np.float64]:
    """Return the encoder's means of images, shape (n, Z)."""
    with torch.no_grad():
        means = [encode(model, as_images(chunk, model.shape.side))[0].numpy() for chunk in _chunks(pixels_NW)]
    return np.concatenate(means).astype(np.float64)


def elbo_terms(model: Vae, pixels_NW: Pixels, stream: Stream) -> tuple[float, float]:
    """Return reconstruction and divergence of `negative_elbo`, nats an image."""
    noise, terms = stream.generator(), np.zeros(2)
    for chunk in _chunks(pixels_NW):
        noise_BZ = torch.from_numpy(noise.standard_normal((len(chunk), model.shape.latent), dtype=np.float32))
        with torch.no_grad():
            terms += [float(term) for term in negative_elbo(model, as_images(chunk, model.shape.side), noise_BZ)]
    reconstruction, divergence = (terms / len(pixels_NW)).tolist()
    return reconstruction, divergence


def log_likelihoods(model: Vae, rows: Dataset, chunk_rows: int) -> NDArray[np.float64]:
    """Return the evidence lower bound of each image in nats, shape (1, N): a lower bound of its log-likelihood, which has no closed form.

    The draw of the latent belongs to the image's place and to no model, so that two models judge by the same draws.
    """
    minibatches.use_deterministic_kernels()
    noise, bounds = Stream(("elbo",)).generator(), list[NDArray[np.float64]]()
    for chunk in rows.chunks("x", CHUNK):
        noise_BZ = torch.from_numpy(noise.standard_normal((len(chunk), model.shape.latent), dtype=np.float32))
        with torch.no_grad():
            bounds.append(elbo_by_image(model, as_images(chunk, model.shape.side), noise_BZ).numpy().astype(np.float64))
    return np.concatenate(bounds)[None, : rows.num_rows]


def _chunks(pixels_NW: Pixels) -> Iterator[Pixels]:
    for start in range(0, len(pixels_NW), CHUNK):
        yield pixels_NW[start : start + CHUNK]
