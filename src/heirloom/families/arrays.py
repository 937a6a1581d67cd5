"""Checkpoints of models that are a few arrays: a dataclass to one safetensors file and back."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

Model = TypeVar("Model")


def save(model: Any, folder: Path) -> None:
    """Write ``model.safetensors`` into a new folder: the fields of a dataclass of arrays, under their names."""
    from safetensors.numpy import save_file

    folder.mkdir()
    tensors = {field.name: np.ascontiguousarray(getattr(model, field.name)) for field in fields(model)}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def load(kind: type[Model], folder: Path) -> Model:
    """Return the model of that dataclass which `save` wrote."""
    from safetensors.numpy import load_file

    return kind(**load_file(folder / "model.safetensors"))
