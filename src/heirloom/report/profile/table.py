"""The profile of every arm of a config: a row per arm and definition, written after a run and read again by the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from heirloom import controls, digests
from heirloom.artefacts import paths
from heirloom.config import Config
from heirloom.report import expected_curves, tables, units
from heirloom.report.profile import roles
from heirloom.report.profile.arm import Arm, first_common
from heirloom.report.profile.definitions import DEFINITIONS, HORIZON
from heirloom.specs.experiment import Experiment
from heirloom.theory import Curve

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("experiment", "variant", "regime", "control", "definition", "verdict", "value", "low", "high", "measure", "units", "note")
_NUMBERS = ("value", "low", "high")

MOST_FITS = 10_000
"""Generations up to which a closed form is followed."""


def table(frame: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Return the profiles of all arms but the controls, with the columns `COLUMNS`.

    Parameters
    ----------
    frame
        Tidy rows (`tables.gather`).

    Raises
    ------
    HeirloomError
        If a file of replicas is not as it was recorded.
    """
    import pandas as pd

    units_of = {key: _units(frame, key, config) for key in config.experiments}
    lines: list[tuple[object, ...]] = []
    for key in config.experiments:
        lines += _lines(key, config, units_of)
    return pd.DataFrame(lines, columns=list(COLUMNS)).astype(dict.fromkeys(_NUMBERS, "float64"))


def load(config: Config, key: str) -> pd.DataFrame | None:
    """Return the profiles of one experiment that the last run has written; None where none were.

    Raises
    ------
    HeirloomError
        If they do not have their recorded digest.
    """
    import pandas as pd

    results = config.results
    if not Path(paths.fingerprint(results.profile)).exists():
        return None
    file = digests.check(results.profile, results.repair)
    profiles = pd.read_csv(file, dtype=str, keep_default_na=False)
    name, variant = tables.names(key, config.experiments[key])
    of_experiment = profiles[(profiles["experiment"] == name) & (profiles["variant"] == variant)]
    return of_experiment.replace({column: {"": "nan"} for column in _NUMBERS}).astype(dict.fromkeys(_NUMBERS, "float64"))


def sizes(key: str, config: Config) -> dict[int, str]:
    """Return the variants of an experiment's grid that differ from it in their rows alone, itself among them, by their rows."""
    experiment = config.experiments[key]
    if not experiment.variant_of:
        return {}
    common = {"rows": 1, "point": {}}
    relatives = {
        other.rows: name
        for name, other in config.experiments.items()
        if other.variant_of == experiment.variant_of and other.model_copy(update=common) == experiment.model_copy(update=common)
    }
    return dict(sorted(relatives.items()))


def _units(frame: pd.DataFrame, key: str, config: Config) -> units.Units:
    experiment = config.experiments[key]
    rows = tables.of_experiment(frame, key, experiment)
    whole = units.of_experiment(rows, experiment, units.of_replicas(experiment, config))
    return whole._replace(rows=whole.rows[whole.rows["metric"].isin(roles.METRICS)])


def _lines(key: str, config: Config, units_of: Mapping[str, units.Units]) -> Iterator[tuple[object, ...]]:
    experiment = config.experiments[key]
    place = tables.names(key, experiment)
    for regime in experiment.regimes:
        if config.regimes[regime].is_control:
            continue
        control = controls.control_of(regime, experiment, config) or ""
        arm = _arm(key, regime, config, units_of)
        grid = {rows: _arm(name, regime, config, units_of) for rows, name in sizes(key, config).items()}
        risk = first_common(roles.RISK, arm.rows)
        forms = {} if risk is None or risk.removesuffix(".median") in roles.BOUNDED else _forms(experiment, regime, config)
        whole_arm = Arm(arm.units, arm.rows, arm.control, forms, experiment.rows, grid)
        for definition, test in DEFINITIONS.items():
            verdict, measure, *numbers, note = test(whole_arm)
            yield (*place, regime, control, definition, verdict, *numbers, measure, arm.units.words, note)


def _arm(key: str, regime: str, config: Config, units_of: Mapping[str, units.Units]) -> Arm:
    compared = units_of[key]
    control = controls.control_of(regime, config.experiments[key], config)
    control_rows = None if control is None else units.by_metric(compared, control)
    return Arm(compared, units.by_metric(compared, regime), control_rows)


def _forms(experiment: Experiment, regime: str, config: Config) -> dict[str, Curve]:
    """Return an arm's closed forms up to `HORIZON` times its rows, or `MOST_FITS` generations."""
    last = min(HORIZON * experiment.rows, MOST_FITS)
    longer = experiment.model_copy(update={"generations": last, "until": None})
    return expected_curves.curves(longer, config.regimes[regime])
