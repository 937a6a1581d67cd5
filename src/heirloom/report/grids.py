"""Images of each generation side by side: one picture a regime and generation, made from the datasets and not from their measures."""

from __future__ import annotations

import base64
import io
import math
from typing import TYPE_CHECKING, Any

from heirloom import reading
from heirloom.artefacts import kinds
from heirloom.specs.experiment import Experiment
from heirloom.stats.spacing import evenly_spaced

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

IMAGES_A_SIDE = 10
MAX_PICTURES = 6


def generations(experiment: Experiment, most: int = MAX_PICTURES) -> list[int]:
    """Return the generations that are shown: 0, where the real rows stand, and of the others kept at most so many in all, evenly spaced."""
    return evenly_spaced([0, *experiment.kept_generations], most)


def datasets(key: str, experiment: Experiment, most: int = MAX_PICTURES) -> dict[tuple[str, int], str]:
    """Return the sets that are shown, of the first seed, by regime and generation: the origin's real rows, and synthetic sets."""
    seed = experiment.seeds[0]
    return {
        (regime, generation): (kinds.SYNTHETIC if generation else kinds.TRAIN).path(key, regime, seed, generation)
        for regime in experiment.regimes
        for generation in generations(experiment, most)
    }


def pictures(key: str, experiment: Experiment) -> pd.DataFrame:
    """Return one row a regime and generation: regime, generation, images, and the picture of the set's first images as a data URI.

    Raises
    ------
    HeirloomError
        If a dataset is missing, or not as it was recorded.
    """
    import pandas as pd

    rows = []
    for (regime, generation), path in datasets(key, experiment).items():
        images = reading.dataset(path).head("x", IMAGES_A_SIDE**2)
        rows.append({"regime": regime, "generation": generation, "images": len(images), "picture": _data_uri(tiled(images))})
    return pd.DataFrame(rows)


def tiled(images_NW: NDArray[Any]) -> NDArray[Any]:
    """Return square images, row by row of a square grid; places without an image are black."""
    import numpy as np

    side = math.isqrt(images_NW.shape[1])
    grid = np.zeros((IMAGES_A_SIDE**2, side, side), np.uint8)
    grid[: len(images_NW)] = images_NW.reshape(-1, side, side)
    return grid.reshape(IMAGES_A_SIDE, IMAGES_A_SIDE, side, side).swapaxes(1, 2).reshape(IMAGES_A_SIDE * side, -1)


def _data_uri(pixels: NDArray[Any]) -> str:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
