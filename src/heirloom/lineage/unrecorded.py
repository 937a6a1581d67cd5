"""A mark that a run has begun and is not recorded yet: the next `snakemake` finishes what a kill or a full disk has cut."""

from __future__ import annotations

from pathlib import Path

MARK = Path(".heirloom/unrecorded")


def mark() -> None:
    """Say that there may be something to record."""
    MARK.parent.mkdir(exist_ok=True)
    MARK.touch()


def clear() -> None:
    """Say that all is recorded."""
    MARK.unlink(missing_ok=True)


def is_marked() -> bool:
    """Return whether a run was not recorded to its end."""
    return MARK.exists()
