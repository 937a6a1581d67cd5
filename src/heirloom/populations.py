"""Populations expanded: an experiment with a `population` becomes one experiment a member, named ``<experiment>__<member>``.

Each member is an experiment like any other, with its own lineages. What binds them is `membership`: whose rows it reads, and which part
of the real pool is its own. A population of one is that experiment alone, and has no `membership`.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from heirloom import config_faults
from heirloom.errors import HeirloomError
from heirloom.specs import population
from heirloom.specs.grid import Point, points
from heirloom.specs.population import WORDS, Exchange, Membership, Population, Seat
from heirloom.specs.sizes import MOST_MEMBERS
from heirloom.strict_yaml import Fault, Key
from heirloom.variants import VARIANT_MARK, Misfit, assign, axes_of

COPY = "m{}"
"""What the copies of an experiment are called, counted from 1."""


def expand(bodies: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """Return the experiments of a file, grids expanded, each population replaced by its members, and the faults of populations.

    An experiment ``e`` with ``population: {members: 2}`` becomes ``e__m1`` and ``e__m2``, with ``variant_of: e`` and ``point: {member:
    m1}``. A variant ``e__four`` of a grid becomes ``e__four_m1`` and so on. One whose population has a fault is left out.
    """
    expanded: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, body in bodies.items():
        if not isinstance(body, Mapping) or "population" not in body:
            expanded[name] = body
            continue
        try:
            expanded |= _members(name, dict(body))
        except Misfit as misfit:
            faults += misfit.reasons
    return expanded, faults


def _members(name: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return the experiments of a population by name."""
    key: Key = ("experiments", name, "population")
    declared = _declared(body.pop("population"), key)
    places = _places(declared, key)
    body = body | _rows(declared, body, len(places), key)
    base = name.partition(VARIANT_MARK)[0]
    prefix = f"{name}{VARIANT_MARK}" if name == base else f"{name}_"
    exchange = _exchange(declared, [*places], key)
    members: dict[str, Any] = {}
    for member, point in places.items():
        fields = copy.deepcopy(body) | {"variant_of": base, "point": {**body.get("point", {}), **(point or {"member": member})}}
        for axis_name, label in point.items():
            axis = declared.members[axis_name]  # type: ignore[index]
            assign(fields, axis.key, copy.deepcopy(axis.values[label]), (*key, "members"))
        if len(places) > 1:
            seat = Seat(name=member, members=tuple(places))
            membership = Membership(prefix=prefix, seat=seat, exchange=exchange, has_copies=isinstance(declared.members, int))
            fields["membership"] = membership.model_dump(mode="json")
        members[f"{prefix}{member}"] = fields
    return members


def _declared(raw: Any, key: Key) -> Population:
    """Return a population as it stands in the file."""
    if isinstance(raw, Mapping) and isinstance(raw.get("members"), Mapping):
        axes_of(raw["members"], (*key, "members"))
    try:
        return Population.model_validate(raw)
    except ValidationError as error:
        faults = config_faults.validation(error, raw, Population.model_json_schema())
        raise Misfit(*(fault._replace(key=(*key, *fault.key)) for fault in faults)) from None


def _places(declared: Population, key: Key) -> dict[str, Point]:
    """Return each member's name with its point on the axes; copies have none."""
    if isinstance(declared.members, int):
        return {COPY.format(number): {} for number in range(1, declared.members + 1)}
    combinations = list(points(declared.members, "crossed"))
    places = {"_".join(point.values()): point for point in combinations}
    reserved = [name for name in places if name in WORDS]
    if reserved:
        raise Misfit(Fault((*key, "members"), f"{', '.join(reserved)}: no member may be called {', '.join(WORDS)}"))
    if len(places) < len(combinations):
        raise Misfit(Fault((*key, "members"), "labels joined by '_' name two members alike; use other labels"))
    if len(places) > MOST_MEMBERS:
        raise Misfit(Fault((*key, "members"), f"{len(places)} members, at most {MOST_MEMBERS} are allowed"))
    return places


def _rows(declared: Population, body: Mapping[str, Any], num_members: int, key: Key) -> dict[str, int]:
    """Return the rows of each member, where the population gives those of all."""
    if declared.rows is None:
        return {}
    if "rows" in body:
        raise Misfit(Fault((*key, "rows"), "the experiment has `rows`, too; give either each member's rows there or those of all here"))
    rows, remainder = divmod(declared.rows, num_members)
    if remainder or not rows:
        raise Misfit(Fault((*key, "rows"), f"{declared.rows} rows cannot be divided evenly among {num_members} members"))
    return {"rows": rows}


def _exchange(declared: Population, members: list[str], key: Key) -> Exchange:
    """Return what members read of each other and of the source."""
    shares = declared.shares or dict.fromkeys(members, 1 / len(members))
    field = "synthetic_from"
    try:
        weights = population.matrix(declared.synthetic_from, members)
        field = "shares"
        population.check_names(shares, members)
        population.check_sum(shares)
    except HeirloomError as error:
        raise Misfit(Fault((*key, field), str(error))) from None
    share_list = tuple(shares.get(name, 0.0) for name in members)
    return Exchange(weights=tuple(map(tuple, weights)), shares=share_list, public=declared.public)
