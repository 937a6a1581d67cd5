"""Paths and globs of configs: which places a glob may look at, and which kinds of file are read.

The library `glob` follows links and has no bound, so that ``/**/*`` or a folder that is linked into itself would have no end. A look at
what a glob would visit comes first here.
"""

from __future__ import annotations

import glob
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from heirloom.errors import HeirloomError, short
from heirloom.runtime import variables

MOST_PLACES = 200_000
"""Files and folders that a glob or a folder of data may have: a second's work."""
VARIABLE = "HEIRLOOM_PLACES"
"""Environment variable: stands in its place."""
_MOST_CROSSINGS = 2
"""Parts ``**`` of a glob; each one more multiplies the visits of a place by the depth of the tree."""
_KINDS = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}


def check_kind(place: Path) -> None:
    """Refuse a pipe, a socket or a device: reading one may have no end. What does not exist is no fault here.

    Raises
    ------
    HeirloomError
        Naming it and what it is.
    """
    try:
        kind = _KINDS.get(stat.S_IFMT(place.stat().st_mode))
    except OSError:
        return
    if kind is not None:
        raise HeirloomError(f"{place}: is {kind}; only regular files are read")


def check_name(folder: Path) -> None:
    """Refuse a project in a folder whose path has a control character: git, DVC and Snakemake read lists of paths line by line.

    Raises
    ------
    HeirloomError
        Naming the folder.
    """
    stray = next((letter for letter in str(folder.absolute()) if letter < " " or letter == "\x7f"), None)
    if stray is not None:
        raise HeirloomError(f"{folder}: the path has the character U+{ord(stray):04X}; rename the folder, every other name will do")


def check_extent(pattern: str, key: str) -> None:
    """Refuse a glob that would visit more than `MOST_PLACES` places, or folders in a circle.

    Raises
    ------
    HeirloomError
        Naming the key and the pattern.
    """
    parts = Path(pattern).parts
    if parts.count("**") > _MOST_CROSSINGS:
        raise HeirloomError(f"{key}: {short(pattern)} has ** {parts.count('**')} times; at most {_MOST_CROSSINGS} are read")
    for end, part in enumerate(parts, 1):
        if part == "**":
            tops = glob.iglob(str(Path(*parts[: end - 1])))  # noqa: PTH207  Path.glob refuses absolute patterns
            _check_number(_inside(tops, f"{key}: {short(pattern)}"), f"{key}: {short(pattern)}")
            return
        if glob.has_magic(part):
            _check_number(glob.iglob(str(Path(*parts[:end]))), f"{key}: {short(pattern)}")  # noqa: PTH207


def check_folder(folder: Path, key: str) -> None:
    """Refuse a folder that holds more than `MOST_PLACES` places, or itself by a link.

    Raises
    ------
    HeirloomError
        Naming the key and the folder.
    """
    _check_number(_inside([str(folder)], f"{key}: {folder}"), f"{key}: {folder}")


def _check_number(places: Iterable[str], subject: str) -> None:
    most = int(min(variables.number(VARIABLE, MOST_PLACES, "files and folders"), sys.maxsize - 1))
    if sum(1 for _ in islice(places, most + 1)) > most:
        advice = f"name a folder further down, or set {VARIABLE} to more"
        raise HeirloomError(f"{subject}: more than {most:,} files and folders stand there; {advice}")


def _inside(tops: Iterable[str], subject: str) -> Iterator[str]:
    """Yield everything inside some folders, links followed; what cannot be listed is passed over, as `glob` does."""
    pending = list(tops)
    while pending:
        try:
            entries = list(os.scandir(pending.pop()))
        except OSError:
            continue
        for entry in entries:
            yield entry.path
            if _is_folder(entry):
                if entry.is_symlink() and Path(entry.path).parent.resolve().is_relative_to(Path(entry.path).resolve()):
                    raise HeirloomError(f"{subject}: {entry.path} is a link to a folder that it stands in; remove it, or name other files")
                pending.append(entry.path)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
