"""Whether a cluster can say that a job has ended, asked as Snakemake's executor plugin for Slurm (2.8) asks.

The plugin asks ``sacct``, wherever that program is installed. Where Slurm keeps no accounting, ``sacct`` has no answer, and
the plugin then waits for ever for a job that has ended long ago.
"""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heirloom import profiles
from heirloom.errors import HeirloomError
from heirloom.planning import cluster

if TYPE_CHECKING:
    from snakemake_executor_plugin_slurm import ExecutorSettings

PROFILE, SITE = Path("profiles/slurm"), Path("profiles/site")
"""The profile for any Slurm, and a site's own copy of it, which git ignores (`site_profile`)."""
STATUS_COMMAND = "slurm-status-command"
FIRST_CHECK = "slurm-init-seconds-before-status-checks"
"""Keys of a profile: who is asked about jobs, and the seconds until the first question."""

_SECONDS = 60
"""How long the plugin waits for an answer."""


def usual_profile() -> Path:
    """Return the site's profile, or the one for any Slurm where there is none."""
    return SITE if SITE.is_dir() else PROFILE


def check_profile(profile: Path) -> str:
    """Return a line that says what a cluster answers to this profile: who says that a job has ended, and what a node sees.

    Raises
    ------
    HeirloomError
        As for `check`, `settings` and `cluster.check`, naming the profile.
    """
    plugin_settings = settings(profile)
    if plugin_settings is None:
        return f"{profile}: its executor is not slurm, and no cluster is asked"
    try:
        check(plugin_settings)
        sight = cluster.check(profiles.keys(str(profile)))
    except HeirloomError as error:
        raise HeirloomError(f"{profile}: {error}") from None
    return f"{profile}: Slurm says when a job has ended; {sight}"


def settings(profile: Path) -> ExecutorSettings | None:
    """Return what a profile of Snakemake sets of the plugin's status questions, or None if its executor is another one.

    Raises
    ------
    HeirloomError
        If there is no such profile, or it cannot be read.
    """
    from snakemake_executor_plugin_slurm import ExecutorSettings
    from snakemake_interface_common.exceptions import WorkflowError

    keys = profiles.keys(str(profile))
    if keys.get("executor") != "slurm":
        return None
    options: dict[str, Any] = {}
    if STATUS_COMMAND in keys:
        options["status_command"] = keys[STATUS_COMMAND]
    if FIRST_CHECK in keys:
        seconds = str(keys[FIRST_CHECK])
        if not seconds.isdecimal():
            raise HeirloomError(f"{profile}: {FIRST_CHECK}: a whole number of seconds is wanted (given: {seconds})")
        options["init_seconds_before_status_checks"] = int(seconds)
    try:
        return ExecutorSettings(**options)
    except WorkflowError as error:  # the plugin refuses a value
        raise HeirloomError(f"{profile}: {' '.join(str(error).split())}") from None


def check(plugin_settings: ExecutorSettings) -> None:
    """Raise unless the cluster can say that a job has ended, when it is asked with these settings of the plugin.

    Raises
    ------
    HeirloomError
        With the lines that the profile needs.
    """
    from snakemake_executor_plugin_slurm.job_status_query import get_min_job_age, is_query_tool_available

    if not is_query_tool_available("sacct"):  # the plugin then asks squeue, whatever the settings say
        return
    asks_squeue = plugin_settings.status_command == "squeue"
    job_age, first_check = get_min_job_age(), int(plugin_settings.init_seconds_before_status_checks)
    outlives_check = job_age is not None and job_age >= 3 * first_check
    if asks_squeue and outlives_check:
        return
    refused = refusal()
    if not refused:
        return
    lines = [] if asks_squeue else [f'the line "{STATUS_COMMAND}: squeue"']
    if job_age is not None and not outlives_check:
        lines.append(f'the line "{FIRST_CHECK}: {latest_check(job_age)}" (Slurm forgets an ended job after {job_age} s, MinJobAge)')
    cure = f"add to the profile {' and '.join(lines)}" if lines else "scontrol does not say how long Slurm remembers a job"
    raise HeirloomError(f"Slurm keeps no accounting here (sacct: {refused}), and Snakemake would wait for ever for its first job; {cure}")


def latest_check(job_age: int) -> int:
    """Return the seconds until the first question after which the plugin still trusts squeue, which forgets a job at this age."""
    return max(job_age // 3, 1)


def refusal() -> str:
    """Return why `sacct` does not answer the plugin's question, in its own words; nothing if it does, or is not there to be asked."""
    from snakemake_executor_plugin_slurm.job_status_query import query_job_status_sacct

    question = shlex.split(query_job_status_sacct("heirloom"))
    try:
        answer = subprocess.run(question, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False)
    except FileNotFoundError:
        return ""
    except subprocess.TimeoutExpired:
        return f"no answer within {_SECONDS} s"
    if not answer.returncode:
        return ""
    words = answer.stderr or f"exit status {answer.returncode}"
    return " ".join(words.split())
