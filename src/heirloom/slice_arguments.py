"""A step's slice as one argument of the command that runs the step."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from heirloom.artefacts.files import write_text
from heirloom.errors import HeirloomError

LONGEST = 100_000
"""Bytes of an argument; Linux takes 128 KiB."""

_FOLDER = Path(".heirloom/slices")


def write(step: Mapping[str, Any]) -> str:
    """Return a slice as one argument of a command: as JSON, or, where that is too long for Linux, as ``@`` and a file that holds it."""
    text = json.dumps(step, sort_keys=True)
    if len(text.encode()) <= LONGEST:
        return text
    file = _FOLDER / f"{hashlib.sha256(text.encode()).hexdigest()}.json"
    if not file.is_file() or file.read_bytes() != text.encode():
        write_text(file, text)
    return f"@{file}"


def read(text: str) -> dict[str, Any]:
    """Return the slice that `write` gave a command.

    Raises
    ------
    HeirloomError
        If the file that holds it is missing, or is not what was written.
    """
    if text.startswith("@"):
        file = Path(text[1:])
        content = file.read_bytes() if file.is_file() else b""
        if hashlib.sha256(content).hexdigest() != file.stem:
            raise HeirloomError(f"{file}: missing or damaged; run snakemake again, which writes it")
        text = content.decode()
    step: dict[str, Any] = json.loads(text)
    return step
