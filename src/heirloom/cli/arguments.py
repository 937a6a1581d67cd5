"""What several commands take: a config file, a reference."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from heirloom.artefacts import paths

CONFIG = Path(paths.CONFIG)
ConfigFile = Annotated[Path, typer.Option("--config", "--configfile", help="A config file; `--configfile` is Snakemake's word for it.")]


def complete(incomplete: str) -> list[str]:
    """Return the references that begin as typed so far: the shell's completion of every reference."""
    from heirloom.lineage import references

    return references.complete(incomplete)


Reference = Annotated[
    str,
    typer.Argument(
        autocompletion=complete, help="experiment/regime/seed/generation[:what][@revision], a path, a fingerprint's first digits."
    ),
]
