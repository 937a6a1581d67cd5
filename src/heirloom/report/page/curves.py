"""Every measure by generation, as data for one chart per experiment: arms, bands, the control's band, and theory where it exists."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from heirloom.measures import stages
from heirloom.report import by_arm, control_curves, expected_curves, measure_words, onset, tables
from heirloom.report.by_arm import ByArm
from heirloom.report.claims.quantities import FEWEST_GENERATIONS, scatter_generations
from heirloom.report.experiment_results import ExperimentResults
from heirloom.report.intervals import FEW, centres, on_logarithm
from heirloom.report.looks import Look
from heirloom.specs.experiment import Experiment

if TYPE_CHECKING:
    import pandas as pd

FEWEST_FOR_A_BAND = 2
"""Seeds of the control."""
_SUMMARIES = (".mean", ".median", ".se", ".q05", ".q95")
_BINS = "_histogram."
_COLUMNS = {"v": "value", "l": "low", "h": "high", "t": "theory", "c": "control"}
"""Key of a curve → column of `rows`."""

Curve = dict[str, list[float | None]]
Forms = Mapping[str, Mapping[str, Mapping[str, NDArray[np.float64]]]]
"""Key of a curve → regime → measure → closed form: of the arm under ``t``, of the control that it lacks under ``c``."""


def context(results: ExperimentResults, above: str = "") -> dict[str, Any]:
    """Return one experiment's measures for the script: ``{"arms", "measures": [{"name", "words", "group", "about", "arms"}]}``.

    Under ``arms`` each regime has a curve: ``g`` (generations) and, of the same length, ``v`` (centre), and as far as there are any
    ``l`` and ``h`` (band), ``s0``, ``s1``, … (a seed), ``t`` (theory), ``c`` (theory of a control of as many rows, where none is run).
    ``onset`` of a measure has the generation of each regime that has one, and words. Measures of a group stand together. ``start`` is
    the measure that is shown first, ``headline`` the one that stands for the experiment, ``last`` the last generation.

    Parameters
    ----------
    above
        The metric of the chart on top of the page, if it is of this experiment: it is not shown first a second time.
    """
    rows, onsets = results.curve_rows, results.onsets
    is_bin = rows["metric"].str.contains(_BINS, regex=False)
    by_metric = by_arm.tables(rows[~is_bin])
    theory = {name: expected_curves.curves(results.experiment, regime) for name, regime in results.regimes.items()}
    forms = {"t": theory, "c": control_curves.by_arm(results)}
    names = _choices({metric for metric, _ in by_metric})
    measures = [_measure(name, by_metric, results, forms) | _onset(name, onsets) for name in names]
    head = {"experiment": results.key, "arms": _arms(results.looks), "last": results.experiment.generations}
    return {**head, "start": _start(names, above), "headline": _start(names, ""), "measures": measures}


def _start(names: Sequence[str], above: str) -> str:
    """Return the headline that an explorer begins with; the first measure where it has none."""
    headlines = [name for name in tables.HEADLINES if name in names and name != above]
    return headlines[0] if headlines else names[0]


def _arms(looks: Mapping[str, Look]) -> list[dict[str, Any]]:
    return [{"name": name, "colour": look.colour, "dashes": list(look.dashes)} for name, look in looks.items()]


def rows(measure: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a measure of `context` as the rows that `curve.curve` draws; the page's script does the same."""
    points = [_point(regime, curve, place) for regime, curve in measure["arms"].items() for place in range(len(curve["g"]))]
    starts = measure.get("onset", {}).get("arms", {})
    for point in points:
        if starts.get(point["regime"]) == point["generation"]:
            point["onset"] = point["value"]
    band = measure.get("band", {"g": [], "l": [], "h": []})
    ends = zip(band["g"], band["l"], band["h"], strict=True)
    return points + [{"generation": g, "control_low": low, "control_high": high} for g, low, high in ends]


def _point(regime: str, curve: Curve, place: int) -> dict[str, Any]:
    numbers = {name: curve[key][place] for key, name in _COLUMNS.items() if key in curve}
    return {"regime": regime, "generation": curve["g"][place], **numbers}


def _choices(names: set[str]) -> list[str]:
    """Return what a reader can choose: measures, of replicas their mean and median; the headlines first."""
    means = {name.removesuffix(".mean") for name in names if name.endswith(".mean")}
    measures_of_replicas = [measure for measure in means if f"{measure}.se" in names]
    choices = set(names)
    for measure in measures_of_replicas:
        choices -= {measure + suffix for suffix in _SUMMARIES}
        choices |= {f"{measure}.mean", f"{measure}.median"}
    places = {name: place for place, name in enumerate(tables.HEADLINES)}
    groups = {name: place for place, name in enumerate([*measure_words.groups(), measure_words.OTHERS])}
    return sorted(choices, key=lambda name: (groups[measure_words.of_metric(name).group], places.get(name, len(places)), name))


def _measure(name: str, by_metric: ByArm, results: ExperimentResults, forms: Forms) -> dict[str, Any]:
    experiment = results.experiment
    curves = {}
    for regime in experiment.regimes:
        curve = _curve(name, regime, by_metric, experiment)
        if curve is not None:
            curves[regime] = curve | _theory(name, regime, curve, forms)
    words = measure_words.of_metric(name)._asdict()
    measure = {"name": name, **words, "about": _about(name, by_metric, experiment), "arms": curves}
    return measure | _band(name, by_metric, experiment, results.constant_control)


