"""What was seen last time, by name: private memory that saves time and can be deleted at any moment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from heirloom.manifest import dumps, write_text


def read(file: Path) -> dict[str, str]:
    """Return name → stamp; nothing if the file is missing or spoilt."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write(file: Path, stamps: Mapping[str, str]) -> None:
    """Write the stamps down if they are not written down already."""
    if stamps != read(file):
        write_text(file, dumps(dict(stamps)))
