"""What exactly a run lacks for a claim that it does not test: a family, a setting, an arm, a variant or a measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from heirloom import controls
from heirloom.config import Config
from heirloom.report.claims.parts import Arms, bindings, flat, players
from heirloom.report.claims.quantities import Run, generation_of, measured, sibling
from heirloom.report.claims.specs import Claim, Claims, Expected, Leaf, Where
from heirloom.specs.experiment import Experiment


class Lack(NamedTuple):
    """Something that an experiment would need.

    Attributes
    ----------
    is_kind
        Whether another kind of experiment is needed.
    is_measured
        Whether the config has all that is needed, and only a measure or a closed form is missing.
    """

    words: str
    is_kind: bool = False
    is_measured: bool = False


def of_config(claim: Claim, claims: Claims, key: str, config: Config) -> list[Lack]:
    """Return what an experiment of a config lacks for a claim, before a run; empty if it fits."""
    experiment = config.experiments[key]
    settings = flat(experiment)
    lacks = [Lack(words, is_kind=True) for words in _kind(claim.where, experiment)]
    for name, value in claim.where.settings.items():
        if name not in settings:
            lacks.append(Lack(f"{name}: {value}", is_kind=True))
        elif settings[name] != value:
            lacks.append(Lack(f"{name}: {value} (there: {settings[name]})"))
    absent = [arm for arm in sorted(claim.arms) if not players(claims, arm, experiment, config)]
    lacks += [Lack(_absent(arm, claims, experiment, config)) for arm in absent]
    others = [leaf.settings for leaf in claim.leaves if not isinstance(leaf, Expected) and leaf.settings]
    lacks += [Lack(f"a variant of its grid with {_spelled(other)}") for other in others if sibling(other, experiment, config) is None]
    return list(dict.fromkeys(lacks))


def of_run(claim: Claim, key: str, arms: Arms, runs: Mapping[str, Run]) -> list[Lack]:
    """Return what the measures of a finished run lack for a claim that its experiment fits; empty if it can be tested."""
    if runs[key].last < 1:
        return [Lack("chains enough to estimate an expectation at any generation", is_measured=True)]
    lacks = [_unmeasured(leaf, claim, key, arms, runs) for leaf in claim.leaves if measured(leaf, key, arms, runs) is None]
    return list(dict.fromkeys(lacks))


def nearest(claim: Claim, claims: Claims, config: Config, runs: Mapping[str, Run]) -> str:
    """Return one sentence: what the experiment nearest to a test of the claim lacks, or which kind of experiment is missing."""
    found = {key: _all(claim, claims, key, config, runs) for key in config.experiments}
    key = min(found, key=lambda name: _distance(found[name]))
    kinds = [lack.words for lack in found[key] if lack.is_kind or (claim.needs and lack.is_measured)]
    if kinds:
        return f"no experiment has {' and '.join(kinds)}"
    return f"{key} comes nearest; it lacks {'; '.join(lack.words for lack in found[key])}"


def _distance(lacks: Sequence[Lack]) -> tuple[int, int, int]:
    """Return how far an experiment is from a claim: another kind of experiment is farthest, a missing measure nearest."""
    return sum(lack.is_kind for lack in lacks), sum(not lack.is_measured for lack in lacks), len(lacks)


def _all(claim: Claim, claims: Claims, key: str, config: Config, runs: Mapping[str, Run]) -> list[Lack]:
    lacks = of_config(claim, claims, key, config)
    if not lacks:
        each = [of_run(claim, key, arms, runs) for arms in bindings(claims, claim.arms, config.experiments[key], config)]
        return min(each, key=len)
    metrics = {metric for metric, _ in runs[key].known}
    for leaf in claim.leaves:
        if not isinstance(leaf, Expected) and metrics.isdisjoint([leaf.measure, f"{leaf.measure}.{leaf.over}"]):
            lacks.append(_no_measure(leaf.measure, claim))
    return list(dict.fromkeys(lacks))


def _kind(where: Where, experiment: Experiment) -> list[str]:
    wrong = [f"the family {where.family}"] if where.family not in (None, experiment.family.name) else []
    rows = "text" if experiment.is_text else "vectors"
    return wrong + ([f"rows of {where.rows}"] if where.rows not in (None, rows) else [])


def _unmeasured(leaf: Leaf, claim: Claim, key: str, arms: Arms, runs: Mapping[str, Run]) -> Lack:
    run, regime = runs[key], arms[leaf.arm]
    generation = generation_of(leaf, run.last)
    if isinstance(leaf, Expected):
        return Lack(f"a closed form of {leaf.expected} under {regime} that generation {generation} can be compared with", is_measured=True)
    if not any(metric in (leaf.measure, f"{leaf.measure}.{leaf.over}") for metric, _ in run.known):
        return _no_measure(leaf.measure, claim)
    return Lack(f"{leaf.measure} under {regime} at generation {generation}", is_measured=True)


def _absent(arm: str, claims: Claims, experiment: Experiment, config: Config) -> str:
    part = claims.arms[arm]
    if part.is_control and (control := controls.control_of_equal_size(part, experiment, config)):
        return f"source.rows above {min(controls.sizes(part, experiment.rows, experiment.generations))}: {control} redraws nothing"
    return f"a regime declared as {arm}: {_declared(claims, arm)}"


def _no_measure(measure: str, claim: Claim) -> Lack:
    return Lack(f"the measure {measure}" + (f", which needs {claim.needs}" if claim.needs else ""), is_measured=True)


def _declared(claims: Claims, arm: str) -> str:
    """Return an arm's declaration as one line of YAML, which marks the keys that may have any value."""
    declaration = claims.arms[arm].model_dump(exclude_defaults=True)
    return f"{{{_spelled(_replaced(declaration, claims.any_share.get(arm, [])))}}}"


def _replaced(content: dict[str, Any], free: list[str]) -> dict[str, Any]:
    values = dict(content)
    for key in free:
        head, _, rest = key.partition(".")
        values[head] = _replaced(values.get(head) or {}, [rest]) if rest else "any"
    return values


def _spelled(content: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}: {{{_spelled(value)}}}" if isinstance(value, Mapping) else f"{key}: {value}" for key, value in content.items())
