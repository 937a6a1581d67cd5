"""How large a pretrained model is: by the files of its folder, or a guess where it is not here."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from heirloom.specs.model_size import ModelSize
from heirloom.specs.pretrained import Pretrained

GUESS = ModelSize(parameters=125_239_296, layers=12, width=768, vocabulary=50_272)
"""What a model is taken to be before anybody has seen it: OPT-125m, the publication's."""

_LENGTH = struct.Struct("<Q")  # how long the header of a file of safetensors is, in its first eight bytes
_NAMES = {
    "layers": ("num_hidden_layers", "n_layer"),
    "width": ("hidden_size", "n_embd"),
    "vocabulary": ("vocab_size",),
}
"""What a size is called in the config.json of an architecture."""


def size_of(model: Pretrained) -> ModelSize | None:
    """Return the size of a model of safetensors in a local folder; None for any other, whose size nobody here knows."""
    folder = Path(model.path or "")
    return None if model.path is None or model.gguf or not folder.is_dir() else _size_in(folder.absolute())


@cache
def _size_in(folder: Path) -> ModelSize | None:
    """Return what ``config.json`` and the headers of the weights say; None where they cannot be read, which a check says elsewhere."""
    try:
        if not all(file.is_file() for file in (folder / "config.json", *folder.glob("*.safetensors"))):
            return None
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        config = config.get("text_config", config)
        sizes = {size: next(int(config[name]) for name in names if name in config) for size, names in _NAMES.items()}
        parameters = sum(map(_num_numbers, sorted(folder.glob("*.safetensors"))))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, StopIteration, RecursionError, struct.error):
        return None
    return ModelSize(parameters, **sizes) if parameters > 0 else None


def _num_numbers(file: Path) -> int:
    """Return how many numbers a file of safetensors holds, by its header."""
    with file.open("rb") as content:
        (length,) = _LENGTH.unpack(content.read(_LENGTH.size))
        if length > file.stat().st_size:
            raise ValueError(f"{file}: a header of {length} bytes")
        header: Mapping[str, Any] = json.loads(content.read(length))
    return sum(math.prod(map(int, tensor["shape"])) for name, tensor in header.items() if name != "__metadata__")