def _theory(name: str, regime: str, curve: Curve, forms: Forms) -> Curve:
    """Return the closed forms of a measure at the generations of an arm's curve, as far as there are any."""
    generations = [int(g) for g in curve["g"] if g is not None]
    form_of = {key: control_curves.closed_form(by_regime, regime, name) for key, by_regime in forms.items()}
    return {key: five_digits(form[generations]) for key, form in form_of.items() if form is not None}


def _curve(name: str, regime: str, by_metric: ByArm, experiment: Experiment) -> Curve | None:
    """Return an arm's curve from the origin on: centre over seeds with least and greatest, or of one seed the band over replicas."""
    values = by_arm.with_origin(by_metric, name, regime)
    if values is None:
        return None
    centre = centres(name, values)
    curve: Curve = {"g": [int(g) for g in values.index], "v": five_digits(centre.to_numpy())}
    if len(experiment.seeds) > 1:
        return curve | _seeds(values) | _ends(values.min(axis=1), values.max(axis=1))
    measure, _, summary = name.rpartition(".")
    if summary == "mean":
        errors = by_arm.with_origin(by_metric, f"{measure}.se", regime)
        if errors is not None:
            half = 2 * errors.mean(axis=1)
            return curve | _ends(centre - half, centre + half)
    if summary == "median":
        low = by_arm.with_origin(by_metric, f"{measure}.q05", regime)
        high = by_arm.with_origin(by_metric, f"{measure}.q95", regime)
        if low is not None and high is not None:
            return curve | _ends(low.mean(axis=1), high.mean(axis=1))
    return curve


def _seeds(values: pd.DataFrame) -> Curve:
    """Return a line per seed where seeds are few."""
    if values.shape[1] >= FEW:
        return {}
    return {f"s{place}": five_digits(values.iloc[:, place].to_numpy()) for place in range(values.shape[1])}


def is_of_seed(key: str) -> bool:
    """Return whether a key of a curve is of a single seed."""
    return key.startswith("s") and key[1:].isdecimal()


def _ends(low: pd.Series, high: pd.Series) -> Curve:
    return {"l": five_digits(low.to_numpy()), "h": five_digits(high.to_numpy())}


def _about(name: str, by_metric: ByArm, experiment: Experiment) -> str:
    if len(experiment.seeds) > 1:
        average = "geometric mean" if on_logarithm(name) else "mean"
        return f"line: {average} of {len(experiment.seeds)} seeds; band: least to greatest"
    metrics = {metric for metric, _ in by_metric}
    measure, _, summary = name.rpartition(".")
    if summary == "mean" and f"{measure}.se" in metrics:
        return f"one seed; line: mean of {experiment.num_replicas:,} replicas; band: two standard errors"
    if summary == "median" and f"{measure}.q05" in metrics:
        return f"one seed; line: median of {experiment.num_replicas:,} replicas; band: 5 % to 95 % of them"
    return "one seed"


def _band(name: str, by_metric: ByArm, experiment: Experiment, control: str | None) -> dict[str, Any]:
    """Return the band (`onset.band`) of the control of constant size, where there is anything that it can be based on.

    With several seeds it holds a whole further lineage of the control. With one, and no replicas, it holds one more generation of the
    control, as if its generations were independent lineages: their rows are redrawn every time. Of a measure of rows it begins at
    generation 2, since the rows of generation 1 are the origin's.
    """
    if control is None or (name, control) not in by_metric:
        return {}
    table = by_metric[name, control]
    if len(experiment.seeds) >= FEWEST_FOR_A_BAND:
        return _band_around(table, onset.band(table.to_numpy().T), "grey: where a further lineage of the control would lie")
    table = scatter_generations(table, name)
    if experiment.num_replicas > 1 or len(table) < FEWEST_GENERATIONS:
        return {}
    return _band_around(table, onset.band(table.to_numpy()), "grey: where one more generation of the control would lie")


def _band_around(table: pd.DataFrame, band: onset.Band, words: str) -> dict[str, Any]:
    generations = [int(g) for g in table.index]
    low = five_digits(np.broadcast_to(band.centre - band.half_width, len(table)))
    high = five_digits(np.broadcast_to(band.centre + band.half_width, len(table)))
    return {"band": {"g": generations, "l": low, "h": high, "about": words}}


def _onset(name: str, onsets: pd.DataFrame) -> dict[str, Any]:
    """Return where each arm begins to collapse by a measure, with the level; or why that is not estimable."""
    measure = name.removesuffix(".median")
    if measure not in stages.DIRECTIONS or onsets.empty:
        return {}
    tests = onsets[(onsets["measure"] == measure) & onsets["level"].notna()]
    if tests.empty:
        reasons = onsets.loc[onsets["measure"].isin(["", measure]), "note"].tolist()
        return {"onset": {"arms": {}, "about": f"onset of collapse: {reasons[0]}"}} if reasons else {}
    onset_rows = tests.dropna(subset="onset")
    arms = {str(regime): int(first) for regime, first in zip(onset_rows["regime"], onset_rows["onset"], strict=True)}
    units, level = tests["units"].iloc[0], tests["level"].iloc[0]
    basis = f"{units}, level {100 * level:.1f} %"
    words = f"triangle: onset of collapse ({basis})" if arms else f"onset of collapse: none ({basis})"
    return {"onset": {"arms": arms, "about": words}}


def five_digits(values: NDArray[np.floating[Any]]) -> list[float | None]:
    """Return five significant digits, None where there is no number."""
    return [float(f"{value:.5g}") if math.isfinite(value) else None for value in values.tolist()]
