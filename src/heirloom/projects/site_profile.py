"""A site's own profile: the one for any Slurm, with what this cluster says of itself written into the lines marked "site"."""

from __future__ import annotations

from pathlib import Path

from heirloom.artefacts.files import write_text
from heirloom.errors import HeirloomError
from heirloom.planning import accounting, cluster
from heirloom.projects.choice import Choice

_PARTITION = "slurm_partition: compute "
_ACCOUNT = "# slurm_account: myproject  "
_STATUS = f"# {accounting.STATUS_COMMAND}: squeue"
_FIRST_CHECK = f"{accounting.FIRST_CHECK}: "


def write(folder: Path, template: str) -> list[Choice]:
    """Write a profile for this cluster, and return what was chosen.

    Parameters
    ----------
    template
        The text of the profile for any Slurm.

    Raises
    ------
    HeirloomError
        If Slurm is not here to be asked, or the folder has a profile already.
    """
    if not cluster.is_here():
        cure = "run this where you submit jobs, or copy profiles/slurm and edit the lines marked site"
        raise HeirloomError(f"Slurm is not on this machine (no program {cluster.PARTITIONS_PROGRAM} on the search path): {cure}")
    file = folder / "config.yaml"
    if file.exists():
        raise HeirloomError(f"{file}: is there already; edit it, or remove it for a new one")
    text, choices = filled(template)
    write_text(file, text)
    return choices


def filled(template: str) -> tuple[str, list[Choice]]:
    """Return the profile with the lines of this cluster, and the reason of each."""
    text, choices = template, list[Choice]()
    partitions, accounts = cluster.partitions(), cluster.accounts()
    if partitions:
        text = text.replace(_PARTITION, f"slurm_partition: {partitions[0]} ", 1)
        others = f"; there is {', '.join(partitions[1:])}, too" if partitions[1:] else ""
        choices.append(Choice("slurm_partition", partitions[0], f"Slurm's default, or its first{others}"))
    else:
        choices.append(Choice("slurm_partition", "compute", "sinfo names no partition here: write yours"))
    if accounts:
        text = text.replace(_ACCOUNT, f"slurm_account: {accounts[0]}  ", 1)
        choices.append(Choice("slurm_account", accounts[0], f"yours: {', '.join(accounts)}"))
    refusal = accounting.refusal()
    if refusal:
        text = text.replace(_STATUS, _STATUS.removeprefix("# "), 1)
        choices.append(Choice(accounting.STATUS_COMMAND, "squeue", f"sacct: {refusal}"))
        text, more = _with_first_check(text)
        choices += more
    return text, choices


def _with_first_check(text: str) -> tuple[str, list[Choice]]:
    """Return the profile with a first question that comes before Slurm forgets a job."""
    from snakemake_executor_plugin_slurm.job_status_query import get_min_job_age

    job_age = get_min_job_age()
    start = text.index(_FIRST_CHECK) + len(_FIRST_CHECK)
    seconds = text[start:].split(maxsplit=1)[0]
    if job_age is None or accounting.latest_check(job_age) >= int(seconds):
        return text, []
    latest = str(accounting.latest_check(job_age))
    reason = f"Slurm forgets an ended job after {job_age} s (MinJobAge)"
    return text[:start] + latest + text[start + len(seconds) :], [Choice(accounting.FIRST_CHECK, latest, reason)]
