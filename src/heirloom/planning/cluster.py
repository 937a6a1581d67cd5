"""What a Slurm cluster says of itself: its partitions, one's accounts, and whether its nodes see this folder.

Each question is one of Slurm's own commands, and each answer may be missing: where a program is not there or refuses, nothing is known.
"""

from __future__ import annotations

import getpass
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from enum import IntEnum
from pathlib import Path
from typing import Any

from heirloom.errors import HeirloomError

PARTITIONS_PROGRAM = "sinfo"
"""Slurm's own program that names the partitions."""

_SECONDS = 60
"""How long one question may take, and how long a job that looks at the folder may wait for a node."""


class _Status(IntEnum):
    """Exit status of the job that looks: no such folder on its node, or no heirloom on its path."""

    UNSEEN = 73
    NO_PROGRAM = 74


_LOOK = f'test -e "$0" || exit {_Status.UNSEEN:d}; command -v heirloom > /dev/null || exit {_Status.NO_PROGRAM:d}'


def is_here() -> bool:
    """Return whether this machine has Slurm's programs, as one has from which jobs are submitted."""
    return shutil.which(PARTITIONS_PROGRAM) is not None


def partitions() -> list[str]:
    """Return the names of the partitions, the default one first; none where nobody says."""
    names = _answer(PARTITIONS_PROGRAM, "--noheader", "--format=%P").split()
    ordered = sorted(dict.fromkeys(names), key=lambda name: not name.endswith("*"))
    return [name.rstrip("*") for name in ordered]


def accounts() -> list[str]:
    """Return the accounts of this user; none where Slurm keeps no accounting."""
    answer = _answer("sacctmgr", "--noheader", "--parsable2", "show", "associations", f"user={getpass.getuser()}", "format=account")
    return list(dict.fromkeys(answer.split()))


def check(keys: Mapping[str, Any]) -> str:
    """Check what a profile says of a cluster against the cluster, and return what its nodes see, in a few words.

    Parameters
    ----------
    keys
        The keys of the profile.

    Raises
    ------
    HeirloomError
        If a partition or an account is not there, or a node does not see this folder or finds no Heirloom.
    """
    default, of_rules = _entries(keys, "default-resources"), _entries(keys, "set-resources")
    resources = [*default, *(entry.partition(":")[2] for entry in of_rules)]
    for name in _values(resources, "slurm_partition"):
        _check_name("slurm_partition", "partition", name, partitions())
    for name in _values(resources, "slurm_account"):
        _check_name("slurm_account", "account", name, accounts())
    return _look(default, str(keys.get("precommand", "")))


def _entries(keys: Mapping[str, Any], name: str) -> list[str]:
    """Return the entries of a key that holds several, as Snakemake's command line takes them: ``key=value``, or ``rule:key=value``."""
    value = keys.get(name, [])
    return [str(entry) for entry in value] if isinstance(value, list) else [str(value)]


def _values(resources: Sequence[str], name: str) -> list[str]:
    """Return the values that a resource has among some, without quotes."""
    values = [entry.partition("=")[2].strip("'\"") for entry in resources if entry.startswith(f"{name}=")]
    return list(dict.fromkeys(value for value in values if value))


def _check_name(key: str, words: str, name: str, names: Sequence[str]) -> None:
    """Refuse a name that is none of some; nothing is refused where these are not known."""
    if not names or name in names:
        return
    likely = get_close_matches(name, names, 1)
    hint = f"; did you mean {likely[0]}?" if likely else ""
    raise HeirloomError(f"{key}: {name}: no such {words} for you here; there is {', '.join(names)}{hint}")


def _look(resources: Sequence[str], precommand: str) -> str:
    """Let a job of a second look for this folder on a node."""
    options = [f"--partition={name}" for name in _values(resources, "slurm_partition")]
    options += [f"--account={name}" for name in _values(resources, "slurm_account")]
    script = f"{precommand} && {{ {_LOOK}; }}" if precommand else _LOOK
    folder = str(Path.cwd())
    size = ("--nodes=1", "--ntasks=1", "--mem=100", "--time=1", f"--immediate={_SECONDS}", "--quiet", "--chdir=/")
    command = ["srun", *options, *size, "sh", "-c", script, folder]
    try:
        job = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=2 * _SECONDS, check=False)
    except FileNotFoundError:
        return "no srun here, so nobody has looked whether the nodes see this folder"
    except subprocess.TimeoutExpired:
        return f"no node was free within {2 * _SECONDS} s, so nobody has looked whether it sees this folder"
    match job.returncode:
        case 0:
            return "a node sees this folder and finds heirloom"
        case _Status.UNSEEN:
            raise HeirloomError(f"a node of the cluster does not see {folder}: work in a folder on a disk that all nodes share")
        case _Status.NO_PROGRAM:
            cure = "install it on a disk that all nodes share, or set `precommand` in the profile to what finds it"
            raise HeirloomError(f"a node of the cluster finds no heirloom: {cure}")
    words = " ".join(job.stderr.split()) or f"exit status {job.returncode}"
    return f"nobody could look whether a node sees this folder ({words})"


def _answer(*command: str) -> str:
    """Return what a command prints; nothing where it is not there, fails or takes too long."""
    try:
        answer = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return "" if answer.returncode else answer.stdout
