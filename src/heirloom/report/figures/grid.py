"""Images of each generation side by side: one picture per regime and generation, made from the datasets and not from their measures."""

from __future__ import annotations

import base64
import io
import math
from typing import TYPE_CHECKING, Any

from heirloom import reading
from heirloom.report import kept_rows
from heirloom.report.figures.kind import Artefacts, Kind, Subject, is_images

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd
    from numpy.typing import NDArray

EXPLANATION = """\
The first hundred images of each generation's synthetic set, of the first seed; they are not chosen.
Generation 0 shows real images that the origin was trained on.
"""

IMAGES_PER_SIDE = 10
MAX_PICTURES = 6
PICTURE = 200
"""Points per side."""


def artefacts(subject: Subject) -> Artefacts:
    """Return the sets whose images it draws."""
    sets = kept_rows.sets(subject.name, subject.experiment, MAX_PICTURES)
    return {path: place for place, path in sets.items()}


def numbers(subject: Subject, rows: pd.DataFrame) -> pd.DataFrame:
    """Return a row per regime and generation: regime, generation, images, and the picture of the set's first images as a data URI.

    Raises
    ------
    HeirloomError
        If a dataset is missing, or not as it was recorded.
    """
    import pandas as pd

    table = []
    for (regime, generation), path in kept_rows.sets(subject.name, subject.experiment, MAX_PICTURES).items():
        images = reading.dataset(path).head("x", IMAGES_PER_SIDE**2)
        picture = _data_uri(mosaic(images))
        table.append({"regime": regime, "generation": generation, "images": len(images), "picture": picture})
    return pd.DataFrame(table)


def draw(subject: Subject, numbers: pd.DataFrame) -> alt.TopLevelMixin:
    """Draw the pictures, a row per regime and a column per generation."""
    import altair as alt

    from heirloom.report.charts import by_regime_and_generation, heading, with_style

    picture = alt.Chart(numbers).mark_image(width=PICTURE, height=PICTURE, align="left", baseline="top", smooth=False)
    pictures = picture.encode(url="picture:N", x=alt.value(0), y=alt.value(0)).properties(width=PICTURE, height=PICTURE)
    title = heading("Images by generation", subject.name, "the first of each set, of the first seed; 0: real images")
    return with_style(by_regime_and_generation(pictures, subject.regimes, 8).properties(title=title))


def mosaic(images_NW: NDArray[Any]) -> NDArray[Any]:
    """Return square images, row by row of a square grid; places without an image are black."""
    import numpy as np

    side = math.isqrt(images_NW.shape[1])
    grid = np.zeros((IMAGES_PER_SIDE**2, side, side), np.uint8)
    grid[: len(images_NW)] = images_NW.reshape(-1, side, side)
    places = grid.reshape(IMAGES_PER_SIDE, IMAGES_PER_SIDE, side, side)
    return places.swapaxes(1, 2).reshape(IMAGES_PER_SIDE * side, -1)


def _data_uri(pixels: NDArray[Any]) -> str:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", optimize=True)
    text = base64.b64encode(file.getvalue()).decode()
    return f"data:image/png;base64,{text}"


KIND = Kind(
    name="grid",
    caption="The first hundred images of each generation, by regime; generation 0: real images.",
    explanation=EXPLANATION,
    applies=is_images,
    numbers=numbers,
    draw=draw,
    artefacts=artefacts,
)
