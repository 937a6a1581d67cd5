"""A mark that a run has begun and is not recorded yet. The next `snakemake` finishes what a kill or a full disk interrupted."""

from __future__ import annotations

from pathlib import Path

MARK = Path(".heirloom/unrecorded")
STAGE_MARK = Path(".heirloom/unrecorded_stage")
"""Left by a run of some targets, which is recorded without the stage of the whole workflow."""


def mark() -> None:
    """Mark that there may be something to record."""
    MARK.parent.mkdir(exist_ok=True)
    MARK.touch()


def clear() -> None:
    """Remove the mark: all is recorded."""
    MARK.unlink(missing_ok=True)


def mark_stage() -> None:
    """Mark that the stage of the whole workflow is still to be recorded."""
    STAGE_MARK.parent.mkdir(exist_ok=True)
    STAGE_MARK.touch()


def clear_stage() -> None:
    """Remove that mark: the whole workflow has run, and is recorded."""
    STAGE_MARK.unlink(missing_ok=True)


def is_stage_marked() -> bool:
    """Return whether the last record was of a part of the workflow."""
    return STAGE_MARK.exists()


def is_marked() -> bool:
    """Return whether a run was not recorded to its end."""
    return MARK.exists()
