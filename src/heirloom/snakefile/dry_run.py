"""The last words of `snakemake --dry-run`: which changed keys cost which jobs. Snakemake says only that parameters have changed."""

from __future__ import annotations

import sys
from collections.abc import Collection
from typing import Any

from heirloom.config import Config
from heirloom.errors import HeirloomError, line, printed
from heirloom.planning import changes
from heirloom.snakefile import private


def tell(workflow: Any, config: Config, targets: Collection[str]) -> None:
    """Print a line for each cause of jobs of the whole config, and their number; nothing where nothing is to do.

    Nothing either where this is no dry run, or one of some targets alone, of which the whole config's jobs tell nothing.

    Parameters
    ----------
    targets
        The rules that stand for the whole workflow.
    """
    if not private.is_dry_run(workflow) or not private.is_whole(workflow, targets):
        return
    try:
        pending = changes.pending(config)
        causes = [cause.line for cause in changes.causes(config, pending)]
    except HeirloomError as error:
        print(*printed(error), sep="\n", file=sys.stderr)
        return
    for text in [*causes, changes.total(config, pending)] if causes else []:
        print(line(text), file=sys.stderr)
