"""The end of `snakemake`: a record that was cut is finished, and a file that is missing is named in the last line.

Snakemake's own hooks do not run when there is nothing to do, and print before its last lines. These functions run
when the process ends.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from heirloom.config import Config
from heirloom.errors import HeirloomError, line, printed
from heirloom.lineage import completeness, unrecorded


def after_nothing(workflow: Any, config: Config, config_file: str) -> None:
    """Record what an earlier run left unrecorded, and name what is missing; `onstart` takes this back.

    Parameters
    ----------
    workflow
        Snakemake's workflow object. A dry run, a run without hooks and a call that runs no workflow (`--lint`)
        change nothing.
    """
    if workflow.scheduler is None or workflow.dryrun or workflow.execution_settings.no_hooks:
        return
    if unrecorded.is_marked():
        sys.stderr.flush()
        command = ("heirloom", "record", "--complete", "--if-possible", "--config", config_file)
        subprocess.run(command, stdout=sys.stderr, check=False)
    name_missing(config)


def name_missing(config: Config) -> None:
    """Print one line if something is missing that the ledger names."""
    try:
        lines = completeness.missing(config)
    except HeirloomError as error:
        print(*printed(error), sep="\n", file=sys.stderr, flush=True)
        return
    if lines:
        more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
        print(line(f"{lines[0]}{more}; heirloom repair mends it"), file=sys.stderr, flush=True)
