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
    candidates = [players(claims, arm, experiment, config) for arm in names]
    origin = {kinds.ORIGIN: kinds.ORIGIN}
    return [dict(zip(names, regimes, strict=True)) | origin for regimes in itertools.product(*candidates)]


def players(claims: Claims, arm: str, experiment: Experiment, config: Config) -> list[str]:
    """Return the regimes of an experiment that play an arm; at most one if the arm has no free key.

    The control that has as many rows plays an arm that is a control (`controls.control_of_declaration`).
    """
    declaration = claims.arms[arm]
    if declaration.is_control:
        control = controls.control_of_declaration(declaration, experiment, config)
        return [] if control is None else [control]
    free_keys = claims.any_share.get(arm, [])
    names = [name for name in experiment.regimes if _plays(config.regimes[name], declaration, free_keys)]
    return names if free_keys else names[:1]


def free_values(claims: Claims, arms: Arms, config: Config) -> str:
    """Return the values of the free keys of the arms that are played, in words; empty if no arm has a free key."""
    phrases = []
    for arm, name in arms.items():
        free_keys = claims.any_share.get(arm, [])
        settings = flat(config.regimes[name]) if free_keys else {}
        values = ", ".join(f"{key} {settings[key]}" for key in free_keys if settings.get(key) is not None)
        if values:
            phrases.append(f"{arm}: {values}")
    return "; ".join(phrases)


def flat(model: Experiment | Regime) -> dict[str, object]:
    """Return settings as dotted key → value, without an experiment's place in a grid."""
    from heirloom.lineage.settings import by_dotted_key

    return by_dotted_key(model.model_dump(exclude={"point"}))


def _plays(regime: Regime, declaration: Regime, free_keys: Sequence[str]) -> bool:
    """Return whether a regime has a declaration, but for free keys, whose shares must lie between 0 and 1."""
    if not free_keys:
        return regime == declaration
    settings = flat(regime)
    shares = [value for value in map(settings.get, free_keys) if isinstance(value, float)]
    if not all(0.0 < share < 1.0 for share in shares):
        return False
    return _without(settings, free_keys) == _without(flat(declaration), free_keys)


def _without(settings: Mapping[str, object], keys: Collection[str]) -> dict[str, object]:
    return {key: value for key, value in settings.items() if key not in keys}
