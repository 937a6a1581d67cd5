"""Rows of the plane by generation: what the models wrote, and the mixture that was fitted to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from heirloom import reading
from heirloom.artefacts import kinds
from heirloom.report import grids
from heirloom.specs.experiment import Experiment

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

MAX_PANELS = 7
ROWS = 200
CORNERS = 48
DEVIATIONS = 2.0


def datasets(key: str, experiment: Experiment) -> dict[tuple[str, int], str]:
    """Return the sets that are shown: `grids.datasets`, `MAX_PANELS` generations of a regime at most."""
    return grids.datasets(key, experiment, MAX_PANELS)


def points(key: str, experiment: Experiment) -> pd.DataFrame:
    """Return the first replica's first `ROWS` rows of each set, and the outlines of the mixture fitted in that generation.

    Returns
    -------
    regime, generation, part (``row`` or ``outline``), component (of a row: the likeliest; one component for a density without any),
    place (its order), x, y. An outline is an ellipse of `DEVIATIONS` standard deviations.

    Raises
    ------
    HeirloomError
        If a dataset is missing, or not as it was recorded.
    """
    import numpy as np
    import pandas as pd

    parts = []
    for (regime, generation), path in datasets(key, experiment).items():
        x_ND = reading.dataset(path).by_replica()[0][:ROWS]
        shown = [_frame("row", np.zeros(len(x_ND), np.int64), x_ND)]
        if experiment.family.has_components:
            folder = kinds.CHECKPOINT.path(key, regime, experiment.seeds[0], generation)
            shown = _mixture(Path(folder), x_ND)
        parts += [part.assign(regime=regime, generation=generation) for part in shown]
    return pd.concat(parts, ignore_index=True)[["regime", "generation", "part", "component", "place", "x", "y"]]


def _mixture(folder: Path, x_ND: NDArray[np.float64]) -> list[pd.DataFrame]:
    """Return the rows by their likeliest component, and the components' outlines; component 0 is the leftmost."""
    import numpy as np

    from heirloom.families import gmm
    from heirloom.measures import mixtures

    model = gmm.load(reading.artefact(folder))
    order = np.argsort(model.means[0, :, 0])
    weight_K, mean_KD, covariance_KDD = (values[0][order] for values in (model.weights, model.means, model.covariances))
    mixture = mixtures.Mixture(weight_K[None], mean_KD[None], covariance_KDD[None])
    likeliest_N = mixtures.log_joint(mixture, x_ND[None]).argmax(axis=0)[0]
    root_KDD = np.linalg.cholesky(covariance_KDD)
    angle_C = np.linspace(0, 2 * np.pi, CORNERS + 1)
    circle_CD = DEVIATIONS * np.stack([np.cos(angle_C), np.sin(angle_C)], axis=1)
    outlines = [_frame("outline", k, mean_KD[k] + circle_CD @ root_KDD[k].T) for k in range(len(weight_K))]
    return [_frame("row", likeliest_N, x_ND), *outlines]


def _frame(part: str, component: Any, x_ND: NDArray[np.float64]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({"part": part, "component": component, "place": range(len(x_ND)), "x": x_ND[:, 0], "y": x_ND[:, 1]})
