"""What was worked out before, by name: private memory under .heirloom/ that saves time, and may be deleted or spoilt at any moment."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from heirloom.artefacts.files import write_text

FOLDER = Path(".heirloom")


def recall(name: str) -> dict[str, Any]:
    """Return what was remembered under a name; nothing if the file is missing or is not what was written."""
    try:
        digest, text = (FOLDER / name).read_text(encoding="utf-8").split("\n", 1)
    except (OSError, ValueError):
        return {}
    if digest != _digest(text):
        return {}
    content: dict[str, Any] = json.loads(text)
    return content


def remember(name: str, content: Mapping[str, Any]) -> None:
    """Write something down; where that cannot be done, it is worked out again the next time."""
    text = json.dumps(content, sort_keys=True)
    with suppress(OSError):
        write_text(FOLDER / name, f"{_digest(text)}\n{text}")


def forget(name: str) -> None:
    """Remove what was remembered under a name."""
    with suppress(OSError):
        (FOLDER / name).unlink(missing_ok=True)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
