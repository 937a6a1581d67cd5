"""Which closed forms an experiment has: the one place where a regime's declaration becomes the plain numbers of `theory.arm`.

Curves are in the source's units: entry g is the expectation of a measure of model g over replicas.
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from heirloom import mixing
from heirloom.config import Config
from heirloom.families import family, is_built_in, module_name
from heirloom.families.abilities import ClosedForms
from heirloom.specs.experiment import Experiment
from heirloom.specs.regime import Regime
from heirloom.specs.vector_source import VectorSource
from heirloom.theory import Curve
from heirloom.theory.arm import Arm


def curves(experiment: Experiment, regime: Regime) -> dict[str, Curve]:
    """Return what the mathematics expects of an arm: measure to its expectation over replicas, entry g for generation g.

    It is empty if no closed form is known: for another family, for an origin with more rows than a generation, for a mixture that
    `heirloom.theory` does not treat, or for a member of a population whose members are no copies with default settings.

    Returns
    -------
    measure to array of shape (generations + 1,)
    """
    source, rows = experiment.source, experiment.rows
    if not isinstance(source, VectorSource) or "closed_forms" not in experiment.family.abilities:
        return {}
    if _is_underived(regime) or rows < 2:
        return {}
    expected_arm: Arm | None = arm(experiment, regime)
    reads_others = experiment.membership is not None and regime.synthetic != "none"
    if reads_others:
        expected_arm = _arm_of_member(experiment, regime)
    elif (experiment.original_rows or experiment.share_rows(source.rows)) != rows:
        return {}
    module = cast("ClosedForms", family(experiment.family.name))
    return {} if expected_arm is None else module.expected_curves(experiment.family, source, expected_arm)


def entries(config: Config) -> list[str]:
    """Return the definitions that give a config's closed forms, for the hash of the code that shows them (`codehash.digest`)."""
    families = {experiment.family.name: experiment.family for experiment in config.experiments.values()}
    names = [name for name, spec in families.items() if "closed_forms" in spec.abilities and is_built_in(name)]
    return [f"{module_name(name)}:expected_curves" for name in sorted(names)]


def _is_underived(regime: Regime) -> bool:
    """Return whether a schedule acts on what `theory` takes for constant: kept rows that stay the same, or weights of rows."""
    has_fixed_rows = regime.original is not None and regime.original.draw == "fixed"
    return regime.is_scheduled and (has_fixed_rows or regime.real_weight is not None)


def arm(experiment: Experiment, regime: Regime) -> Arm:
    """Return a regime as closed forms see it, in an experiment whose real data are drawn."""
    rows, fits, source = experiment.rows, experiment.generations + 1, experiment.source
    is_plain = regime.is_plain and (regime.budget, regime.synthetic) != ("grows", "latest")
    parts = [] if is_plain else [_parts(regime, rows, generation) for generation in range(1, fits)]
    has_fixed_original = regime.original is not None and regime.original.draw == "fixed"
    is_edited = regime.select is not None or regime.edit is not None
    real_weight = mixing.golden_weight(*parts[0]) if regime.real_weight == "golden" else regime.real_weight
    return Arm(
        rows,
        fits,
        experiment.share_rows(source.pool_rows or rows),
        _kinds_of_real_rows(regime, rows, fits),
        has_fixed_original,
        regime.synthetic,
        regime.budget,
        is_plain,
        is_edited,
        real_weight,
        parts,
        not regime.needs_rows,
        regime.repair.base if regime.repair else None,
        regime.repair.base_share if regime.repair else None,
    )


def _arm_of_member(experiment: Experiment, regime: Regime) -> Arm | None:
    """Return the arm of a member of a population of copies; None where nobody has derived its moments."""
    plain_arm, membership = arm(experiment, regime), experiment.membership
    synthetic_rows = regime.filling_rows(experiment.rows, 1)
    has_defaults = not experiment.family.model_dump(exclude_defaults=True, exclude={"name"})
    if membership is None or synthetic_rows is None or not plain_arm.is_plain or not membership.has_copies or not has_defaults:
        return None
    pool_rows = experiment.source.pool_rows or 0
    share = experiment.share_rows(pool_rows)
    num_originals = experiment.original_rows or share
    num_public = membership.exchange.segment(0, pool_rows)[0]
    if num_public and num_originals != share:  # which of the public rows are among the originals is left to chance
        return None
    counts = membership.exchange.counts(synthetic_rows)
    return replace(plain_arm, counts=counts, member=membership.seat.number, num_originals=num_originals, num_public=num_public)


def _parts(regime: Regime, rows: int, generation: int) -> tuple[int, int]:
    """Return how many real and synthetic rows generation g is trained on."""
    budget = regime.budget_rows(rows, generation)
    real = sum(_real_rows(regime.at(generation), budget).values())
    if regime.synthetic == "none":
        return real, 0
    return real, budget - real if regime.budget == "fixed" else regime.sampled_rows(rows, generation)


def _kinds_of_real_rows(regime: Regime, rows: int, fits: int) -> dict[str, int]:
    """Return the kinds of real rows that any generation has, with the rows of the first one that has them."""
    kinds: dict[str, int] = {}
    for generation in reversed(regime.turns(max(1, fits - 1))):
        kinds |= _real_rows(regime.at(generation), rows)
    return kinds


def _real_rows(regime: Regime, rows: int) -> dict[str, int]:
    """Return how many real rows of each kind a generation has, without kinds that have none."""
    return {kind: count for kind, count in regime.real_rows(rows).items() if count}
