"""Which regime of an experiment plays which arm of the claims: the one with the same declaration, whatever its name."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence

from heirloom import controls
from heirloom.artefacts import kinds
from heirloom.config import Config
from heirloom.report.claims.specs import Claims
from heirloom.specs.experiment import Experiment
from heirloom.specs.regime import Regime

Arms = Mapping[str, str]
"""Name in the claims → name in the config."""


def bindings(claims: Claims, arms: Collection[str], experiment: Experiment, config: Config) -> list[Arms]:
    """Return every way in which an experiment's regimes play some arms: several if an arm may have any share, none if an arm is missing.

    Parameters
    ----------
    arms
        Names under `Claims.arms`.
    """
    names = sorted(arms)
    played = [players(claims, arm, experiment, config) for arm in names]
    return [dict(zip(names, regimes, strict=True)) | {kinds.ORIGIN: kinds.ORIGIN} for regimes in itertools.product(*played)]


def players(claims: Claims, arm: str, experiment: Experiment, config: Config) -> list[str]:
    """Return the regimes of an experiment that play an arm; at most one if the arm has no free key.

    The control that has as many rows plays an arm that is a control (`controls.control_of_declaration`).
    """
    if claims.arms[arm].is_control:
        control = controls.control_of_declaration(claims.arms[arm], experiment, config)
        return [] if control is None else [control]
    free = claims.any_share.get(arm, [])
    matching = [name for name in experiment.regimes if _plays(config.regimes[name], claims.arms[arm], free)]
    return matching if free else matching[:1]


def stated(claims: Claims, arms: Arms, config: Config) -> str:
    """Return the values of the free keys of the arms that are played, in words; empty if no arm has a free key."""
    words = []
    for arm, name in arms.items():
        values = flat(config.regimes[name]) if arm in claims.any_share else {}
        shown = [f"{key} {values[key]}" for key in claims.any_share.get(arm, []) if values.get(key) is not None]
        words += [f"{arm}: {', '.join(shown)}"] if shown else []
    return "; ".join(words)


def flat(model: Experiment | Regime) -> dict[str, object]:
    """Return settings as dotted key → value, without an experiment's place in a grid."""
    from heirloom.lineage.settings import dotted

    return dotted(model.model_dump(exclude={"point"}))


def _plays(regime: Regime, part: Regime, free: Sequence[str]) -> bool:
    if not free:
        return regime == part
    values, wanted = flat(regime), flat(part)
    shares = [values.get(key) for key in free]
    if any(isinstance(share, float) and not 0.0 < share < 1.0 for share in shares):
        return False
    return {key: value for key, value in values.items() if key not in free} == {
        key: value for key, value in wanted.items() if key not in free
    }
