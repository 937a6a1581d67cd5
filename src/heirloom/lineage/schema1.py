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


def likely_input(index: Index, sha256: str, role: str, by: str) -> tuple[str | None, bool]:
    """Return which artefact with a fingerprint went into another in some role, and whether that is inferred.

    It was made before the other, and lies by preference in the same experiment and arm. It is inferred where several artefacts of that
    kind have these bytes; without any, there is none.
    """
    name, parts = _PLAYED_BY.get(role, role), Path(by).parts

    def rank(path: str) -> tuple[Any, ...]:
        candidate = Path(path).parts
        generation, stage = folders.order(path)
        is_other_experiment, is_other_arm = candidate[1] != parts[1], candidate[:4] != parts[:4]
        is_other_generation = generation != _MADE_IN.get(role, generation)
        is_other_name = folders.stem(path) != name
        return is_other_experiment, is_other_generation, is_other_arm, is_other_name, -generation, -stage, path

    candidates = [path for path in index.paths.get(sha256, []) if folders.order(path) < folders.order(by)]
    return min(candidates, key=rank, default=None), len(candidates) > 1
