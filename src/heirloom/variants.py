"""Grids expanded: an experiment with a `grid` becomes one experiment a variant, named ``<experiment>__<variant>``."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from heirloom import config_faults
from heirloom.errors import short
from heirloom.specs.grid import DESIGNS, Axis, points, size
from heirloom.specs.sizes import MOST_EXPERIMENTS
from heirloom.strict_yaml import Fault, Key

VARIANT_MARK = "__"
OF_GRIDS = ("variant_of", "point", "membership")
"""Keys of an experiment that a grid or a population sets: tables and pages take from them what a variant is compared with."""
MAX_VARIANTS = 500
_COUNTABLE = 10**12
_SET_BY_GRIDS = "a grid or a population alone sets this key; remove it"


class Misfit(Exception):  # noqa: N818, it is always caught
    """A grid, or a population, that stands for nothing."""

    def __init__(self, *reasons: Fault) -> None:
        super().__init__(*reasons)
        self.reasons = reasons


def expand(experiments: Mapping[Any, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """Return the experiments of a file, each grid replaced by its variants, and the faults of names and grids.

    An experiment ``e`` with ``grid: {divisor: {key: training.divisor, values: {mle: n, unbiased: n-1}}}`` becomes ``e__mle`` and
    ``e__unbiased``, with the value at the key, and with ``variant_of: e`` and ``point: {divisor: mle}``. One whose name or grid has a fault
    is left out.
    """
    bodies: dict[str, Any] = {}
    faults: list[Fault] = []
    for key, body in experiments.items():
        name = str(key)
        if VARIANT_MARK in name:
            faults.append(Fault(("experiments", name), f"{VARIANT_MARK!r} is kept for variants of a grid"))
            continue
        fields = body if isinstance(body, Mapping) else {}
        faults += [Fault(("experiments", name, field), _SET_BY_GRIDS) for field in OF_GRIDS if fields.get(field)]
        try:
            bodies |= _variants(name, dict(fields)) if "grid" in fields else {name: body}
        except Misfit as misfit:
            faults += misfit.reasons
        if len(bodies) > MOST_EXPERIMENTS:
            text = f"more than {MOST_EXPERIMENTS:,} experiments, each variant of a grid counted as one"
            return {}, [*faults, Fault(("experiments",), text)]
    return bodies, faults


def shared_faults(faults: Iterable[Fault], experiments: Any) -> list[Fault]:
    """Return faults with those that several variants of a grid share told once: of the experiment where all variants have them."""
    groups: dict[tuple[str, Key, str], list[Fault]] = defaultdict(list)
    for fault in faults:
        is_inside = len(fault.key) > 1 and fault.key[0] == "experiments"
        name = str(fault.key[1]) if is_inside else ""
        experiment = name.partition(VARIANT_MARK)[0]
        key_inside = fault.key[2:] if is_inside else fault.key
        groups[experiment, key_inside, fault.text].append(fault)
    num_variants: dict[str, int] = defaultdict(int)
    for name in experiments if isinstance(experiments, Mapping) else ():
        num_variants[name.partition(VARIANT_MARK)[0]] += 1
    return [_joined(experiment, key, group, num_variants[experiment]) for (experiment, key, _), group in groups.items()]


def _joined(experiment: str, key: Key, group: list[Fault], num_variants: int) -> Fault:
    first = group[0]
    return first._replace(key=("experiments", experiment, *key)) if experiment and len(group) == num_variants else first


def _variants(name: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return the experiments of a grid, one per point."""
    grid, design = body.pop("grid"), body.pop("design", "crossed")
    key: Key = ("experiments", name)
    if design not in DESIGNS:
        raise Misfit(Fault((*key, "design"), f"{_quoted(design)} is none of {', '.join(DESIGNS)}"))
    key = (*key, "grid")
    axes = axes_of(grid, key)
    num_variants = size(axes, design)
    if num_variants > MAX_VARIANTS:
        count = num_variants if num_variants < _COUNTABLE else f"more than {_COUNTABLE:,}"
        raise Misfit(Fault(key, f"{count} variants, at most {MAX_VARIANTS} are allowed"))
    variants = {}
    for point in points(axes, design):
        variant = copy.deepcopy(body) | {"variant_of": name, "point": point}
        for label, axis in axes.items():
            assign(variant, axis.key, copy.deepcopy(axis.values[point[label]]), key)
        variants[name + VARIANT_MARK + "_".join(point.values())] = variant
    if len(variants) < num_variants:
        raise Misfit(Fault(key, "labels joined by '_' name two variants alike; use other labels"))
    return variants


def axes_of(grid: Any, key: Key) -> dict[str, Axis]:
    """Return the axes of a grid as it stands in the file, under a key.

    Raises
    ------
    Misfit
        If they are no axes, or set the same key.
    """
    if not isinstance(grid, Mapping) or not grid:
        raise Misfit(Fault(key, "expected axis → {key, values}"))
    axes: dict[str, Axis] = {}
    faults: list[Fault] = []
    for label, raw in grid.items():
        try:
            axes[str(label)] = Axis.model_validate(raw)
        except ValidationError as error:
            axis_faults = config_faults.validation(error, raw, Axis.model_json_schema())
            faults += [fault._replace(key=(*key, str(label), *fault.key)) for fault in axis_faults]
    reserved_labels = [label for label, axis in axes.items() if axis.key.partition(".")[0] in OF_GRIDS]
    faults += [Fault((*key, label, "key"), f"no axis may set {', '.join(OF_GRIDS)}") for label in reserved_labels]
    faults += [Fault(key, text) for text in _overlaps(axes)]
    if faults:
        raise Misfit(*faults)
    return axes


def _overlaps(axes: Mapping[str, Axis]) -> Iterator[str]:
    """Yield which axes set the same key, or a key inside another's."""
    label_of: dict[str, str] = {}
    key_inside: dict[str, str] = {}
    for label, axis in axes.items():
        parts = axis.key.split(".")
        prefixes = [".".join(parts[:end]) for end in range(1, len(parts) + 1)]
        rivals = [key for key in prefixes if key in label_of]
        if axis.key in key_inside:
            rivals.append(key_inside[axis.key])
        for rival in rivals:
            longer = max(axis.key, rival, key=len)
            yield f"the axes {short(label_of[rival])} and {short(label)} both set {short(longer)!r}"
        label_of[axis.key] = label
        key_inside |= dict.fromkeys(prefixes[:-1], axis.key)


def assign(body: dict[str, Any], dotted: str, value: Any, key: Key) -> None:
    """Set a dotted key; validation of the whole then refuses a key that does not exist.

    Raises
    ------
    Misfit
        If the key goes through something that holds no keys; the fault is told under ``key``.
    """
    *parents, last = dotted.split(".")
    for parent in parents:
        body = body.setdefault(parent, {})
        if not isinstance(body, dict):
            raise Misfit(Fault(key, f"key {short(dotted)!r} goes through {short(parent)!r}, which holds no keys"))
    body[last] = value


def _quoted(value: Any) -> str:
    return repr(short(value)) if isinstance(value, str) else "what is given"
