"""Lineages of many generations, written by hand in a moment: no step runs, and a manifest says of each file what it was made from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from heirloom.artefacts import kinds
from heirloom.artefacts.files import read_json
from heirloom.artefacts.kinds import Kind
from heirloom.artefacts.manifest import Input, seal
from heirloom.artefacts.paths import fingerprint

EXPERIMENT, REGIME = "long", "replace"
ROWS = 2


def write(generations: int, experiment: str = EXPERIMENT) -> None:
    """Write a lineage with its real rows and its origin into the working folder: in each generation a set, its copy, and a model of it."""
    pool = kinds.REAL_TRAIN.path(experiment)
    _rows(pool, 0, None)
    _seal(pool, "real")
    for generation in range(generations + 1):
        key = (experiment, REGIME, 0, generation)
        synthetic, train, checkpoint = (kind.path(*key) for kind in (kinds.SYNTHETIC, kinds.TRAIN, kinds.CHECKPOINT))
        if generation:
            parent = (experiment, REGIME, 0, generation - 1)
            model, parent_rows = kinds.CHECKPOINT.path(*parent), kinds.TRAIN.path(*parent)
            _rows(synthetic, generation, _sha256(model))
            _seal(synthetic, "sample", {"train": parent_rows, "checkpoint": model}, generation)
        _rows(train, generation, _sha256(kinds.CHECKPOINT.path(*parent)) if generation else None)
        _seal(train, "mix", {"synthetic": synthetic} if generation else {"pool": pool}, generation)
        Path(checkpoint).mkdir(parents=True)
        Path(checkpoint, "model.json").write_text(json.dumps({"generation": generation}))
        _seal(checkpoint, "train", {"train": train}, generation)


def reference(generation: int, kind: Kind = kinds.SYNTHETIC) -> str:
    """Return the name of an artefact of a generation."""
    return f"{EXPERIMENT}/{REGIME}/0/{generation}:{kind.name}"


def _rows(path: str, generation: int, model: str | None) -> None:
    """Write rows that were born in a generation, by a model unless they are real."""
    columns: dict[str, Any] = {
        "row": list(range(ROWS)),
        "x": [[float(generation), float(row)] for row in range(ROWS)],
        "kind": ["synthetic" if model else "real"] * ROWS,
        "born": pa.array([generation] * ROWS, pa.int32()),
        "depth": [float(generation)] * ROWS,
        "parent": pa.nulls(ROWS, pa.int64()),
        "model": pa.array([model] * ROWS, pa.string()),
    }
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)


def _seal(path: str, step: str, taken: dict[str, str] | None = None, generation: int | None = None) -> None:
    inputs = [Input(role, place, _sha256(place)) for role, place in (taken or {}).items()]
    step_slice: dict[str, Any] = {"step": step, "rows": ROWS}
    if generation is not None:
        step_slice |= {"generation": generation}
    seal([path], {"slice": step_slice, "inputs": inputs, "environment": {}})


def _sha256(path: str) -> str:
    return str(read_json(fingerprint(path))["sha256"])
