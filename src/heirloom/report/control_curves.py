"""What stands beside an arm for which no control is run: the control's closed form, or a line that says which comparison is missing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from heirloom import controls
from heirloom.report import expected_curves
from heirloom.report.experiment_results import ExperimentResults
from heirloom.specs.experiment import Experiment
from heirloom.specs.regime import Regime
from heirloom.specs.vector_source import VectorSource
from heirloom.theory import Curve


def by_arm(results: ExperimentResults) -> dict[str, dict[str, Curve]]:
    """Return the closed forms of the controls that an experiment does not run, by arm and measure; arms without any are left out."""
    forms = {regime: control(results.experiment, results.regimes[regime]) for regime in results.missing_controls}
    return {regime: curves for regime, curves in forms.items() if curves}


def missing_comparisons(results: ExperimentResults) -> list[str]:
    """Return a line for each comparison that an experiment lacks: a control of as many rows as an arm, neither run nor computed.

    One more where nobody can tell whether its controls redraw (`controls.unchecked_controls`).
    """
    short = results.experiment.model_copy(update={"generations": 1})  # enough to know whether there is a closed form
    remedies = {regime: words for regime, words in results.missing_controls.items() if not control(short, results.regimes[regime])}
    return [*controls.lines(results.name, remedies), *results.unknown_controls]


def control(experiment: Experiment, regime: Regime) -> dict[str, Curve]:
    """Return what the mathematics expects of a control that is trained, generation by generation, on as many rows as an arm.

    A model of a control is fitted to so many true rows, as an origin is: entry g is entry 0 of an experiment whose ``rows`` are those of
    the arm's generation g. Empty where no closed form is known (`expected_curves.curves`). No pool has to hold so many rows.

    Returns
    -------
    measure to array of shape (generations + 1,)
    """
    if not isinstance(experiment.source, VectorSource):
        return {}
    origin_size = experiment.original_rows or experiment.share_rows(experiment.source.rows)
    sizes = [origin_size, *controls.sizes(regime, experiment.rows, experiment.generations)]
    fits = {size: _fit_to(size, experiment) for size in set(sizes)}
    common_measures = set.intersection(*map(set, fits.values()))
    curves = {}
    for measure in fits[origin_size]:
        if measure in common_measures:
            curves[measure] = np.array([fits[size][measure] for size in sizes])
    return curves


def closed_form(forms: Mapping[str, Mapping[str, Curve]], regime: str, metric: str) -> Curve | None:
    """Return the closed form of a metric, or of the measure whose mean over replicas it is, under a regime; None where there is none."""
    return forms.get(regime, {}).get(metric.removesuffix(".mean"))


def _fit_to(rows: int, experiment: Experiment) -> dict[str, float]:
    """Return the expected measures of a model that is fitted to so many true rows."""
    source = experiment.source.model_copy(update={"rows": rows})
    single = experiment.model_copy(update={"source": source, "rows": rows, "origin_rows": None, "generations": 1, "membership": None})
    curves = expected_curves.curves(single, Regime(pool=1.0, synthetic="none"))
    return {measure: float(curve[0]) for measure, curve in curves.items()}
