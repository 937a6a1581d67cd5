"""Sample images: decode draws from the prior, chunk by full chunk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from heirloom.families import minibatches
from heirloom.families.vae.model import Vae, decode
from heirloom.runtime.streams import Stream
from heirloom.specs.base import NoSettings

CHUNK = 256  # images decoded together


def sample(
    model: Vae,
    prompts: Iterable[NDArray[Any]] | None,
    num_rows: int,
    settings: NoSettings,
    stream: Stream,
) -> Iterator[NDArray[np.uint8]]:
    """Yield images of shape (1, n, W), the pixels' means and not draws from them, as the publication does.

    Means are rounded to the 256 levels of a real image. Latents are keyed by row id: every chunk draws all of its own, and decodes them
    all, whether they are asked for or not.
    """
    minibatches.use_deterministic_kernels()
    for chunk, start in enumerate(range(0, num_rows, CHUNK)):
        latents_BZ = stream.child("latents", chunk).generator().standard_normal((CHUNK, model.shape.latent), dtype=np.float32)
        with torch.no_grad():
            pixels = decode(model, torch.from_numpy(latents_BZ)).sigmoid().mul_(255).round_().to(torch.uint8)
        yield pixels.flatten(1)[None, : num_rows - start].numpy()
