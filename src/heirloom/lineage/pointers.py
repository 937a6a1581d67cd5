"""Pointers: the small ``.dvc`` files in git, each of which names the listing of a lineage folder in DVC's cache.

Only this module reads them, and it reads them strictly: a key, a type or a value that DVC does not write there is
damage, and is never ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heirloom import records
from heirloom.errors import HeirloomError
from heirloom.lineage import git
from heirloom.workflow import folders

HASH = "md5"
_MOST_BYTES = 1 << 14
_KEYS = ("md5", "size", "nfiles", "hash", "path")
_NUMBERS = ("size", "nfiles")
_MD5 = re.compile(r"[0-9a-f]{32}\.dir")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")


@dataclass(frozen=True)
class Pointer:
    """What a ``.dvc`` file says of a lineage folder.

    Attributes
    ----------
    md5
        The name of the folder's listing in the cache; it ends in ``.dir``.
    size
        The bytes of all files of the folder; None if the pointer does not say: DVC leaves it out when a part of the
        folder was added.
    nfiles
        The number of files of the folder, or None.
    path
        The folder's name beside the pointer.
    """

    md5: str
    size: int | None
    nfiles: int | None
    path: str

    @property
    def text(self) -> str:
        """The file as DVC writes it."""
        counts = {"size": self.size, "nfiles": self.nfiles}
        numbers = "".join(f"  {key}: {value}\n" for key, value in counts.items() if value is not None)
        return f"outs:\n- md5: {self.md5}\n{numbers}  hash: {HASH}\n  path: {self.path}\n"


def file_of(lineage: str) -> Path:
    """Return where the pointer of a lineage folder lies."""
    return Path(f"{lineage}.dvc")


def read(lineage: str) -> Pointer | None:
    """Return the pointer of a lineage folder, or None if there is none.

    Raises
    ------
    HeirloomError
        If it is not what DVC writes there.
    """
    file = file_of(lineage)
    try:
        return parse(file.read_bytes(), lineage)
    except FileNotFoundError:
        return None


def parse(content: bytes, lineage: str) -> Pointer:
    """Return what the text of a pointer says.

    Raises
    ------
    HeirloomError
        If a key, a type or a value is not what DVC writes there.
    """
    entry = _entry(content, lineage)
    if not set(_KEYS) - set(_NUMBERS) <= set(entry) <= set(_KEYS):
        raise _error(lineage, f"its keys are {', '.join(map(ascii, entry))} instead of {', '.join(_KEYS)}")
    patterns = {"md5": _MD5, **{key: _NUMBER for key in _NUMBERS if key in entry}}
    for key, pattern in patterns.items():
        if not isinstance(entry[key], str) or not pattern.fullmatch(entry[key]):
            raise _error(lineage, f"{key} is {records.in_one_line(entry[key])}")
    if entry["hash"] != HASH:
        raise _error(lineage, f"hash is {records.in_one_line(entry['hash'])} instead of {HASH}")
    if entry["path"] != Path(lineage).name:
        raise _error(lineage, f"path is {records.in_one_line(entry['path'])} instead of {Path(lineage).name}")
    size, nfiles = (int(entry[key]) if key in entry else None for key in _NUMBERS)
    return Pointer(entry["md5"], size, nfiles, entry["path"])


def outputs(content: bytes, name: str) -> dict[str, str]:
    """Return path → md5 of what a ``.dvc`` file tracks, be it Heirloom's or a user's own; nothing if it is empty.

    Raises
    ------
    HeirloomError
        If it is no ``.dvc`` file.
    """
    loaded = records.yaml_strings(content, name, f"git checkout -- {name} repairs it")
    try:
        md5_of = {output["path"]: output["md5"] for output in loaded["outs"]} if loaded else {}
    except (KeyError, TypeError):
        raise HeirloomError(f"{name}: names no file with an md5, as a .dvc file of dvc add does") from None
    if not all(isinstance(part, str) for entry in md5_of.items() for part in entry):
        raise HeirloomError(f"{name}: not a .dvc file")
    return md5_of


def in_git(lineage: str) -> dict[Pointer, str]:
    """Return the undamaged pointers of a lineage folder in git's index and its last commit, with their texts."""
    sound: dict[Pointer, str] = {}
    for content in git.head_or_index(file_of(lineage)):
        try:
            sound[parse(content, lineage)] = content.decode()
        except HeirloomError:
            continue
    return sound


def lost_lineages(ledger_paths: Iterable[str]) -> list[str]:
    """Return the lineage folders whose pointer is missing, although git's index has it and the ledger names artefacts.

    If the ledger names none, the folder was pruned, and this is not committed yet.
    """
    pointers = [path for path in git.tracked_files("data") if path.endswith(".dvc")]
    lineages_without_pointer = {path.removesuffix(".dvc") for path in pointers if not Path(path).exists()}
    return sorted(lineages_without_pointer & folders.lineages_of(ledger_paths)) if lineages_without_pointer else []


def number_mismatches(pointer: Pointer, lineage: str, listing: Mapping[str, str], size: int | None) -> list[str]:
    """Return the numbers in which a pointer and the folder's recorded files differ.

    Parameters
    ----------
    listing
        Path → md5 of the recorded files.
    size
        The bytes of all recorded files, or None if that is not known here.
    """
    way_back = _way_back(lineage)
    mismatches = []
    if pointer.nfiles not in (None, len(listing)):
        mismatches.append(f"nfiles is {pointer.nfiles}, but its listing has {len(listing)}; {way_back}")
    if size is not None and pointer.size not in (None, size):
        mismatches.append(f"size is {pointer.size}, but its files have {size} bytes; {way_back}")
    return mismatches


def _entry(content: bytes, lineage: str) -> dict[str, Any]:
    """Return the one entry of a pointer, every scalar a string."""
    if len(content) > _MOST_BYTES:
        raise _error(lineage, f"it has {len(content):,} bytes")
    loaded = records.yaml_strings(content, file_of(lineage), _way_back(lineage))
    if not isinstance(loaded, dict) or list(loaded) != ["outs"]:
        raise _error(lineage, "it holds something else than one list, outs")
    outs = loaded["outs"]
    if not isinstance(outs, list) or len(outs) != 1 or not isinstance(outs[0], dict):
        raise _error(lineage, "outs is not a list of one folder")
    return outs[0]


def _error(lineage: str, fault: str) -> HeirloomError:
    return HeirloomError(f"{file_of(lineage)}: damaged, {fault}; {_way_back(lineage)}")


def _way_back(lineage: str) -> str:
    return f"git checkout -- {file_of(lineage)} or heirloom repair {lineage} repairs it"
