"""A mark that a run has begun and is not recorded yet. The next `snakemake` finishes what a kill or a full disk interrupted."""

from __future__ import annotations

from pathlib import Path

MARK = Path(".heirloom/unrecorded")


def mark() -> None:
    """Mark that there may be something to record."""
    MARK.parent.mkdir(exist_ok=True)
    MARK.touch()


def clear() -> None:
    """Remove the mark: all is recorded."""
    MARK.unlink(missing_ok=True)


def is_marked() -> bool:
    """Return whether a run was not recorded to its end."""
    return MARK.exists()
