"""What a model's folder says of itself, read before any library opens it: JSON of the right types, and sizes that its tensors have.

The headers of safetensors are JSON behind eight bytes; nothing here reads a weight or allocates one.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from heirloom.errors import HeirloomError, short
from heirloom.runtime import child
from heirloom.sources import faults

CONFIG, INDEX = "config.json", "model.safetensors.index.json"
MOST_POSITIONS = 1 << 27
"""Tokens of a context: a dozen times what any model has."""
_OTHERS = ("generation_config.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
_LENGTH = struct.Struct("<Q")
_LONGEST_HEADER = 100_000_000  # bytes, the most that the format allows
_LAYERS = ("num_hidden_layers", "n_layer", "num_layers")
_WIDTHS = ("hidden_size", "n_embd", "d_model", "vocab_size")
_POSITIONS = ("max_position_embeddings", "n_positions", "n_ctx")
_COUNTS = (*_LAYERS, *_WIDTHS, *_POSITIONS, "num_attention_heads", "n_head")
_IDS = ("bos_token_id", "eos_token_id", "pad_token_id")
_TEXTS = ("model_type", "tokenizer_class", "padding_side")
_MOST_SHARED = 4
"""Layers that may use one set of weights: more are refused before the library makes them; fewer it finds wanting itself."""
_LAYER_NUMBER = re.compile(r"\.(\d+)\.")

Shapes = Mapping[str, tuple[int, ...]]


def check(folder: Path) -> None:
    """Check the JSON files of a model's folder, and that its tensors can be those of its configuration.

    Raises
    ------
    HeirloomError
        Naming the file, the key, what it holds and what is allowed.
    """
    config = json_object(folder / CONFIG)
    _check_config(folder / CONFIG, config)
    for name in _OTHERS:
        if (folder / name).is_file():
            _check_types(folder / name, json_object(folder / name))
    if (folder / INDEX).is_file():
        _check_index(folder)
    tensors: dict[str, tuple[int, ...]] = {}
    for file in sorted(folder.glob("*.safetensors")):
        tensors.update(shapes(file))
    check_sizes(folder / CONFIG, config, tensors)


def json_object(file: Path) -> dict[str, Any]:
    """Return the object that a file of JSON holds.

    Raises
    ------
    HeirloomError
        If it holds none, or is nested too deep, or is no UTF-8; with the file.
    """
    child.opening(file)
    return _object(file.read_bytes(), file)


def _object(content: bytes, file: Path) -> dict[str, Any]:
    try:
        text = content.decode()
        faults.check_depth(text, file)
        value = json.loads(text)
    except UnicodeDecodeError:
        raise faults.not_utf8(file) from None
    except ValueError as error:  # of numbers, too, that are too long
        raise HeirloomError(f"{file}: not JSON ({faults.cause(error)})") from None
    if not isinstance(value, dict):
        raise HeirloomError(f"{file}: holds {_kind(value)}; it must hold an object")
    return value


def shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """Return name → shape of the tensors in a file of safetensors, by its header.

    Raises
    ------
    HeirloomError
        If the header is cut, no JSON, or tells of more than the file holds.
    """
    child.opening(file)
    size = file.stat().st_size
    with file.open("rb") as content:
        start = content.read(_LENGTH.size)
        length = _LENGTH.unpack(start)[0] if len(start) == _LENGTH.size else 0
        if not 2 <= length <= min(_LONGEST_HEADER, size - _LENGTH.size):
            raise HeirloomError(f"{file}: no safetensors: a header of {length:,} bytes in a file of {size:,}; fetch it anew")
        header = _object(content.read(length), file)
    data_bytes = size - _LENGTH.size - length
    found = {}
    for name, entry in header.items():
        if name != "__metadata__":
            found[name] = _shape(entry, f"{file}: the tensor {short(name)!r}", data_bytes)
    return found


def _shape(entry: Any, place: str, data_bytes: int) -> tuple[int, ...]:
    """Return the shape of a header's entry whose data lie in the file."""
    match entry:
        case {"dtype": str(), "shape": [*shape], "data_offsets": [int(first), int(last)]}:
            if not all(type(size) is int and size >= 0 for size in shape):
                raise HeirloomError(f"{place} has the shape {short(str(shape))}; allowed are whole numbers from 0")
            if not 0 <= first <= last <= data_bytes:
                raise HeirloomError(f"{place} lies at the bytes {first} to {last} of {data_bytes:,}: it is cut, or its header wrong")
            if math.prod(shape) > 8 * (last - first):
                raise HeirloomError(f"{place} has {math.prod(shape):,} numbers by its shape, in {last - first:,} bytes")
            return tuple(shape)
    raise HeirloomError(f"{place} is {short(repr(entry))}; allowed is an object of dtype, shape and data_offsets")


