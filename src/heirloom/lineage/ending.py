"""The end of `snakemake`: an interrupted record is finished, and the last line names a missing file.

Snakemake's own hooks do not run when there is nothing to do, and print before its last lines. These functions run
when the process ends.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys

from heirloom.config import Config
from heirloom.errors import HeirloomError, first_of, line, printed
from heirloom.lineage import completeness, git, unrecorded


def check(config_file: str) -> None:
    """Check a config and its sources thoroughly, and end this process if something is wrong: the check's line is the last.

    Raises
    ------
    SystemExit
        With the check's exit status.
    """
    status = _run("check", "--thorough", "--quiet", "--config", config_file)
    if status:
        sys.exit(status)


def record(config_file: str, *options: str) -> int:
    """Record what a run has made, and return the exit status. A record that fails prints its own lines."""
    status = _run("record", *options, "--if-possible", "--config", config_file)
    if status:
        fault = f"heirloom record has failed with exit status {status}, as said above: not all of this run is recorded"
        print(line(f"{fault}; the next snakemake tries again"), file=sys.stderr, flush=True)
    return status


def record_run(config_file: str, *, is_whole: bool) -> None:
    """Record a run that has ended, and end this process if the record fails.

    Parameters
    ----------
    is_whole
        Whether the whole workflow has run. After a run of some targets its stage stays as it was: other data may still be to be made.

    Raises
    ------
    SystemExit
        With the exit status of the record.
    """
    status = record(config_file, *_options(is_whole=is_whole))
    if status:
        sys.exit(status)


def after_nothing(config: Config, config_file: str, *, is_whole: bool) -> None:
    """Record what an earlier run left unrecorded, and name what is missing.

    A record that fails gives the process its exit status, and ends it at once: an exit handler has no other way.

    Parameters
    ----------
    is_whole
        Whether the whole workflow was asked for, and has nothing to do.
    """
    is_open = unrecorded.is_marked() or (is_whole and unrecorded.is_stage_marked())
    status = record(config_file, *_options(is_whole=is_whole)) if is_open else 0
    if status:
        logging.shutdown()
        sys.stdout.flush()
        os._exit(status)
    name_missing(config)


def _options(*, is_whole: bool) -> list[str]:
    return ["--complete"] if is_whole else ["--complete", "--of-targets"]


def _run(*command: str) -> int:
    """Run one of Heirloom's commands beside Snakemake's output, and return its exit status, as a shell would give it."""
    sys.stdout.flush()
    sys.stderr.flush()
    status = subprocess.run(["heirloom", *command], stdout=sys.stderr, check=False).returncode
    if status < 0:
        print(line(f"heirloom {command[0]}: killed by signal {-status}"), file=sys.stderr, flush=True)
    return status if status >= 0 else 128 - status


def name_missing(config: Config) -> None:
    """Print one line if something that the ledger names is missing, or if git cannot be asked, so that the run is not recorded.

    The ledger is then that of an earlier run, and what this run has made is no damage.
    """
    reason = git.unusable() if unrecorded.is_marked() else ""
    if reason:
        print(line(f"this run is not recorded: {reason}; the next snakemake records it"), file=sys.stderr, flush=True)
        return
    try:
        lines = completeness.missing_artefacts(config)
    except HeirloomError as error:
        print(*printed(error), sep="\n", file=sys.stderr, flush=True)
        return
    if lines:
        print(line(f"{first_of(lines)}; heirloom repair repairs it"), file=sys.stderr, flush=True)
