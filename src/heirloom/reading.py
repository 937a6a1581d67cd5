"""Reading: the one way in which readers other than jobs open what jobs have left under ``data/``.

An artefact is read once its bytes, its fingerprint and its manifest agree (`manifest.check`). Within a process nothing
is hashed twice while size, times and inode of its files stay. Jobs check their inputs themselves.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from heirloom.artefacts import manifest, paths
from heirloom.artefacts.files import read_json
from heirloom.artefacts.fingerprints import fingerprint, recorded_sha256
from heirloom.errors import HeirloomError
from heirloom.workflow import folders

if TYPE_CHECKING:
    from heirloom.data.dataset import Dataset

_WORKFLOW = "Snakefile"
"""Lies in every project's top folder."""

State = tuple[tuple[str, int, int, int, int], ...]
"""Name, size, times and inode of each file of an artefact and of the two notes beside it."""


def artefact(path: str | Path) -> Path:
    """Return the path of an artefact that is as it was recorded.

    Raises
    ------
    HeirloomError
        If it is not; the message is that of `manifest.check`.
    """
    path = Path(path)
    _check_once(path, Path.cwd(), _state(path))
    return path


def dataset(path: str | Path) -> Dataset:
    """Return a dataset that is as it was recorded, its rows unread.

    Raises
    ------
    HeirloomError
        If it is not.
    """
    from heirloom.data.dataset import Dataset

    return Dataset.open(artefact(path))


def any_file(path: str | Path) -> Path:
    """Return a path that a user has named; the artefact that it belongs to, here or in another project, is checked.

    A copy elsewhere is compared with the fingerprint that was copied beside it. Files that Heirloom did not write have
    nothing to be compared with, and are read as they are.

    Raises
    ------
    HeirloomError
        If it belongs to an artefact that is not as it was recorded, or is a copy that differs from its fingerprint.
    """
    path = Path(path)
    note = Path(paths.fingerprint(path))
    enclosing_artefact = enclosing(path)
    if enclosing_artefact is not None:
        artefact(enclosing_artefact)
    elif note.is_file() and fingerprint(path) != read_json(note):
        repair = f"copy both again, or remove {note} and it is read as it is"
        raise HeirloomError(f"{path}: not the bytes that {note} records; {repair}")
    return path


def sha256(path: str | Path) -> str:
    """Return the fingerprint of what a user has named: of a checked artefact the recorded one, else of the bytes.

    Raises
    ------
    HeirloomError
        If it belongs to an artefact that is not as it was recorded.
    """
    path = any_file(path)
    return recorded_sha256(path) if enclosing(path) == path else str(fingerprint(path)["sha256"])


def enclosing(path: Path) -> Path | None:
    """Return the artefact that a path is, or lies in; None for any other file."""
    place = project_of(path)
    return None if place is None else Path(*place)


def project_of(path: Path) -> tuple[Path, str] | None:
    """Return the project of the artefact that a path is, or lies in, and the artefact's path there; None for any other file.

    In a folder that is no project, such as a copy of ``data/`` alone, a fingerprint or a manifest tells an artefact.
    """
    for position, part in enumerate(path.parts):
        if part != "data":
            continue
        root, path_in_project = Path(*path.parts[:position]), Path(*path.parts[position:])
        unit = folders.unit_of(path_in_project.as_posix())
        if unit is None or unit == path_in_project.as_posix():
            continue
        artefact_path = Path(unit, path_in_project.relative_to(unit).parts[0])
        if _is_project(root) or _has_notes(root / artefact_path):
            return root, artefact_path.as_posix()
    return None


def _is_project(root: Path) -> bool:
    return root.resolve() == Path.cwd() or (root / _WORKFLOW).is_file()


def _has_notes(path: Path) -> bool:
    return Path(paths.fingerprint(path)).is_file() or Path(paths.manifest(path)).is_file()


@cache
def _check_once(path: Path, project: Path, state: State) -> None:
    manifest.check(path)


def _state(path: Path) -> State:
    """Return what changes when a file is written to or replaced."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    notes = [Path(paths.fingerprint(path)), Path(paths.manifest(path))]
    stats = ((str(file), file.stat()) for file in (*files, *notes) if file.exists())
    return tuple((name, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino) for name, stat in stats)
