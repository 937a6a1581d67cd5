"""The last words of `snakemake --dry-run`: which changed keys cost which jobs. Snakemake says only that parameters have changed."""

from __future__ import annotations

import sys
from typing import Any

from heirloom.config import Config
from heirloom.errors import HeirloomError, line, printed
from heirloom.planning import changes
from heirloom.snakefile import private


def tell(workflow: Any, config: Config) -> None:
    """Print a line for each cause of jobs of the whole config, and their number; nothing where this is no dry run, or nothing is to do."""
    if not private.is_dry_run(workflow):
        return
    try:
        pending = changes.pending(config)
        causes = [cause.line for cause in changes.causes(config, pending)]
    except HeirloomError as error:
        print(*printed(error), sep="\n", file=sys.stderr)
        return
    for text in [*causes, changes.total(config, pending)] if causes else []:
        print(line(text), file=sys.stderr)
