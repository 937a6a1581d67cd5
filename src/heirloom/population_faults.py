"""What is wrong between the members of a population that are sound each by itself: arithmetic, before anything is computed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from heirloom.specs.regime import Regime
from heirloom.specs.selection import selected_rows
from heirloom.specs.source import gives_same_rows
from heirloom.strict_yaml import Fault

if TYPE_CHECKING:
    from heirloom.specs.experiment import Experiment
    from heirloom.specs.population import Membership

_SHARED = ("regimes", "seeds", "generations", "until", "rows", "num_replicas", "granularity", "snapshots")
"""Keys that no axis of a population may set: members walk in step, and each set of rows is dealt to all."""


def faults(experiments: Mapping[str, Experiment], regimes: Mapping[str, Regime]) -> Iterator[Fault]:
    """Yield why members cannot live together; a population of which a member is missing is left to that member's own faults."""
    for name, experiment in experiments.items():
        membership = experiment.membership
        if membership is None or name != membership.experiments[0] or not experiments.keys() >= set(membership.experiments):
            continue
        members = [experiments[member] for member in membership.experiments]
        key = ("experiments", experiment.variant_of or name, "population")
        misfits = [*_differences(members), *_row_misfits(members, membership)]
        for regime in filter(regimes.__contains__, experiment.regimes):
            misfits += misfits or _regime_misfits(regime, regimes[regime], experiment, membership)
        yield from (Fault(key, text) for text in dict.fromkeys(misfits))


def _differences(members: Sequence[Experiment]) -> Iterator[str]:
    """Yield which keys members do not share, and must."""
    first = members[0]
    for key in _SHARED:
        if any(dict(member)[key] != dict(first)[key] for member in members):
            yield f"the members have several values of `{key}`; an axis of a population may not set it"


def _row_misfits(members: Sequence[Experiment], membership: Membership) -> Iterator[str]:
    """Yield which members cannot be trained on each other's rows."""
    first, names = members[0], membership.seat.members
    for name, member in zip(names[1:], members[1:], strict=True):
        pair = f"{names[0]} and {name}"
        shapes = [(each.source.name, each.source.row_numbers, each.source.pool_rows) for each in (first, member)]
        if shapes[0] != shapes[1]:
            words = (f"{source!r} ({numbers} numbers a row, {rows} rows)" for source, numbers, rows in shapes)
            yield f"{pair} have rows of other kinds: source {' and '.join(words)}"
        elif not gives_same_rows(member.source, first.source) and (first.is_text or membership.exchange.public):
            what = "tokens" if first.is_text else "public rows"
            yield f"{pair} read other sources, and so have no {what} in common; give them one `source`"
    if not all(member.has_rows for member in members):
        yield "family.path: statistics has no rows that could be dealt; use path: rows"
    if any(member.family.lineage_program is not None for member in members):
        yield "a program that makes a whole lineage (family.lineage) cannot wait for the rows of other members; give `train` and `sample`"


def _regime_misfits(name: str, regime: Regime, experiment: Experiment, membership: Membership) -> Iterator[str]:
    """Yield why a regime cannot be followed by a population."""
    if regime.excludes_continuations:
        yield f"regime {name!r} leaves out continuations of kept rows (`continuation: excluded`), which other members may have written"
    if any(judge.keep == "above" for judge in regime.judges):
        yield f"regime {name!r} keeps as many rows as pass (`keep: above`), so that nobody knows how many there are to deal"
        return
    for generation in regime.turns(experiment.generations):
        supply = selected_rows(regime.judges, regime.sampled_rows(experiment.rows, generation))
        demand = regime.filling_rows(experiment.rows, generation)
        counts = membership.exchange.counts(supply if demand is None else demand)
        for writer, column in zip(membership.seat.members, zip(*counts, strict=True), strict=True):
            if sum(column) > supply:
                count = f"the members read {sum(column)} rows of {writer}, which offers {supply}"
                yield f"regime {name!r}, generation {generation}: {count}, and no row goes to two; raise `multiple`, or change the weights"
                return
