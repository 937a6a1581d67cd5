"""Markdown and its front matter, safe for all names and licences."""

from __future__ import annotations

import re
from collections.abc import Sequence

from huggingface_hub import CardData


def page(data: CardData, paragraphs: Sequence[str]) -> str:
    """Return a card's metadata (YAML, as the hub's own library writes it) and its paragraphs as one page."""
    text = "\n\n".join(paragraphs)
    return f"---\n{data.to_yaml()}\n---\n\n{text}\n"


def table(rows: Sequence[tuple[str, str]]) -> str:
    """Return a table of two columns without a heading; the cells are not escaped."""
    return "\n".join(["| | |", "|---|---|", *(f"| {label} | {value} |" for label, value in rows)])


def code(text: str) -> str:
    """Return a text as code, even if it has backticks, line ends, or bars that would end a cell of a table."""
    backticks = re.findall("`+", text)
    fence = "`" * (1 + max(map(len, backticks), default=0))
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    line = " ".join(text.split())
    return f"{fence}{pad}{line}{pad}{fence}".replace("|", "\\|")


def prose(text: str) -> str:
    """Return a text as prose on one line, without links, HTML or emphasis. Short code in backticks stays code."""
    line = " ".join(text.split())
    return re.sub("(`[^`]*`)|([\\\\<>*_\\[\\]#|`])", _escaped, line)


def _escaped(match: re.Match[str]) -> str:
    code_span, special_character = match.groups()
    return code_span or f"\\{special_character}"
