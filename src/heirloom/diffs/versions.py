"""A file or folder as a commit of any git repository has it, tracked by git or by DVC; no Heirloom project is needed.

Paths are seen from git's top folder, whatever folder the command runs in and however many DVC projects the repository holds:
`dvc.api` counts them from the working folder where it is given no revision, and from git's top where it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from heirloom.diffs import scratch, storage
from heirloom.errors import HeirloomError
from heirloom.lineage import dvc, git, pointers

REVISION_MARK = "@"
UNTRACKED = "neither git nor DVC tracks that path at that revision"
_CACHE = ".dvc/cache/files/md5"


class Version(NamedTuple):
    """A path in a repository: git's top folder, the path seen from there, and a revision."""

    top: Path
    path: str
    revision: str


def version(text: str) -> Version | None:
    """Return what ``PATH@REVISION`` names; None if nothing of that path is in a git repository here, now or by its pointer.

    The path may be gone from the working tree: then its folder must be there, or git's history must know the path.
    """
    path_text, mark, revision = text.rpartition(REVISION_MARK)
    if not (mark and path_text and revision) or "://" in text:
        return None
    return in_repository(path_text, revision)


def in_repository(path_text: str, revision: str) -> Version | None:
    """Return a path in its git repository; None outside of one, or if git has never known a path that is spelled like no file."""
    path = Path(path_text).absolute()
    folder = next((parent for parent in path.parents if parent.is_dir()), path)
    with chdir(folder):
        top = git.top()
        if top is None:
            return None
        in_top = Path(path.parent.resolve(), path.name)
        if not in_top.is_relative_to(top):
            return None
        relative = in_top.relative_to(top).as_posix()
    with chdir(top):
        is_file = path.suffix in (".parquet", ".arrow", *storage.text_suffixes())
        is_known = is_file or (path.parent.is_dir() and (path.exists() or path.with_name(f"{path.name}.dvc").exists()))
        if is_known or git.history(records(relative)):
            return Version(top, relative, revision)
    return None


def fetched(asked: Version) -> Path:
    """Return where the bytes of a version lie: a copy in a private folder.

    Raises
    ------
    HeirloomError
        If there is no such revision, the revision tracks no such path, or its bytes are lost.
    """
    with chdir(asked.top):
        commit = git.commit_of(asked.revision)
        target = scratch.place(PurePosixPath(asked.path).name)
        if _from_git(commit, asked.path, target) or _from_cache(commit, asked.path, target):
            return target
        pointer = next(_pointers(commit, asked.path), None)
        if pointer is None:
            raise HeirloomError(f"{asked.path}{REVISION_MARK}{asked.revision}: {UNTRACKED}")
        try:
            dvc.get(asked.path, commit, target)
        except HeirloomError as error:
            raise HeirloomError(f"{asked.path}{REVISION_MARK}{asked.revision}: tracked by {pointer}, but {error}") from None
        return target


def records(path: str) -> list[str]:
    """Return the files of git that may say what a path holds: itself, the pointers to it and to the folders above, and pipelines."""
    parents = [str(parent) for parent in PurePosixPath(path).parents]
    locks = [PurePosixPath(parent, "dvc.lock").as_posix() for parent in parents]
    return [path, *(f"{name}.dvc" for name in (path, *parents) if name != "."), *locks]


def _from_git(commit: str, path: str, target: Path) -> bool:
    """Copy what git itself tracks at a path; return whether it does."""
    files = git.files_of(commit, path)
    for name in files:
        content = git.show(commit, name)
        copy = target / PurePosixPath(name).relative_to(path) if name != path else target
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(content or b"")
    return bool(files)


def _from_cache(commit: str, path: str, target: Path) -> bool:
    """Link to a file that its own pointer names and DVC's cache beside it holds undamaged; return whether it does."""
    content = git.show(commit, f"{path}.dvc")
    md5 = pointers.outputs(content, f"{path}.dvc").get(PurePosixPath(path).name, "") if content else ""
    project = next((parent for parent in Path(path).parents if (parent / ".dvc").is_dir()), None)
    if project is None or not md5 or md5.endswith(".dir"):
        return False
    cached = (project / _CACHE / md5[:2] / md5[2:]).absolute()
    if not cached.is_file() or dvc.md5(cached) != md5:
        return False
    target.symlink_to(cached)
    return True


def _pointers(commit: str, path: str) -> Iterator[str]:
    """Yield the files of a commit by which DVC may track a path."""
    name = PurePosixPath(path).name
    for record in records(path)[1:]:
        content = git.show(commit, record)
        if content and (not record.endswith("dvc.lock") or name.encode() in content):
            yield record
