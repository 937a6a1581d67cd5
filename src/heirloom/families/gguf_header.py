"""The header of a GGUF file, read with bounds: a file that is cut, of another version or of absurd numbers is one line.

The format (ggml, docs/gguf.md): magic, version, numbers of tensors and of entries; entries of key, type and value; then name, shape, type
and offset of each tensor. The library that reads it maps the file and believes its numbers.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import IO, Any

from heirloom.errors import HeirloomError, short
from heirloom.runtime import child

MAGIC = b"GGUF"
VERSIONS = (2, 3)
_FORMATS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
"""Type of a value → its format in `struct`, little-endian."""
_STRING, _ARRAY = 8, 9
_MOST_DIMENSIONS = 8
_LONGEST_STRING = 1 << 24
_REPAIR = "fetch it anew"
_COUNTS = ("block_count", "context_length", "embedding_length", "feed_forward_length", "attention.head_count")
_LARGEST = {"context_length": 1 << 27}


class Header:
    """What a GGUF file says of itself.

    Attributes
    ----------
    values
        Key → number, truth or text; of a list its length.
    tensors
        Name → shape.
    """

    def __init__(self, file: Path) -> None:
        self.file, self.size = file, file.stat().st_size
        self.values: dict[str, Any] = {}
        self.tensors: dict[str, tuple[int, ...]] = {}
        child.opening(file)
        with file.open("rb") as self._content:
            self._read(self._content)

    @property
    def num_numbers(self) -> int:
        """How many numbers its tensors have."""
        return sum(map(math.prod, self.tensors.values()))

    def _read(self, content: IO[bytes]) -> None:
        if content.read(4) != MAGIC:
            raise HeirloomError(f"{self.file}: no GGUF file ({self.size:,} bytes, without its mark); {_REPAIR}")
        version = self._number("I")
        if version not in VERSIONS:
            allowed = " and ".join(map(str, VERSIONS))
            raise HeirloomError(f"{self.file}: GGUF of version {version:,}; allowed are {allowed}, little-endian")
        num_tensors, num_entries = self._count(), self._count()
        for _ in range(num_entries):
            key = self._string()
            self.values[key] = self._value(self._number("I"))
        for _ in range(num_tensors):
            name, num_dimensions = self._string(), self._number("I")
            if num_dimensions > _MOST_DIMENSIONS:
                raise HeirloomError(f"{self.file}: the tensor {short(name)!r} of {num_dimensions:,} dimensions; it is damaged; {_REPAIR}")
            self.tensors[name] = tuple(self._number("Q") for _ in range(num_dimensions))
            self._number("I")
            if self._number("Q") > self.size:
                raise HeirloomError(f"{self.file}: the tensor {short(name)!r} lies beyond the end of the file, which is cut; {_REPAIR}")

    def _value(self, kind: int, depth: int = 0) -> Any:
        if kind == _STRING:
            return self._string()
        if kind == _ARRAY and depth < 2:
            inner, length = self._number("I"), self._count()
            if inner in _FORMATS:
                self._skip(length * struct.calcsize(_FORMATS[inner]))
            else:
                for _ in range(length):
                    self._value(inner, depth + 1)
            return length
        if kind not in _FORMATS:
            raise HeirloomError(f"{self.file}: a value of the type {kind:,}, which GGUF does not have; the file is damaged; {_REPAIR}")
        return self._number(_FORMATS[kind])

    def _number(self, form: str) -> Any:
        return struct.unpack(f"<{form}", self._bytes(struct.calcsize(form)))[0]

    def _count(self) -> int:
        """Return a number of things, of which each takes a byte at least."""
        number = int(self._number("Q"))
        if number > self.size:
            raise HeirloomError(f"{self.file}: {number:,} entries in a file of {self.size:,} bytes; the file is damaged; {_REPAIR}")
        return number

    def _string(self) -> str:
        length = int(self._number("Q"))
        if length > min(_LONGEST_STRING, self.size):
            raise HeirloomError(f"{self.file}: a text of {length:,} bytes in its header; the file is damaged; {_REPAIR}")
        return self._bytes(length).decode(errors="backslashreplace")

    def _bytes(self, number: int) -> bytes:
        content = self._content.read(number)
        if len(content) < number:
            raise HeirloomError(f"{self.file}: cut in its header, after {self.size:,} bytes; {_REPAIR}")
        return content

    def _skip(self, number: int) -> None:
        if self._content.tell() + number > self.size:
            raise HeirloomError(f"{self.file}: cut in its header, after {self.size:,} bytes; {_REPAIR}")
        self._content.seek(number, 1)


def check(file: Path) -> Header:
    """Return the header of a file whose sizes its tensors can have.

    Raises
    ------
    HeirloomError
        If it is no GGUF file of a version that is read, is cut, or asks for more than its tensors have.
    """
    header = Header(file)
    architecture = header.values.get("general.architecture")
    if not isinstance(architecture, str):
        raise HeirloomError(f"{file}: does not say its architecture (general.architecture); {_REPAIR}")
    layers = {name.split(".")[1] for name in header.tensors if name.startswith("blk.") and name.count(".") > 1}
    largest = max((size for shape in header.tensors.values() for size in shape), default=0)
    bounds = {"block_count": 4 * max(1, len(layers)), "embedding_length": largest, "feed_forward_length": largest, **_LARGEST}
    for key in _COUNTS:
        name = f"{architecture}.{key}"
        value = header.values.get(name)
        if value is not None and (type(value) is not int or value < 1):
            raise HeirloomError(f"{file}: {name} is {short(repr(value))}; allowed is a whole number from 1")
        if value is not None and value > bounds.get(key, value):
            raise HeirloomError(
                f"{file}: {name} is {value:,}, which its tensors cannot be ({len(layers):,} layers, at most {largest:,} wide)"
            )
    return header
