"""Files that real data, pretrained models and tokenizers come from: how manifests name them, and what their bytes are.

Planning remembers hashes, so that a look at an unchanged corpus reads no byte of it. Jobs and `heirloom verify` always read.
"""

from __future__ import annotations

import importlib.util
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

from heirloom import globs
from heirloom.artefacts.fingerprints import sha256_file
from heirloom.artefacts.manifest import Input
from heirloom.errors import HeirloomError
from heirloom.sources import memory

SOURCE, TOKENIZER_FILE, MODEL_FILE, TASK_FILE = "source", "tokenizer_file", "model_file", "task_file"
SPLIT_ROLES = {split: f"{split}_source" for split in ("train", "valid", "test")}
ROLES = frozenset({SOURCE, *SPLIT_ROLES.values(), TOKENIZER_FILE, MODEL_FILE, TASK_FILE})
"""Roles of inputs that are no artefacts."""

HASHES = "hashes.json"
HUB_FILE = re.compile(r"(?P<repository>[^@]+)@(?P<commit>[0-9a-f]{40})/(?P<file>.+)")
_PACKAGE_FILE = re.compile(r"(?P<package>\w+)==(?P<version>[^/]+)/(?P<file>.+)")
_LFS_MARK = b"version https://git-lfs.github.com/spec/v1"
_LFS_BYTES = 1024  # a pointer is shorter
_RACY_SECONDS = 2  # a file that changed so lately may change again within one tick of the file system's clock


class SourceFile(NamedTuple):
    """A file that is no artefact of this project, and that something is made from.

    Parameters
    ----------
    role
        What it is read for: one of `ROLES`.
    path
        Its name in slices and manifests: relative to the project; outside it as the config writes it; of an installed package
        ``NAME==VERSION/FILE``; of a hub repository ``ID@COMMIT/FILE``.
    place
        Where its bytes lie on this machine.
    """

    role: str
    path: str
    place: Path


class _Stamp(NamedTuple):
    """What tells that a file may have changed, without a look at its bytes: size, times of its bytes and of its entry, inode."""

    size: int
    written_ns: int
    changed_ns: int
    inode: int


class Change(NamedTuple):
    """What became of a file that was read: ``changed`` is a mismatch, ``absent`` (not on this machine) is none."""

    path: str
    what: Literal["changed", "absent"]


def local_file(role: str, place: Path) -> SourceFile:
    """Return a file of the user's."""
    absolute, project = Path(os.path.abspath(place)), Path.cwd()  # noqa: PTH100  links are not followed
    path = absolute.relative_to(project) if absolute.is_relative_to(project) else place
    return SourceFile(role, path.as_posix(), place)


def package_file(role: str, package: str, place: Path) -> SourceFile:
    """Return a file of an installed package."""
    folder = package_folder(package)
    assert folder is not None
    return SourceFile(role, f"{package}=={_version(package)}/{place.relative_to(folder).as_posix()}", place)


def package_folder(package: str) -> Path | None:
    """Return the folder of an installed package, without importing it; None where there is none."""
    spec = importlib.util.find_spec(package)
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None


def check(files: Sequence[SourceFile]) -> None:
    """Refuse files whose content was never fetched, and a file in two splits.

    Raises
    ------
    HeirloomError
        Naming the file.
    """
    for file in files:
        check_content(file.place)
    if len({file.role for file in files}) > 1:
        _check_splits(files)


def check_content(place: Path) -> None:
    """Refuse a link to content that is not here, what is no regular file, and a Git LFS pointer.

    Raises
    ------
    HeirloomError
        With the command that fetches the content.
    """
    if place.is_symlink() and not place.exists():
        raise HeirloomError(f"{place}: a link to content that is not here; fetch it ({_command(place)})")
    globs.check_kind(place)
    if place.stat().st_size < _LFS_BYTES and place.read_bytes().startswith(_LFS_MARK):
        raise HeirloomError(f"{place}: a Git LFS pointer, not the content it stands for; fetch it (git lfs pull)")


def absence(place: Path) -> str:
    """Return the words for a path that is not there: where DVC tracks it or a folder above it, with the command that fetches it."""
    pointer = next((path for path in (place, *place.parents) if Path(f"{path}.dvc").is_file()), None)
    return f"{place}" if pointer is None else f"{place}; {pointer}.dvc stands for it: dvc pull {pointer}"


def first_unfetched(pointers: Iterable[Path]) -> Path | None:
    """Return the first path of DVC pointers whose content is not here."""
    targets = (pointer.with_suffix("") for pointer in pointers)
    return next((target for target in targets if not target.exists()), None)


