"""Every measure by generation, as data for one chart an experiment: arms, bands, the control's band, and theory where it exists."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from heirloom.measures import stages
from heirloom.report import beside, by_arm, expected, onset, tables
from heirloom.report.by_arm import ByArm
from heirloom.report.claims.quantities import FEWEST_GENERATIONS, of_control
from heirloom.report.experiment_results import ExperimentResults
from heirloom.report.shown import SHOWN
from heirloom.specs.experiment import Experiment

if TYPE_CHECKING:
    import pandas as pd

FEWEST_FOR_A_BAND = 2
"""Seeds of the control."""
_SUMMARIES = (".mean", ".median", ".se", ".q05", ".q95")
_BINS = "_histogram."

Curve = dict[str, list[float | None]]
Forms = Mapping[str, Mapping[str, Mapping[str, NDArray[np.float64]]]]
"""Key of a curve → regime → measure → closed form: of the arm under ``t``, of the control that it lacks under ``c``."""


def context(results: ExperimentResults) -> dict[str, Any]:
    """Return one experiment's measures for the script: ``{"arms", "measures": [{"name", "label", "about", "arms"}]}``.

    Under ``arms`` each regime has a curve: ``g`` (generations) and, of the same length, ``v`` (centre), and as far as there are any
    ``l`` and ``h`` (band), ``t`` (theory), ``c`` (theory of a control of as many rows, where none is run). ``onset`` of a measure has the
    generation of each regime that has one, and words.
    """
    onsets, rows = results.onsets, results.curve_rows
    known = by_arm.tables(rows[~rows["metric"].str.contains(_BINS, regex=False)])
    theory = {name: expected.curves(results.experiment, regime) for name, regime in results.regimes.items()}
    forms = {"t": theory, "c": beside.computed(results)}
    names = _listed({metric for metric, _ in known})
    measures = [_measure(name, known, results.experiment, results.constant_control, forms) | _onset(name, onsets) for name in names]
    arms = [{"name": name, "colour": look.colour, "dashes": list(look.dashes)} for name, look in results.looks.items()]
    return {"experiment": results.key, "arms": arms, "measures": measures}


def rows(measure: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a measure of `context` as the rows that `curve.curve` draws; the page's script does the same."""
    told = {"v": "value", "l": "low", "h": "high", "t": "theory", "c": "control"}
    found = [
        {"regime": regime, "generation": generation, **{name: curve[key][at] for key, name in told.items() if key in curve}}
        for regime, curve in measure["arms"].items()
        for at, generation in enumerate(curve["g"])
    ]
    starts = measure.get("onset", {}).get("arms", {})
    for row in found:
        if starts.get(row["regime"]) == row["generation"]:
            row["onset"] = row["value"]
    band = measure.get("band", {"g": [], "l": [], "h": []})
    ends = zip(band["g"], band["l"], band["h"], strict=True)
    return found + [{"generation": g, "control_low": low, "control_high": high} for g, low, high in ends]


def _listed(names: set[str]) -> list[str]:
    """Return what a reader can choose: measures, of replicas their mean and median; the headlines first."""
    of_replicas = {name.removesuffix(".mean") for name in names if name.endswith(".mean") and f"{name.removesuffix('.mean')}.se" in names}
    parts = {base + suffix for base in of_replicas for suffix in _SUMMARIES}
    listed = (names - parts) | {base + suffix for base in of_replicas for suffix in (".mean", ".median")}
    places = {name: place for place, name in enumerate(tables.HEADLINES)}
    return sorted(listed, key=lambda name: (places.get(name, len(places)), name))


def _measure(name: str, known: ByArm, experiment: Experiment, control: str | None, forms: Forms) -> dict[str, Any]:
    curves = {}
    for regime in experiment.regimes:
        if (curve := _curve(name, regime, known, experiment)) is not None:
            found = {part: beside.closed_form(known_forms, regime, name) for part, known_forms in forms.items()}
            generations = [int(g) for g in curve["g"] if g is not None]
            curves[regime] = curve | {part: _rounded(form[generations]) for part, form in found.items() if form is not None}
    words = SHOWN.get(name) or SHOWN.get(name.removesuffix(".mean"))
    label = f"{words} ({name})" if words else name
    return {"name": name, "label": label, "about": _about(name, known, experiment), "arms": curves} | _band(
        name, known, experiment, control
    )


