"""What a set of images still has: variance of its pixels, classes, and how far it is from real images.

Shapes: N images, M reference images, W pixels from 0 to 255 in the images, and from 0 to 1 in all units below.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
FULL = 255.0
_TOGETHER = 250  # images whose distances to all references exist at one time

POSITIVE = ("latent_spread", "pixel_variance", "nearest_real")
"""Measures of images that are above 0 unless all images are one (`measures.scales`)."""

BULK = {"latent_spread": -1, "pixel_variance": -1, "class_entropy": -1, "test_elbo": -1}
"""Measures whose loss is late collapse, each with the direction of loss (`measures.stages`)."""

NO_TAILS = {"latent_spread": "no law of images is known whose bounds could be passed, and no class of them is rare"}
"""Of rows that are known by such a measure: why nothing shows their tails (`measures.stages`)."""


def pixel_variance(pixels_NW: Pixels) -> float:
    """Return the variance of each pixel over the images (divisor N), mean over the pixels, in squared units of [0, 1]."""
    return float((pixels_NW / FULL).var(axis=0).mean())


def nearest_distance(pixels_NW: Pixels, reference_MW: Pixels) -> float:
    """Return the Euclidean distance of an image to its nearest reference image, mean over the images.

    Small if images are copies or have no detail of their own; compare with generation 0, where real images are measured.
    """
    return float(_nearest(pixels_NW, reference_MW)[1].mean())


def nearest_labels(pixels_NW: Pixels, reference_MW: Pixels, labels_M: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the label of each image's nearest reference image: the classifier of Cover and Hart (1967) with one neighbour."""
    return labels_M[_nearest(pixels_NW, reference_MW)[0]]


def class_shares(labels_N: NDArray[np.int64], num_classes: int) -> list[float]:
    """Return the share of the images in each class."""
    return [float(share) for share in np.bincount(labels_N, minlength=num_classes) / len(labels_N)]


def entropy(shares: Sequence[float]) -> float:
    """Return -Σ p ln p in nats (Shannon 1948): ln 10 for ten equal classes, 0 for one."""
    occupied_shares = np.array([share for share in shares if share > 0])
    return 0.0 - float((occupied_shares * np.log(occupied_shares)).sum())


def _nearest(pixels_NW: Pixels, reference_MW: Pixels) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return place and distance of each image's nearest reference image, the first of equally near ones.

    |x - r|² = |x|² - 2 x·r + |r|² in float64 is exact for whole numbers below 2^53: the same on every machine.
    """
    images = pixels_NW.astype(np.float64)
    reference = reference_MW.astype(np.float64)
    norms_M = (reference**2).sum(axis=1)
    places = [(norms_M - 2 * block @ reference.T).argmin(axis=1) for block in _blocks(images)]
    nearest_N = np.concatenate(places)
    squares_N = ((images - reference[nearest_N]) ** 2).sum(axis=1)
    return nearest_N, np.sqrt(squares_N) / FULL


def _blocks(images: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    return [images[start : start + _TOGETHER] for start in range(0, len(images), _TOGETHER)]
