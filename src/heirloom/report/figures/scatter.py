"""Rows of the plane by generation: what the models wrote, and the mixture that was fitted to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from heirloom import reading
from heirloom.artefacts import kinds
from heirloom.report import kept_rows
from heirloom.report.figures.kind import Artefacts, Kind, Subject

if TYPE_CHECKING:
    import altair as alt
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

EXPLANATION = """\
The first rows of each generation's synthetic set, of the first seed and replica; they are not
chosen. Generation 0 shows real rows. All panels have the axes of the real rows, so rows outside
them are not seen. Of a fitted mixture, a row's colour is its likeliest component under the model
that was fitted to it, and a line is a component's two standard deviations; colours go from left to
right, and say nothing of which component became which.
"""

ROWS = 200
CORNERS = 48
DEVIATIONS = 2.0
PLANE = 2
PANEL = 150
"""Points per side."""


def applies(subject: Subject) -> bool:
    """Return whether rows of the plane are kept on disk."""
    return kept_rows.has_vectors(subject.experiment, PLANE)


def artefacts(subject: Subject) -> Artefacts:
    """Return the sets whose rows it draws, and the models of a mixture, which outline them."""
    sets = {path: place for place, path in kept_rows.vectors(subject.name, subject.experiment).items()}
    if not subject.experiment.family.has_components:
        return sets
    models = {_model(subject, *place): place for place in sets.values()}
    return sets | models


def numbers(subject: Subject, rows: pd.DataFrame) -> pd.DataFrame:
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
    for (regime, generation), path in kept_rows.vectors(subject.name, subject.experiment).items():
        x_ND = reading.dataset(path).by_replica()[0][:ROWS]
        if subject.experiment.family.has_components:
            frames = _mixture(Path(_model(subject, regime, generation)), x_ND)
        else:
            frames = [_frame("row", np.zeros(len(x_ND), np.int64), x_ND)]
        parts += [frame.assign(regime=regime, generation=generation) for frame in frames]
    table = pd.concat(parts, ignore_index=True)
    return table[["regime", "generation", "part", "component", "place", "x", "y"]]


def draw(subject: Subject, numbers: pd.DataFrame) -> alt.TopLevelMixin:
    """Draw the rows, a row of panels per regime and a panel per generation, on the axes of the real rows."""
    import altair as alt
    import pandas as pd

    from heirloom.report.charts import by_regime_and_generation, heading, with_style
    from heirloom.report.looks import BLUE, ORANGE, ramp

    real = numbers[(numbers["generation"] == 0) & (numbers["part"] == "row")]
    domain = _domain(pd.concat([real["x"], real["y"]]))  # one for both axes: a round blob is round
    num_components = int(numbers["component"].max()) + 1
    colours = [BLUE, ORANGE, *ramp(6)][:num_components]
    colour = alt.Color("component:O", legend=None).scale(range=colours)
    x = alt.X("x:Q", title=None).scale(domain=domain, nice=False).axis(tickCount=3, grid=False)
    y = alt.Y("y:Q", title=None).scale(domain=domain, nice=False).axis(tickCount=3, grid=False)
    base = alt.Chart(numbers).encode(x=x, y=y, color=colour)
    points = base.transform_filter("datum.part == 'row'").mark_circle(size=9, opacity=0.55, clip=True)
    outlines = base.transform_filter("datum.part == 'outline'").mark_line(strokeWidth=1.6, clip=True).encode(order="place:O")
    layers = alt.layer(points, outlines).properties(width=PANEL, height=PANEL)
    has_outlines = "outline" in set(numbers["part"])
    legend = "; line: two standard deviations of each component, colour: the likeliest" if has_outlines else ""
    subtitle = f"{len(real) // len(subject.regimes)} rows of one chain{legend}; 0: real rows"
    title = heading("Rows by generation", subject.name, subtitle)
    chart = by_regime_and_generation(layers, subject.regimes, 10)
    return with_style(chart.properties(title=title))


def _model(subject: Subject, regime: str, generation: int) -> str:
    return kinds.CHECKPOINT.path(subject.name, regime, subject.experiment.seeds[0], generation)


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


def _domain(values: pd.Series[float]) -> list[float]:
    """Return the range of the values with a tenth more on both sides, to two digits."""
    margin = (values.max() - values.min()) / 10
    return [float(f"{values.min() - margin:.2g}"), float(f"{values.max() + margin:.2g}")]


KIND = Kind(
    name="scatter",
    caption="Rows of each generation in the plane, and the components fitted, by regime; generation 0: real rows.",
    explanation=EXPLANATION,
    applies=applies,
    numbers=numbers,
    draw=draw,
    artefacts=artefacts,
)
