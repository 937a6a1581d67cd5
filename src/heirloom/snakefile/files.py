"""Where the workflow's own files lie: the Snakefile, and ``rules/`` and ``docs/report/`` beside it."""

from __future__ import annotations

from pathlib import Path

_CARRIED = Path(__file__).with_name("Snakefile")


def snakefile() -> Path:
    """Return the Snakefile of this Heirloom: the copy that its wheel carries, or in a clone the one at the top."""
    return _CARRIED if _CARRIED.is_file() else Path(__file__).parents[3] / "Snakefile"
