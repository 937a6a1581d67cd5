"""A private folder for what has no file that can be read in batches; it is gone when the process ends."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from itertools import count
from pathlib import Path

_NUMBERS = count()


def place(name: str) -> Path:
    """Return a path that nothing lies at, in a folder of its own."""
    folder = Path(_folder(os.getpid()).name, str(next(_NUMBERS)))
    folder.mkdir()
    return folder / name


@cache
def _folder(process: int) -> tempfile.TemporaryDirectory[str]:
    """Return the folder of a process: one that was forked off has another than its parent."""
    return tempfile.TemporaryDirectory(prefix="heirloom-diff-")
