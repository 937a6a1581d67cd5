"""Files: JSON that is spelled one way, and writing that is whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from heirloom import records
from heirloom.errors import HeirloomError

SCHEMA_VERSION = 2
"""The newest layout that is read; manifests are written in it. The layout of a fingerprint is still the first."""


_NO_ROOM = [*map(os.strerror, (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)), "requested and"]
"""How the kernel says that a disk, a quota or a limit is full, which libraries repeat in errors of their own, and how NumPy says it."""


class NoRoomError(HeirloomError, OSError):
    """A file that a disk has no room for; still an `OSError` for those who can do without the file."""


def dumps(content: Any) -> str:
    """Return the one JSON spelling used on disk: sorted keys, two spaces, a newline at the end, no NaN."""
    return json.dumps(content, indent=2, sort_keys=True, allow_nan=False) + "\n"


def read_json(path: str | Path) -> dict[str, Any]:
    """Return a small JSON file's object, refusing one that a newer Heirloom wrote.

    Raises
    ------
    HeirloomError
        If the file is missing, is no JSON object, or has a newer ``schema_version``.
    """
    try:
        content = records.json_object(Path(path).read_bytes(), path, repair(path))
    except FileNotFoundError:
        raise HeirloomError(f"{path}: missing; run snakemake, or fetch it with dvc pull") from None
    version = content.get("schema_version", SCHEMA_VERSION)
    if type(version) is not int or version < 1:
        raise HeirloomError(
            f"{path}: schema_version is {records.in_one_line(version)}, not a number from 1 to {SCHEMA_VERSION}; {repair(path)}"
        )
    if version > SCHEMA_VERSION:
        raise HeirloomError(f"{path}: schema_version {version} is newer than {SCHEMA_VERSION}, the newest this Heirloom reads")
    return content


def repair(artefact: str | Path) -> str:
    """Return the command that brings the recorded bytes of an artefact back, as the end of a message."""
    return f"heirloom repair {artefact} repairs it"


def write_text(path: str | Path, text: str) -> None:
    """Write a file under a temporary name and rename it: never half-written, never through a link into DVC's cache."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path (file or folder, to be made by the caller) that takes the place of ``path`` on success.

    On an error the temporary is removed and what stood at ``path`` stays as it was.

    Raises
    ------
    NoRoomError
        If the disk is full, or a quota or limit is reached.
    """
    path = Path(path)
    with _saying_where_no_room_is(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        temporary = scratch / path.name
        try:
            yield temporary
            if path.is_dir() and not path.is_symlink():
                path.replace(scratch / "old")  # a folder cannot be renamed over a full one
            temporary.replace(path)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _saying_where_no_room_is(path: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if isinstance(error, HeirloomError) or not any(words in str(error) for words in _NO_ROOM):
            raise
        raise NoRoomError(f"{path}: cannot be written ({error}); make room and run again: what is complete stays") from None


def link_or_copy(source: Path, target: Path, *, link: bool = True) -> None:
    """Make a hard link, or a copy where that is not wanted or the file system refuses."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        if link:
            os.link(source, target)
            return
    except OSError:  # another file system
        pass
    shutil.copyfile(source, target)