def _curve(name: str, regime: str, known: ByArm, experiment: Experiment) -> Curve | None:
    """Return an arm's curve from the origin on: mean over seeds with least and greatest, or of one seed the band over replicas."""
    values = by_arm.joined(known, name, regime)
    if values is None:
        return None
    centre = values.mean(axis=1)
    curve: Curve = {"g": [int(g) for g in values.index], "v": _rounded(centre.to_numpy())}
    if len(experiment.seeds) > 1:
        return curve | {"l": _rounded(values.min(axis=1).to_numpy()), "h": _rounded(values.max(axis=1).to_numpy())}
    base, _, what = name.rpartition(".")
    if what == "mean" and (errors := by_arm.joined(known, f"{base}.se", regime)) is not None:
        half = 2 * errors.mean(axis=1)
        return curve | {"l": _rounded((centre - half).to_numpy()), "h": _rounded((centre + half).to_numpy())}
    ends = [by_arm.joined(known, f"{base}.{quantile}", regime) for quantile in ("q05", "q95")] if what == "median" else [None]
    if all(end is not None for end in ends):
        low, high = (_rounded(end.mean(axis=1).to_numpy()) for end in ends if end is not None)
        return curve | {"l": low, "h": high}
    return curve


def _about(name: str, known: ByArm, experiment: Experiment) -> str:
    if len(experiment.seeds) > 1:
        return f"line: mean of {len(experiment.seeds)} seeds; band: least to greatest"
    base, _, what = name.rpartition(".")
    if what == "mean" and _has(known, f"{base}.se"):
        return f"one seed; line: mean of {experiment.num_replicas:,} replicas; band: two standard errors"
    if what == "median" and _has(known, f"{base}.q05"):
        return f"one seed; line: median of {experiment.num_replicas:,} replicas; band: 5 % to 95 % of them"
    return "one seed"


def _has(known: ByArm, metric: str) -> bool:
    return any(measured == metric for measured, _ in known)


def _band(name: str, known: ByArm, experiment: Experiment, control: str | None) -> dict[str, Any]:
    """Return the band (`onset.band`) of the control of constant size, where there is anything that it can stand on.

    With several seeds it holds a whole further lineage of the control. With one, and no replicas, it holds one more generation of the
    control, as if its generations were independent lineages: their rows are redrawn every time. Of a measure of rows it begins at
    generation 2, since the rows of generation 1 are the origin's.
    """
    if control is None or (name, control) not in known:
        return {}
    own = known[name, control]
    if len(experiment.seeds) < FEWEST_FOR_A_BAND:
        own = of_control(own, name)
    if len(experiment.seeds) >= FEWEST_FOR_A_BAND:
        band, words = onset.band(own.to_numpy().T), "grey: where a further lineage of the control would lie"
    elif experiment.num_replicas == 1 and len(own) >= FEWEST_GENERATIONS:
        band, words = onset.band(own.to_numpy()), "grey: where one more generation of the control would lie"
    else:
        return {}
    low, high = (_rounded(np.broadcast_to(end, len(own))) for end in (band.centre - band.half_width, band.centre + band.half_width))
    return {"band": {"g": [int(g) for g in own.index], "l": low, "h": high, "about": words}}


def _onset(name: str, onsets: pd.DataFrame) -> dict[str, Any]:
    """Return where each arm begins to collapse by a measure, with the level; or why that is not estimable."""
    measure = name.removesuffix(".median")
    if measure not in stages.DIRECTIONS or onsets.empty:
        return {}
    own = onsets[(onsets["measure"] == measure) & onsets["level"].notna()]
    if own.empty:
        reasons = onsets.loc[onsets["measure"].isin(["", measure]), "note"].tolist()
        return {"onset": {"arms": {}, "about": f"onset of collapse: {reasons[0]}"}} if reasons else {}
    reached = own.dropna(subset="onset")
    arms = {str(regime): int(first) for regime, first in zip(reached["regime"], reached["onset"], strict=True)}
    tested = f"{own['units'].iloc[0]}, level {100 * own['level'].iloc[0]:.1f} %"
    words = f"triangle: onset of collapse ({tested})" if arms else f"onset of collapse: none ({tested})"
    return {"onset": {"arms": arms, "about": words}}


def _rounded(values: NDArray[np.float64]) -> list[float | None]:
    """Return five significant digits, None where there is no number."""
    return [float(f"{value:.5g}") if math.isfinite(value) else None for value in values.tolist()]