def check_sizes(file: Path, config: Mapping[str, Any], tensors: Shapes) -> None:
    """Check that there are tensors of the sizes that a configuration asks for, before a library makes room for them.

    Raises
    ------
    HeirloomError
        Naming the key, what it asks for, and what the tensors have.
    """
    largest = max((size for shape in tensors.values() for size in shape), default=0)
    layers = {match.group(1) for match in map(_LAYER_NUMBER.search, tensors) if match}
    for part in _parts(config):
        for key in _WIDTHS:
            if _number(part, key) > largest:
                raise HeirloomError(f"{file}: {key} is {_number(part, key):,}, and no tensor of the weights is larger than {largest:,}")
        for key in _LAYERS:
            if _number(part, key) > _MOST_SHARED * max(1, len(layers)):
                raise HeirloomError(f"{file}: {key} asks for {_number(part, key):,} layers, and the weights have {len(layers):,}")


def _check_config(file: Path, config: Mapping[str, Any]) -> None:
    for part in _parts(config):
        for key in _COUNTS:
            value = part.get(key)
            if value is not None and (type(value) is not int or value < 1):
                raise HeirloomError(f"{file}: {key} is {short(repr(value))}; allowed is a whole number from 1")
        for key in _POSITIONS:
            if _number(part, key) > MOST_POSITIONS:
                raise HeirloomError(f"{file}: {key} is {part[key]:,}; allowed are up to {MOST_POSITIONS:,} positions")
        _check_types(file, part)


def _check_types(file: Path, content: Mapping[str, Any]) -> None:
    """Refuse ids that are no whole numbers, and names that are no text."""
    for key in _IDS:
        value = content.get(key)
        ids = value if isinstance(value, list) else [value]
        are_ids = bool(ids) and all(type(number) is int and abs(number) < 1 << 31 for number in ids)
        if value is not None and not are_ids:
            raise HeirloomError(f"{file}: {key} is {short(repr(value))}; allowed is the id of a token, or a list of them")
    for key in _TEXTS:
        if not isinstance(content.get(key, ""), str | None):
            raise HeirloomError(f"{file}: {key} is {short(repr(content[key]))}; allowed is text")


def _check_index(folder: Path) -> None:
    """Refuse an index that is no table of names and files, or names files that are not in its folder."""
    file = folder / INDEX
    places = json_object(file).get("weight_map")
    if not isinstance(places, dict) or not places:
        raise HeirloomError(f"{file}: weight_map is {_kind(places)}; it must be an object of the names of weights and their files")
    for name, place in places.items():
        if not isinstance(place, str) or Path(place).name != place or not place.endswith(".safetensors"):
            what = f"weight_map: {short(name)!r} lies in {short(repr(place))}"
            raise HeirloomError(f"{file}: {what}; allowed is the name of a .safetensors file beside it")
        if not (folder / place).is_file():
            raise HeirloomError(f"{file}: weight_map: {short(name)!r} lies in {short(place)}, which is absent; fetch all weights")


def _parts(config: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield a configuration, and that of its text where it is one of several."""
    yield config
    if isinstance(config.get("text_config"), dict):
        yield config["text_config"]


def _number(config: Mapping[str, Any], key: str) -> int:
    value = config.get(key)
    return value if isinstance(value, int) else 0


def _kind(value: Any) -> str:
    names: Sequence[tuple[type, str]] = ((dict, "an object"), (list, "a list"), (str, "text"), (bool, "a truth value"), (int, "a number"))
    return next((name for kind, name in names if isinstance(value, kind)), "nothing" if value is None else "a number")