def hashed_inputs(files: Sequence[SourceFile]) -> list[Input]:
    """Return the files with their hashes; a file is read only if size, times or inode are not the remembered ones."""
    memories = memory.recall(HASHES)
    additions: dict[str, list[Any]] = {}
    inputs = []
    for file in files:
        place = os.path.realpath(file.place)
        stamp = _stamp(file.place)
        sha256 = _remembered(memories.get(place), stamp)
        if sha256 is None:
            sha256 = sha256_file(file.place)
            is_settled = time.time_ns() - stamp.changed_ns > _RACY_SECONDS * 10**9
            if is_settled:
                additions[place] = [*stamp, sha256]
        inputs.append(Input(file.role, file.path, sha256))
    if additions:
        memory.remember(HASHES, {**memories, **additions})
    return inputs


def planned_files(entries: Sequence[Mapping[str, str]]) -> list[SourceFile]:
    """Return the files that a job's slice names, where they lie on this machine.

    Raises
    ------
    HeirloomError
        If one is not here.
    """
    files = []
    for entry in entries:
        place = place_of(entry["path"])
        if place is None:
            raise HeirloomError(f"{entry['path']}: not on this machine; this job reads it")
        files.append(SourceFile(entry["role"], entry["path"], place))
    return files


@contextmanager
def reading(
    files: Sequence[SourceFile], planned: Sequence[Mapping[str, str]] | None, fetched: Sequence[SourceFile] = ()
) -> Iterator[list[Input]]:
    """Hash the files that a job reads, and see to it that they are the planned ones and stay the same while it reads.

    Parameters
    ----------
    planned
        What the job's slice says of the files; None where nothing was planned.
    fetched
        Files that a hub gave to this job: no plan knows them.

    Yields
    ------
    the files with their hashes

    Raises
    ------
    HeirloomError
        If a file is not as planned, or changes on the way.
    """
    all_files = [*files, *fetched]
    stamps = [_stamp(file.place) for file in all_files]
    inputs = [Input(file.role, file.path, sha256_file(file.place)) for file in all_files]
    if planned is not None:
        _check_planned(inputs[: len(files)], [Input(**entry) for entry in planned])
    yield inputs
    for file, stamp in zip(all_files, stamps, strict=True):
        if _stamp(file.place) != stamp:
            raise HeirloomError(f"{file.place}: changed while it was read; run snakemake again")


def _check_planned(inputs: Sequence[Input], expected: Sequence[Input]) -> None:
    if inputs != expected:
        memory.forget(HASHES)
        path = _first_difference(inputs, expected)
        raise HeirloomError(f"{path}: changed since the run was planned; run snakemake again")


def changed_files(inputs: Iterable[Input]) -> list[Change]:
    """Return the local and packaged files among the inputs of a manifest that are no longer what was read, having read them.

    Files of a hub are left out: a commit does not change (`moved_revisions` asks where the hub is now).
    """
    changes = []
    for role, path, sha256 in inputs:
        if role not in ROLES:
            continue
        place = place_of(path)
        if place is None:
            if not HUB_FILE.fullmatch(path):
                changes.append(Change(path, "absent"))
        elif sha256_file(place) != sha256:
            changes.append(Change(path, "changed"))
    return changes


def place_of(path: str) -> Path | None:
    """Return where a recorded file lies on this machine; None where it does not."""
    place = Path(path)
    match = _PACKAGE_FILE.fullmatch(path)
    folder = package_folder(match["package"]) if match else None
    if match and folder:
        place = folder / match["file"]
    return place if place.is_file() else None


def _check_splits(files: Sequence[SourceFile]) -> None:
    file_by_hash: dict[str, SourceFile] = {}
    for file, entry in zip(files, hashed_inputs(files), strict=True):
        twin = file_by_hash.setdefault(entry.sha256, file)
        if file.role != twin.role and SOURCE not in {file.role, twin.role}:
            raise HeirloomError(
                f"source: {_with_split(twin)} and {_with_split(file)} are one file or have the same bytes; give each split files of its own"
            )


def _with_split(file: SourceFile) -> str:
    return f"{file.place} ({file.role.removesuffix('_source')})"


def _remembered(entry: Any, stamp: Sequence[int]) -> str | None:
    return str(entry[-1]) if entry and entry[:-1] == list(stamp) else None


def _stamp(place: Path) -> _Stamp:
    status = place.stat()
    return _Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def _first_difference(inputs: Sequence[Input], expected: Sequence[Input]) -> str:
    planned = set(expected)
    unplanned = [entry for entry in inputs if entry not in planned]
    return (unplanned or expected[-1:] or inputs)[0].path


def _command(place: Path) -> str:
    if ".git/annex" in os.readlink(place).replace(os.sep, "/"):  # noqa: PTH115  the text of the link, as it stands
        return f"git annex get {place}"
    return f"dvc pull {place}"


def _version(package: str) -> str:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        names = metadata.packages_distributions().get(package)
        return metadata.version(names[0]) if names else "unknown"
