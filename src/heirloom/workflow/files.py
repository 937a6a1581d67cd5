"""Where the workflow's own files lie: the Snakefile, and ``rules/`` and ``docs/report/`` beside it."""

from __future__ import annotations

from pathlib import Path

_CARRIED = Path(__file__).parents[1] / "snakefile/Snakefile"


def snakefile() -> Path:
    """Return the Snakefile of this Heirloom: the copy that its wheel carries, or in a clone the one at the top."""
    return _CARRIED if _CARRIED.is_file() else Path(__file__).parents[3] / "Snakefile"


PROJECT_SNAKEFILE = """\
# The workflow is that of the installed Heirloom. This file stays as it is: what runs stands in config.yaml,
# and rules of your own in a Snakefile beside this one, with another name.
from heirloom.workflow.files import snakefile

include: str(snakefile())


rule project:
    default_target: True
    input:
        rules.all.input,
"""
"""The Snakefile of a project outside a clone, with which plain `snakemake` runs there."""


def is_project_s(file: Path) -> bool:
    """Return whether a Snakefile is one of a project, which includes ours and does nothing else."""
    return file.is_file() and file.read_text(encoding="utf-8", errors="replace") == PROJECT_SNAKEFILE
