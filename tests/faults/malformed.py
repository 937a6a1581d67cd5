"""Malformed files of others, made at a fixed seed: per format what is cut, of a wrong type, of an absurd size, too deep, or in another
encoding. Each case is a project: its files, and the experiment whose source or model they are.

Left out are the cases that end or stop an outside reader: docs/reliability.md says of which formats, and how many.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

SEED = 20261130
ESCAPE = "\x1b[31mred\x1b[0m\x1b]0;title\x07"
"""What colours a terminal and renames its window, where it is printed as it is."""
WRONG: tuple[Any, ...] = (None, True, -1, 5, 1.5, "five", [], ["a", 1], {"a": 1})
"""A value of each type of JSON."""

Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Case:
    """A project with a malformed file.

    Attributes
    ----------
    format, kind, name
        What it is, in words that are unique together.
    files
        Path in the project → bytes; a path that ends in ``/`` is a folder.
    experiment
        The experiment of its config.
    """

    format: str
    kind: str
    name: str
    files: Files
    experiment: Mapping[str, Any] = field(hash=False)

    @property
    def id(self) -> str:
        """Its name among all cases."""
        return f"{self.format}-{self.kind}-{self.name}"

    def write(self, folder: Path) -> None:
        """Write the project, its ``config.yaml`` with it."""
        for path, content in self.files.items():
            place = folder / path
            if path.endswith("/"):
                place.mkdir(parents=True, exist_ok=True)
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        config = {"schema_version": 1, "regimes": {"replace": {}}, "experiments": {"case": self.experiment}}
        (folder / "config.yaml").write_text(json.dumps(config), encoding="utf-8")


def cases(folder: Path) -> list[Case]:
    """Return all cases of sources and models.

    Parameters
    ----------
    folder
        Where the sound model is written once from which the malformed ones are made.
    """
    from faults import malformed_models, malformed_sources

    found = [*malformed_sources.cases(), *malformed_models.cases(folder)]
    twice = [name for name, number in Counter(case.id for case in found).items() if number > 1]
    assert not twice, twice
    return found


def cuts(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the beginnings of a file, under the name of their length in bytes."""
    size = len(content)
    lengths = {0, 1, 4, 7, 12, size // 4, size // 2, 3 * size // 4, size - 9, size - 4, size - 1}
    for length in sorted(length for length in lengths if 0 <= length < size):
        yield f"cut-at-{length}", content[:length]


def flips(content: bytes, first: int, last: int, number: int) -> Iterator[tuple[str, bytes]]:
    """Yield copies of a file in which one byte between two places is another, as often as asked."""
    generator = np.random.Generator(np.random.PCG64DXSM([SEED, len(content), first]))
    for place in sorted(generator.choice(np.arange(first, last), size=min(number, last - first), replace=False).tolist()):
        value = content[place] ^ int(generator.integers(1, 256))
        yield f"byte-{place}-is-{value}", content[:place] + bytes([value]) + content[place + 1 :]


def encodings(text: str) -> Iterator[tuple[str, bytes]]:
    """Yield a text in encodings that are not UTF-8, or not all of it."""
    yield "utf-16", text.encode("utf-16")
    yield "utf-16-be", text.encode("utf-16-be")
    yield "utf-32", text.encode("utf-32")
    yield "latin-1", text.replace("river", "rivière").encode("latin-1", "replace")
    yield "nul", text.replace("river", "ri\0ver").encode()
    yield "lone-surrogate", text.replace("river", "ri\ud800ver").encode("utf-8", "surrogatepass")
    yield "overlong", text.encode().replace(b"river", b"ri\xc0\xafver")
    yield "half-a-character", text.encode() + "å".encode()[:1]


def nested(depth: int, opening: str = "[", closing: str = "]") -> str:
    """Return JSON that is nested so deep."""
    return opening * depth + "1" + closing * depth


def replaced(content: Mapping[str, Any], path: Sequence[str], value: Any) -> dict[str, Any]:
    """Return a copy of a JSON object in which one value is another."""
    copy = json.loads(json.dumps(content))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return dict(copy)


def spelled(content: Any) -> bytes:
    """Return JSON as it stands in a file."""
    return json.dumps(content).encode()
