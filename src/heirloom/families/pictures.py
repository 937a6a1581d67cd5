"""What images are measured by without any model: their pixels and classes, and how near real images they are.

Every measure looks at the first `IMAGES` rows of a set at most: pool and synthetic sets are in random order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heirloom.families.base import Sets
from heirloom.measures import images
from heirloom.sources import mnist

IMAGES = 1000
REFERENCES = 5000

Pixels = NDArray[np.uint8]


def describe(sets: Sets) -> dict[str, float]:
    """Return the measures of a generation's images.

    ``pixel_variance``, ``nearest_real``, ``class_share.*``, ``class_entropy``: `measures.images`. At generation 0 real images stand in:
    held-out ones for ``nearest_real``, else the origin's own (`Sets`).
    """
    sample_NW = sets.sample.head("x", IMAGES)
    return {
        "pixel_variance": images.pixel_variance(sample_NW),
        "nearest_real": images.nearest_distance(sets.scored.head("x", IMAGES), sets.original.head("x", REFERENCES)),
        **_classes(sample_NW),
    }


def _classes(pixels_NW: Pixels) -> dict[str, float]:
    """Return how the classes of digits are occupied; nothing for images of another size than MNIST's."""
    if pixels_NW.shape[1] != mnist.PIXELS:
        return {}
    digits = mnist.digits()
    labels_N = images.nearest_labels(pixels_NW, digits.images, digits.labels)
    shares = images.class_shares(labels_N, mnist.CLASSES)
    measures = {f"class_share.{digit}": share for digit, share in enumerate(shares)}
    return measures | {"class_entropy": images.entropy(shares)}
