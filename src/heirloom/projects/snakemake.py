"""Call Snakemake as a project's user would, also in a folder that has a config and nothing else."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from heirloom.projects import template
from heirloom.workflow.files import snakefile

_SNAKEFILES = ("Snakefile", "snakefile", "workflow/Snakefile", "workflow/snakefile")
"""Where Snakemake looks for one."""
_PROFILE = "profiles/default"


def command(arguments: Sequence[str]) -> list[str]:
    """Return the command that runs Snakemake with these arguments, and with our workflow and profile where the folder has none."""
    words = [sys.executable, "-m", "snakemake"]
    if not any(Path(name).is_file() for name in _SNAKEFILES) and not _has(arguments, "--snakefile", "-s"):
        words += ["--snakefile", str(snakefile())]
    if not Path(_PROFILE).is_dir() and not _has(arguments, "--workflow-profile"):
        words += ["--workflow-profile", str(template.place(_PROFILE))]
    return [*words, *arguments]


def _has(arguments: Sequence[str], *options: str) -> bool:
    return any(argument.partition("=")[0] in options for argument in arguments)


def replace_process(arguments: Sequence[str]) -> None:
    """Become Snakemake: signals and the exit code are its own."""
    words = command(arguments)
    os.execv(words[0], words)  # noqa: S606  a list, never a shell
