"""Runs whose manifests are of schema 1, which name inputs by role and hash, without a path.

Several artefacts may have the same bytes (a training set that is one whole synthetic set, two variants with the same real
data). The input's role and place then say which of them was meant. No other module guesses. Version 1.0 removes this module.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from heirloom.lineage.index import Index
from heirloom.workflow import folders

_PLAYED_BY = {
    "pool": "train",
    "original": "train",
    "prompts": "train",
    "held_out": "test",
    "origin": "checkpoint",
    "start": "checkpoint",
    "judge": "checkpoint",
    "parent": "checkpoint",
}
"""Role → name of the artefact, where the two differ."""

_MADE_IN = {"pool": -1, "held_out": -1, "tokenizer": -1, "original": 0, "prompts": 0, "origin": 0, "judge": 0}
"""Role → the one generation where such an artefact stands, as `folders.order` counts."""


def meant(known: Index, sha256: str, role: str, by: str) -> tuple[str | None, bool]:
    """Return which artefact with a fingerprint went into another in some role, and whether that is inferred.

    It was made before the other, and lies by preference in the same experiment and arm. It is inferred where several artefacts of that
    kind have these bytes; without any, there is none.
    """
    wanted, parts = _PLAYED_BY.get(role, role), Path(by).parts

    def rank(path: str) -> tuple[Any, ...]:
        other = Path(path).parts
        generation, stage = folders.order(path)
        elsewhere = other[1] != parts[1], generation != _MADE_IN.get(role, generation), other[:4] != parts[:4]
        return *elsewhere, folders.stem(path) != wanted, -generation, -stage, path

    before = [path for path in known.paths.get(sha256, []) if folders.order(path) < folders.order(by)]
    return min(before, key=rank, default=None), len(before) > 1
