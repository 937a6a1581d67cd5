"""Rows of the line by generation: how densely they lie, beside the real rows that the origin was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heirloom import reading
from heirloom.report import scatter
from heirloom.specs.experiment import Experiment

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

MARGIN = 0.5
"""How far the axis goes beyond the real rows on either side, as a share of their range."""


def densities(key: str, experiment: Experiment) -> pd.DataFrame:
    """Return the histogram of the first replica's rows of each set (`scatter.datasets`), as a density.

    The bins are those of `edges` for the real rows, so that curves of one experiment can be compared.

    Returns
    -------
    regime, generation, x (the middle of a bin), density (share of the rows per unit of x)

    Raises
    ------
    HeirloomError
        If a dataset is missing, or not as it was recorded.
    """
    import numpy as np
    import pandas as pd

    sets = scatter.datasets(key, experiment)
    rows = {place: reading.dataset(path).by_replica()[0, :, 0] for place, path in sets.items()}
    bins = edges(next(x_N for (_, generation), x_N in rows.items() if not generation))
    middle, width = (bins[1:] + bins[:-1]) / 2, bins[1] - bins[0]
    parts = []
    for (regime, generation), x_N in rows.items():
        density = np.histogram(x_N, bins)[0] / (len(x_N) * width)
        parts.append(pd.DataFrame({"regime": regime, "generation": generation, "x": middle, "density": density}))
    return pd.concat(parts, ignore_index=True)


def edges(real_N: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the edges of equal bins around the real rows, wider than their range by `MARGIN` on either side.

    The width is 2 IQR / N^(1/3) (Freedman and Diaconis 1981), or a little more, so that whole bins fill the range.
    """
    import numpy as np

    inside = np.histogram_bin_edges(real_N, "fd")
    width = inside[1] - inside[0]
    beyond = round(MARGIN * (len(inside) - 1))
    return inside[0] + width * np.arange(-beyond, len(inside) + beyond)
