"""Checkpoints of models that are a few arrays: a dataclass to one safetensors file and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Model = TypeVar("Model")


def save(model: Any, folder: Path) -> None:
    """Write ``model.safetensors`` into a new folder: the fields of a dataclass of arrays, under their names."""
    from safetensors.numpy import save_file

    folder.mkdir()
    tensors = {field.name: np.ascontiguousarray(getattr(model, field.name)) for field in fields(model)}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def load(kind: type[Model], folder: Path) -> Model:
    """Return the model of that dataclass which `save` wrote."""
    from safetensors import deserialize

    tensors = deserialize((folder / "model.safetensors").read_bytes())  # type: ignore[no-untyped-call]
    arrays = {name: _array(tensor) for name, tensor in tensors}
    return kind(**arrays)


def _array(tensor: Mapping[str, Any]) -> NDArray[Any]:
    numbers = np.frombuffer(tensor["data"], _dtype(tensor["dtype"]))
    return numbers.reshape(tensor["shape"])


def _dtype(name: str) -> np.dtype[Any]:
    """Return the type that safetensors calls by that name; its own reader for NumPy knows no bfloat16."""
    if name != "BF16":
        return np.dtype({"F16": "f2", "F32": "f4", "F64": "f8", "I32": "i4", "I64": "i8"}[name])
    import ml_dtypes

    return np.dtype(ml_dtypes.bfloat16)
