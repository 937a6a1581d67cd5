"""Are they the same? Fingerprints, columns, and the most upstream step at which two ancestries part; no row is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from heirloom import paths
from heirloom.diffs.result import Difference, Identity, SideSummary
from heirloom.diffs.sides import Place, Side
from heirloom.manifest import read_json

Manifest = Mapping[str, Any]


def identity(a: Side, b: Side, tokens: tuple[int, int] | tuple[None, None] = (None, None)) -> Identity:
    """Return what can be said of the files.

    Parameters
    ----------
    tokens
        Tokens of A and B, where the rows have been read.
    """
    step, differences = lineage(a.place, b.place)
    return Identity(
        a=_summary(a, tokens[0]),
        b=_summary(b, tokens[1]),
        same_bytes=a.place.sha256 == b.place.sha256,
        schema=tuple(_unlike(_columns(a), _columns(b))),
        lineage=tuple(differences),
        lineage_step=step,
    )


def lineage(a: Place, b: Place) -> tuple[str, list[Difference]]:
    """Return the most upstream step where two ancestries part, and what differs there: config keys and inputs by role.

    Inputs of the same role are followed as far as their manifests are at hand and were written by the same step.
    """
    if a.manifest is None or b.manifest is None or a.sha256 == b.sha256:
        return "", []
    return _first_parting(a.manifest, b.manifest, {})


def _first_parting(a: Manifest, b: Manifest, known: dict[str, list[str]]) -> tuple[str, list[Difference]]:
    own = [*_unlike(_flat(a.get("slice", {})), _flat(b.get("slice", {}))), *_unlike(_inputs(a), _inputs(b))]
    for role, sha_a in _inputs(a).items():
        sha_b = _inputs(b).get(role, sha_a)
        upstream = (_made(sha_a, known), _made(sha_b, known)) if sha_a != sha_b else (None, None)
        if upstream[0] and upstream[1] and _step(upstream[0]) == _step(upstream[1]):
            step, differences = _first_parting(upstream[0], upstream[1], known)
            if differences:
                return step, differences
    return _step(a), own


def _made(sha256: str, known: dict[str, list[str]]) -> Manifest | None:
    """Return the manifest of an artefact by its fingerprint, where one is on disk; the index is built when first needed."""
    from heirloom.lineage import index

    if not known:
        known.update(index.build().paths)
    files = (Path(paths.manifest(path)) for path in known.get(sha256, ()))
    return next((read_json(file) for file in files if file.is_file()), None)


def _step(made: Manifest) -> str:
    return str(made.get("slice", {}).get("step", ""))


def _inputs(made: Manifest) -> dict[str, str]:
    """Return role → fingerprint; several inputs of a role are numbered."""
    found: dict[str, str] = {}
    for role, given in sorted(made.get("inputs", {}).items()):
        for number, sha256 in enumerate([given] if isinstance(given, str) else given):
            found[f"input {role}{f' {number}' if number else ''}"] = sha256
    return found


def _flat(content: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in content.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": str(value)}
    return flat


def _unlike(a: Mapping[str, str], b: Mapping[str, str]) -> Iterator[Difference]:
    for key in sorted(a.keys() | b.keys()):
        if a.get(key) != b.get(key):
            yield Difference(key, a.get(key), b.get(key))


def _columns(side: Side) -> dict[str, str]:
    return {field.name: str(field.type) for field in side.schema}


def _summary(side: Side, tokens: int | None) -> SideSummary:
    return SideSummary(side.place.name, side.place.sha256, side.num_rows, tokens, side.size, _columns(side))
