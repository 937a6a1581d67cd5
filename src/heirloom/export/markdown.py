"""Markdown and its front matter, safe for all names and licences."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml


def page(front: Mapping[str, Any], parts: Sequence[str]) -> str:
    """Return front matter (YAML) and paragraphs as one page."""
    head = yaml.safe_dump(dict(front), sort_keys=False, allow_unicode=True, width=1000)
    return f"---\n{head}---\n\n" + "\n\n".join(parts) + "\n"


def table(rows: Sequence[tuple[str, str]]) -> str:
    """Return a table of two columns without a heading; the cells are not escaped."""
    return "\n".join(["| | |", "|---|---|", *(f"| {label} | {value} |" for label, value in rows)])


def code(given: str) -> str:
    """Return a text as code, even if it has backticks, line ends, or bars that would end a cell of a table."""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", given)), default=0))
    pad = " " if given.startswith("`") or given.endswith("`") else ""
    return f"{fence}{pad}{' '.join(given.split())}{pad}{fence}".replace("|", "\\|")


def prose(given: str) -> str:
    """Return a text as prose on one line, without links, HTML or emphasis. Short code in backticks stays code."""
    return re.sub("(`[^`]*`)|([\\\\<>*_\\[\\]#|`])", lambda found: found[1] or f"\\{found[2]}", " ".join(given.split()))
