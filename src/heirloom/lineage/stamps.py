"""What was seen last time, by name. This private memory saves time and can be deleted at any moment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from heirloom import records
from heirloom.artefacts.files import dumps, write_text


def read(file: Path) -> dict[str, str]:
    """Return name → stamp; nothing if the file is missing or spoilt."""
    try:
        content = records.json_value(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {name: stamp for name, stamp in content.items() if isinstance(stamp, str)}


def write(file: Path, stamps: Mapping[str, str]) -> None:
    """Write the stamps, if they have changed."""
    if stamps != read(file):
        write_text(file, dumps(dict(stamps)))
