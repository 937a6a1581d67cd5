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
from heirloom.lineage.settings import by_dotted_key
from heirloom.numerals import counted
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
    unequal = next(_unequal_inputs(first, second), None)
    while unequal:
        edge, counterpart = unequal
        way.append(edge.role)
        first, second = _follow(first, edge), _follow(second, counterpart)
        unequal = next(_unequal_inputs(first, second), None)
    differences = tuple(_differences(first, second)) if first.sha256 != second.sha256 else ()
    return Verdict(first, second, tuple(way), differences)


def explain(verdict: Verdict) -> str:
    """Return a verdict in words, one line per difference."""
    first, second = (f"{node.name} {node.sha256[:DIGITS]}" for node in (verdict.first, verdict.second))
    subject = f"{first} and {second} ({verdict.first.step})"
    if verdict.is_equal:
        return f"{subject}: equal, byte for byte"
    way = f", {counted(len(verdict.way), 'step')} up" if verdict.way else ""
    headline = f"{subject} differ{way}"
    if not verdict.differences:
        reason = "inputs, settings, code, libraries and instruction set are the same"
        return f"{headline}\n  not deterministic here: {reason}"
    lines = [f"  {difference.what}: {difference.first} | {difference.second}" for difference in verdict.differences]
    return "\n".join([headline, *lines])


def _unequal_inputs(first: Artefact, second: Artefact) -> Iterator[tuple[Input, Input]]:
    """Yield pairs of known inputs of the same role and generation that differ, oldest first."""
    for role in dict.fromkeys(edge.role for edge in first.inputs):
        for edge, counterpart in product(_inputs_of(first, role), _inputs_of(second, role)):
            if not edge.path or not counterpart.path or edge.sha256 == counterpart.sha256:
                continue
            if folders.order(edge.path) == folders.order(counterpart.path):
                yield edge, counterpart


def _follow(artefact: Artefact, edge: Input) -> Artefact:
    return artefact.project.artefact(edge.path or "")


def _differences(first: Artefact, second: Artefact) -> Iterator[Difference]:
    yield from _different_settings(first, second)
    for role in dict.fromkeys(edge.role for edge in (*first.inputs, *second.inputs)):
        yield from _different_inputs(role, _inputs_of(first, role), _inputs_of(second, role))
    yield from _different_environments(first, second)


def _different_settings(first: Artefact, second: Artefact) -> Iterator[Difference]:
    """Yield the settings in which two jobs differ, keys of the config first."""
    settings = _unequal(_settings(first), _settings(second))
    for key, values in settings.items():
        if key not in _WORDS:
            yield Difference(f"config key {key}", *values)
    for key, values in settings.items():
        if key in _WORDS:
            yield Difference(_WORDS[key], *values)


def _settings(node: Artefact) -> dict[str, Any]:
    """Return the settings of a job without its files, which are named one by one."""
    return by_dotted_key({key: value for key, value in node.slice.items() if key != "files"})


def _different_inputs(role: str, first: list[Input], second: list[Input]) -> Iterator[Difference]:
    """Yield in what the inputs of one role differ: file by file for sources, else their hashes."""
    if any(edge.is_source for edge in (*first, *second)):
        yield from _sources(first, second)
        return
    hashes = [edge.sha256 for edge in first]
    counterparts = [edge.sha256 for edge in second]
    if hashes != counterparts:
        yield Difference(f"input {role}", _digits(hashes), _digits(counterparts))


def _different_environments(first: Artefact, second: Artefact) -> Iterator[Difference]:
    """Yield the libraries, kernels and variables in which two jobs differ."""
    environments = (by_dotted_key(node.manifest.get("environment", {})) for node in (first, second))
    for key, values in _unequal(*environments).items():
        kind, _, name = key.partition(".")
        if _UNSET not in values or kind == "variables":  # else a library that only one of the two had loaded
            yield Difference(f"{_KINDS[kind]} {name}" if name else kind.replace("_", " "), *values)


def _sources(first: list[Input], second: list[Input]) -> Iterator[Difference]:
    """Yield the files that only one of two jobs has read, or that had other bytes for the other; by name, in order of reading."""
    hashes = {edge.name: edge.sha256 for edge in first}
    counterparts = {edge.name: edge.sha256 for edge in second}
    role = (first or second)[0].role
    for name in dict.fromkeys((*hashes, *counterparts)):
        sha256, counterpart = hashes.get(name, _ABSENT), counterparts.get(name, _ABSENT)
        if sha256 != counterpart:
            yield Difference(f"{role} {name}", sha256[:DIGITS], counterpart[:DIGITS])


def _unequal(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return key → both values, of the keys whose values differ."""
    pairs = {key: (first.get(key), second.get(key)) for key in {**first, **second}}
    return {key: (_value(value), _value(counterpart)) for key, (value, counterpart) in pairs.items() if value != counterpart}


def _value(value: Any) -> str:
    return _UNSET if value is None else short(value)


def _inputs_of(node: Artefact, role: str) -> list[Input]:
    return [edge for edge in node.inputs if edge.role == role]


def _digits(sha256s: list[str]) -> str:
    return ", ".join(sha256[:DIGITS] for sha256 in sha256s) or _ABSENT
