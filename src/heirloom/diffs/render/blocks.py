"""What a page is made of: sections of lines, tables, texts and pairs of texts; and text from data made safe to show."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from heirloom.diffs.row_result import Pair

_SYMBOLS = 0x2400  # Unicode has a visible sign for each control character
_DELETE = 0x7F


@dataclass(frozen=True)
class Line:
    """A sentence."""

    text: str


@dataclass(frozen=True)
class Table:
    """A table; its first column is words, the others are numbers."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Texts:
    """Rows of the data as they are."""

    title: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Pairs:
    """Rows side by side."""

    title: str
    pairs: tuple[Pair, ...]


Block = Line | Table | Texts | Pairs


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    blocks: tuple[Block, ...]


def safe(text: str) -> str:
    """Return text that cannot steer a terminal or turn its direction: control and format characters become visible signs."""
    return "".join(map(_visible, text))


def _visible(character: str) -> str:
    if unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"):
        return character
    number = ord(character)
    if number < ord(" "):
        return "⏎" if character == "\n" else chr(_SYMBOLS + number)
    return "␡" if number == _DELETE else f"\\u{number:04x}"


def number(value: float | None) -> str:
    """Return a number in at most four significant digits, whole numbers in full; a dash where there is none."""
    if value is None or value != value:
        return "–"
    return f"{int(value):,}" if float(value).is_integer() else f"{value:.4g}"
