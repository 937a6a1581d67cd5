"""What exactly a run lacks for a claim that it does not test: a family, a setting, an arm, a variant or a measure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from heirloom import controls
from heirloom.config import Config
from heirloom.report.claims.parts import Arms, bindings, flat, players
from heirloom.report.claims.quantities import Run, generation_of, leaf_value, sibling
from heirloom.report.claims.specs import Claim, Claims, ClosedForm, Leaf, Where
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
    lacks = [
        *_kinds(claim.where, experiment),
        *_settings(claim.where, experiment),
        *_arms(claim, claims, experiment, config),
        *_variants(claim, experiment, config),
    ]
    return _distinct(lacks)


def of_run(claim: Claim, key: str, arms: Arms, runs: Mapping[str, Run]) -> list[Lack]:
    """Return what the measures of a finished run lack for a claim that its experiment fits; empty if it can be tested."""
    if runs[key].last < 1:
        return [Lack("chains enough to estimate an expectation at any generation", is_measured=True)]
    gaps = [leaf for leaf in claim.leaves if leaf_value(leaf, key, arms, runs) is None]
    return _distinct(_measure(leaf, claim, runs[key], arms[leaf.arm]) for leaf in gaps)


def nearest(claim: Claim, claims: Claims, config: Config, runs: Mapping[str, Run]) -> str:
    """Return one sentence: what the experiment nearest to a test of the claim lacks, or which kind of experiment is missing."""
    lacks_of = {key: _lacks(claim, claims, key, config, runs) for key in config.experiments}
    key = min(lacks_of, key=lambda name: _distance(lacks_of[name]))
    lacks = lacks_of[key]
    kinds = [lack.words for lack in lacks if lack.is_kind or (claim.needs and lack.is_measured)]
    if kinds:
        return f"no experiment has {' and '.join(kinds)}"
    phrases = "; ".join(lack.words for lack in lacks)
    return f"{key} comes nearest; it lacks {phrases}"


def _distance(lacks: Sequence[Lack]) -> tuple[int, int, int]:
    """Return how far an experiment is from a claim: another kind of experiment is farthest, a missing measure nearest."""
    num_kinds = sum(lack.is_kind for lack in lacks)
    num_settings = sum(not lack.is_measured for lack in lacks)
    return num_kinds, num_settings, len(lacks)


def _lacks(claim: Claim, claims: Claims, key: str, config: Config, runs: Mapping[str, Run]) -> list[Lack]:
    """Return all that an experiment lacks; of several ways to play the arms, the one that lacks the least."""
    lacks = of_config(claim, claims, key, config)
    if not lacks:
        castings = bindings(claims, claim.arms, config.experiments[key], config)
        return min((of_run(claim, key, arms, runs) for arms in castings), key=len)
    metrics = {metric for metric, _ in runs[key].tables}
    measures = [leaf for leaf in claim.leaves if not isinstance(leaf, ClosedForm)]
    lacks += [_no_measure(leaf.measure, claim) for leaf in measures if metrics.isdisjoint(leaf.metrics)]
    return _distinct(lacks)


def _kinds(where: Where, experiment: Experiment) -> Iterator[Lack]:
    """Yield the family and the kind of rows that a claim asks for and an experiment does not have."""
    rows = "text" if experiment.is_text else "vectors"
    if where.family not in (None, experiment.family.name):
        yield Lack(f"the family {where.family}", is_kind=True)
    if where.rows not in (None, rows):
        yield Lack(f"rows of {where.rows}", is_kind=True)


def _settings(where: Where, experiment: Experiment) -> Iterator[Lack]:
    """Yield the settings of a claim that an experiment cannot have, or has with another value."""
    settings = flat(experiment)
    for name, value in where.settings.items():
        if name not in settings:
            yield Lack(f"{name}: {value}", is_kind=True)
        elif settings[name] != value:
            yield Lack(f"{name}: {value} (there: {settings[name]})")


def _arms(claim: Claim, claims: Claims, experiment: Experiment, config: Config) -> Iterator[Lack]:
    """Yield the arms of a claim that no regime of an experiment plays."""
    for arm in sorted(claim.arms):
        if not players(claims, arm, experiment, config):
            yield Lack(_arm(arm, claims, experiment, config))


def _arm(arm: str, claims: Claims, experiment: Experiment, config: Config) -> str:
    declaration = claims.arms[arm]
    control = controls.control_of_equal_size(declaration, experiment, config) if declaration.is_control else None
    if not control:
        return f"a regime declared as {arm}: {_declaration(claims, arm)}"
    sizes = controls.sizes(declaration, experiment.rows, experiment.generations)
    return f"source.rows above {min(sizes)}: {control} redraws nothing"


def _variants(claim: Claim, experiment: Experiment, config: Config) -> Iterator[Lack]:
    """Yield the variants of an experiment's grid that a claim names and a config does not have."""
    for leaf in claim.leaves:
        if isinstance(leaf, ClosedForm) or not leaf.settings:
            continue
        if sibling(leaf.settings, experiment, config) is None:
            yield Lack(f"a variant of its grid with {_yaml(leaf.settings)}")


def _measure(leaf: Leaf, claim: Claim, run: Run, regime: str) -> Lack:
    generation = generation_of(leaf, run.last)
    if isinstance(leaf, ClosedForm):
        return Lack(f"a closed form of {leaf.expected} under {regime} that generation {generation} can be compared with", is_measured=True)
    if not any(metric in leaf.metrics for metric, _ in run.tables):
        return _no_measure(leaf.measure, claim)
    return Lack(f"{leaf.measure} under {regime} at generation {generation}", is_measured=True)


def _no_measure(measure: str, claim: Claim) -> Lack:
    reason = f", which needs {claim.needs}" if claim.needs else ""
    return Lack(f"the measure {measure}{reason}", is_measured=True)


def _declaration(claims: Claims, arm: str) -> str:
    """Return an arm's declaration as one line of YAML, which marks the keys that may have any value."""
    declaration = claims.arms[arm].model_dump(exclude_defaults=True)
    free_keys = claims.any_share.get(arm, [])
    return f"{{{_yaml(_with_any(declaration, free_keys))}}}"


def _with_any(content: dict[str, Any], free_keys: list[str]) -> dict[str, Any]:
    """Return nested settings with the word "any" under the dotted keys that may have any value."""
    values = dict(content)
    for key in free_keys:
        head, _, tail = key.partition(".")
        values[head] = _with_any(values.get(head) or {}, [tail]) if tail else "any"
    return values


def _yaml(content: Mapping[str, Any]) -> str:
    """Return nested settings as one line of YAML, without the outermost braces."""
    pairs = []
    for key, value in content.items():
        words = f"{{{_yaml(value)}}}" if isinstance(value, Mapping) else value
        pairs.append(f"{key}: {words}")
    return ", ".join(pairs)


def _distinct(lacks: Iterable[Lack]) -> list[Lack]:
    return list(dict.fromkeys(lacks))
