"""Every measure by generation: arms in colour, bands, the control's band, and theory where it exists, as data for one chart an experiment."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from heirloom import paths
from heirloom.config import Config, Experiment
from heirloom.report import expected, onset, tables
from heirloom.report.page.generations import CURVE_POINTS, spaced
from heirloom.report.summary import SHOWN

if TYPE_CHECKING:
    import pandas as pd

    from heirloom.report.charts import Look

FEWEST_FOR_A_BAND = 2
_SUMMARIES = (".mean", ".median", ".se", ".q05", ".q95")
_BINS = "_histogram."

Curve = dict[str, list[float | None]]


def context(key: str, own: pd.DataFrame, config: Config, looks: Mapping[str, Look]) -> dict[str, Any]:
    """Return one experiment's measures for the script: ``{"arms", "measures": [{"name", "label", "about", "arms": {regime: curve}}]}``.

    A curve has ``g`` (generations) and, of the same length, ``v`` (centre), ``l`` and ``h`` (band), ``t`` (theory), as far as there are any.

    Parameters
    ----------
    own
        The tidy rows of the experiment.
    """
    experiment = config.experiments[key]
    shown = own[own["generation"].isin(spaced(experiment.generations, CURVE_POINTS)) & ~own["metric"].str.contains(_BINS, regex=False)]
    wide = shown.pivot_table(index=["metric", "regime", "generation"], columns="seed", values="value", sort=True)
    theory = {regime: expected.curves(experiment, config.regimes[regime]) for regime in experiment.regimes}
    names = set(wide.index.get_level_values("metric"))
    measures = [_measure(name, wide, experiment, config, theory) for name in _listed(names)]
    arms = [{"name": regime, "colour": looks[regime].colour, "dashes": list(looks[regime].dashes)} for regime in experiment.regimes]
    return {"experiment": key, "arms": arms, "measures": measures}


def _listed(names: set[str]) -> list[str]:
    """Return what a reader can choose: measures, of replicas their mean and median; the headlines first."""
    of_replicas = {name.removesuffix(".mean") for name in names if name.endswith(".mean") and f"{name.removesuffix('.mean')}.se" in names}
    parts = {base + suffix for base in of_replicas for suffix in _SUMMARIES}
    listed = (names - parts) | {base + suffix for base in of_replicas for suffix in (".mean", ".median")}
    places = {name: place for place, name in enumerate(tables.HEADLINES)}
    return sorted(listed, key=lambda name: (places.get(name, len(places)), name))


def _measure(
    name: str, wide: pd.DataFrame, experiment: Experiment, config: Config, theory: Mapping[str, Mapping[str, NDArray[np.float64]]]
) -> dict[str, Any]:
    curves = {}
    for regime in experiment.regimes:
        if (curve := _curve(name, regime, wide, experiment)) is not None:
            known = theory[regime].get(name) if not name.endswith(".mean") else theory[regime].get(name.removesuffix(".mean"))
            curves[regime] = curve | ({"t": _rounded(known[[int(g) for g in curve["g"] if g is not None]])} if known is not None else {})
    words = SHOWN.get(name) or SHOWN.get(name.removesuffix(".mean"))
    label = f"{words} ({name})" if words else name
    return {"name": name, "label": label, "about": _about(name, wide, experiment), "arms": curves} | _band(name, wide, experiment, config)


def _curve(name: str, regime: str, wide: pd.DataFrame, experiment: Experiment) -> Curve | None:
    """Return an arm's curve from the origin on: mean over seeds with least and greatest, or of one seed the band over replicas."""
    values = _rows(name, regime, wide)
    if values is None:
        return None
    centre = values.mean(axis=1)
    curve: Curve = {"g": [int(g) for g in values.index], "v": _rounded(centre.to_numpy())}
    if len(experiment.seeds) > 1:
        return curve | {"l": _rounded(values.min(axis=1).to_numpy()), "h": _rounded(values.max(axis=1).to_numpy())}
    base, _, what = name.rpartition(".")
    if what == "mean" and (errors := _rows(f"{base}.se", regime, wide)) is not None:
        half = 2 * errors.mean(axis=1)
        return curve | {"l": _rounded((centre - half).to_numpy()), "h": _rounded((centre + half).to_numpy())}
    ends = [_rows(f"{base}.{quantile}", regime, wide) for quantile in ("q05", "q95")] if what == "median" else [None]
    if all(end is not None for end in ends):
        low, high = (_rounded(end.mean(axis=1).to_numpy()) for end in ends if end is not None)
        return curve | {"l": low, "h": high}
    return curve


def _rows(name: str, regime: str, wide: pd.DataFrame) -> pd.DataFrame | None:
    """Return a metric by generation (rows) and seed (columns), generation 0 from the origin; None where it is not measured."""
    parts = [wide.loc[(name, arm)] for arm in (paths.ORIGIN, regime) if (name, arm) in wide.index]
    if not parts or (name, regime) not in wide.index:
        return None
    import pandas as pd

    return pd.concat(parts).sort_index()


def _about(name: str, wide: pd.DataFrame, experiment: Experiment) -> str:
    if len(experiment.seeds) > 1:
        return f"line: mean of {len(experiment.seeds)} seeds; band: least to greatest"
    base, _, what = name.rpartition(".")
    if what == "mean" and f"{base}.se" in wide.index:
        return f"one seed; line: mean of {experiment.num_replicas:,} replicas; band: two standard errors"
    if what == "median" and f"{base}.q05" in wide.index:
        return f"one seed; line: median of {experiment.num_replicas:,} replicas; band: 5 % to 95 % of them"
    return "one seed"


def _band(name: str, wide: pd.DataFrame, experiment: Experiment, config: Config) -> dict[str, Any]:
    """Return the band that holds a whole further lineage of the control (`onset.band`), where the control has several seeds."""
    controls = [regime for regime in experiment.regimes if onset.control_of(regime, experiment, config) == regime]
    if len(experiment.seeds) < FEWEST_FOR_A_BAND or not controls or (name, controls[0]) not in wide.index:
        return {}
    own = wide.loc[(name, controls[0])]
    band = onset.band(own.to_numpy().T)
    ends = {"l": _rounded(band.centre - band.half_width), "h": _rounded(band.centre + band.half_width)}
    return {"band": {"g": [int(g) for g in own.index], **ends}}


def _rounded(values: NDArray[np.float64]) -> list[float | None]:
    """Return five significant digits, None where there is no number."""
    return [float(f"{value:.5g}") if math.isfinite(value) else None for value in values.tolist()]
