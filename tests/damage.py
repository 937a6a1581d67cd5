"""What happens to files: one bit flips, the end is lost, or all of it; and a digest that is taken from its file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def flip_a_bit(file: Path) -> None:
    """Change the lowest bit of the byte in the middle."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def cut(file: Path) -> None:
    """Lose the last byte."""
    file.write_bytes(file.read_bytes()[:-1])


def empty(file: Path) -> None:
    """Lose every byte."""
    file.write_bytes(b"")


def take_the_digest(file: Path) -> None:
    """Give a saved file a name without a digest."""
    file.rename(file.with_name(file.name.split(".")[0] + file.suffix))


DAMAGES: dict[str, Callable[[Path], None]] = {
    "one bit flipped": flip_a_bit,
    "cut": cut,
    "empty": empty,
    "without digest": take_the_digest,
}
