"""Why not: where the ancestries of two artefacts that should be equal first differ, and in what.

Both are walked upwards together, from inputs that differ to the inputs of those. Where the inputs are equal and the bytes are
not, the two jobs differ in a setting, in code, or in what they ran on. If they do not, the step is not deterministic here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

from heirloom.errors import HeirloomError
from heirloom.lineage.artefact import Artefact, Input
from heirloom.lineage.project import locate
from heirloom.lineage.render import DIGITS, short
from heirloom.lineage.settings import dotted
from heirloom.workflow import folders

_WORDS = {"code": "code", "seed": "seed", "regime": "regime", "generation": "generation", "num_threads": "number of threads"}
_ABSENT = "none"
_KINDS = {"libraries": "version of", "kernels": "kernels of", "variables": "environment variable"}
_UNSET = "not set"  # "none" is a value that a key may have


class Difference(NamedTuple):
    """Something in which two jobs differ: what it is, and its value in both."""

    what: str
    first: str
    second: str


@dataclass(frozen=True)
class Verdict:
    """Why two artefacts differ.

    Attributes
    ----------
    first, second
        The two artefacts, farthest upstream, whose bytes differ though those of their inputs do not.
    way
        Roles of the inputs that lead there from the artefacts that were asked about.
    differences
        In what the two jobs differ, most telling first: settings, code, inputs, then libraries and machine. Empty if in
        nothing that manifests tell.
    """

    first: Artefact
    second: Artefact
    way: tuple[str, ...]
    differences: tuple[Difference, ...]

    @property
    def is_equal(self) -> bool:
        """Whether the artefacts have the same bytes after all."""
        return self.first.sha256 == self.second.sha256


def why_not(first: str, second: str) -> Verdict:
    """Return the first upstream difference of what two references name.

    Raises
    ------
    HeirloomError
        If one of them is not there, or a manifest on the way is missing or does not match.
    """
    return parting(locate(first), locate(second))


def parting(first: Artefact, second: Artefact) -> Verdict:
    """Return the first upstream difference of two artefacts.

    Raises
    ------
    HeirloomError
        If one of them is a copy elsewhere, or a manifest on the way is missing or does not match.
    """
    for artefact in (first, second):
        if folders.lineage_of(artefact.path) is None:
            raise HeirloomError(f"{artefact.path}: no artefact; those lie under data/")
    way: list[str] = []
    while apart := next(_apart(first, second), None):
        way.append(apart[0].role)
        first, second = _follow(first, apart[0]), _follow(second, apart[1])
    differences = tuple(_differences(first, second)) if first.sha256 != second.sha256 else ()
    return Verdict(first, second, tuple(way), differences)


def explain(verdict: Verdict) -> str:
    """Return a verdict in words, one line per difference."""
    one, other = (f"{node.name} {node.sha256[:DIGITS]}" for node in (verdict.first, verdict.second))
    both = f"{one} and {other} ({verdict.first.step})"
    if verdict.is_equal:
        return f"{both}: equal, byte for byte"
    way = f", {len(verdict.way)} steps up" if verdict.way else ""
    if not verdict.differences:
        same = "inputs, settings, code, libraries and instruction set are the same"
        return f"{both} differ{way}\n  not deterministic here: {same}"
    return "\n".join([f"{both} differ{way}", *(f"  {what}: {one} | {other}" for what, one, other in verdict.differences)])


def _apart(first: Artefact, second: Artefact) -> Iterator[tuple[Input, Input]]:
    """Yield pairs of known inputs of the same role and generation that differ, oldest first."""
    for role in dict.fromkeys(given.role for given in first.inputs):
        pairs = product(_of(first, role), _of(second, role))
        counterparts = (
            (one, other) for one, other in pairs if one.path and other.path and folders.order(one.path) == folders.order(other.path)
        )
        yield from ((one, other) for one, other in counterparts if one.sha256 != other.sha256)


def _follow(artefact: Artefact, given: Input) -> Artefact:
    return artefact.project.artefact(given.path or "")


def _differences(first: Artefact, second: Artefact) -> Iterator[Difference]:
    own, other_own = ({key: value for key, value in node.slice.items() if key != "files"} for node in (first, second))
    settings = _unequal(dotted(own), dotted(other_own))  # files are named below, one by one
    named = {key: values for key, values in settings.items() if key in _WORDS}
    for key, values in {**{key: values for key, values in settings.items() if key not in _WORDS}, **named}.items():
        yield Difference(_WORDS.get(key, f"config key {key}"), *values)
    for role in dict.fromkeys(given.role for given in (*first.inputs, *second.inputs)):
        if any(one.is_source for one in (*_of(first, role), *_of(second, role))):
            yield from _sources(_of(first, role), _of(second, role))
            continue
        one, other = ([given.sha256 for given in _of(node, role)] for node in (first, second))
        if one != other:
            yield Difference(f"input {role}", _prints(one), _prints(other))
    ran_on = (dotted(node.manifest.get("environment", {})) for node in (first, second))
    for key, values in _unequal(*ran_on).items():
        kind, _, name = key.partition(".")
        if _UNSET not in values or kind == "variables":  # else a library that only one of the two had loaded
            yield Difference(f"{_KINDS[kind]} {name}" if name else kind.replace("_", " "), *values)


def _sources(first: list[Input], second: list[Input]) -> Iterator[Difference]:
    """Yield the files that only one of two jobs has read, or that had other bytes for the other; by name, in order of reading."""
    one, other = ({source.name: source.sha256 for source in sources} for sources in (first, second))
    for name in dict.fromkeys((*one, *other)):
        if one.get(name) != other.get(name):
            sha256s = (sources.get(name, _ABSENT)[:DIGITS] for sources in (one, other))
            yield Difference(f"{first[0].role if first else second[0].role} {name}", *sha256s)


def _unequal(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return key → both values, of the keys whose values differ."""
    both = {key: (first.get(key), second.get(key)) for key in {**first, **second}}
    return {key: (_value(one), _value(other)) for key, (one, other) in both.items() if one != other}


def _value(value: Any) -> str:
    return _UNSET if value is None else short(value)


def _of(node: Artefact, role: str) -> list[Input]:
    return [given for given in node.inputs if given.role == role]


def _prints(several: list[str]) -> str:
    return ", ".join(sha256[:DIGITS] for sha256 in several) or _ABSENT
