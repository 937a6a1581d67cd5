"""Revisions: an artefact as it was recorded in a git commit, put into a private folder without touching the workspace.

The commit's ``.dvc`` file names the lineage folder's listing, and the listing names every file by its md5. What DVC's cache
holds is linked from there, in milliseconds. What it lacks, or holds damaged, comes from a remote. Every file is compared with
its md5 when it is brought, and again when it has been touched since.
"""

from __future__ import annotations

import functools
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from heirloom.artefacts import paths
from heirloom.artefacts.files import link_or_copy, replacing
from heirloom.errors import HeirloomError
from heirloom.lineage import cache, dvc, git, pointers, remote
from heirloom.workflow import folders

HELD = Path(".heirloom/revisions")


def hold(path: str, revision: str) -> Path:
    """Return where an artefact of a commit lies now, with its manifest and fingerprint beside it. Nobody may write there.

    Parameters
    ----------
    path
        The artefact's path inside the project.

    Raises
    ------
    HeirloomError
        If the commit does not exist or has no record of the artefact, or its bytes are neither in the cache nor on a remote, or damaged.
    """
    commit = git.commit_of(revision)
    hold_alone(paths.manifest(path), commit)
    hold_alone(paths.fingerprint(path), commit)
    return hold_alone(path, commit)


def hold_alone(path: str, commit: str) -> Path:
    """Return where one file or folder of a commit, given by its full hash, lies now: for a manifest, whose artefact is not needed.

    Raises
    ------
    HeirloomError
        As `hold` does.
    """
    place = HELD / commit / path
    if not place.exists() or not _is_sound(path, commit, place):
        _bring(path, commit, place)
    return place


@functools.cache
def listing_of(lineage: str, commit: str) -> Mapping[str, str] | None:
    """Return path → md5 of every file of a lineage folder as recorded in a commit; None if the cache lacks the listing.

    Raises
    ------
    HeirloomError
        If the commit has no record of the folder, or a damaged one.
    """
    pointer = f"{lineage}.dvc"
    text = git.show(commit, pointer)
    if text is None:
        raise HeirloomError(f"{lineage}: not recorded in commit {commit[:10]} ({pointer} is not there)")
    return dvc.entries(lineage, pointers.parse(text, lineage).md5)


def _bring(path: str, commit: str, place: Path) -> None:
    """Link a file or folder out of the cache, or have DVC fetch it."""
    lineage = folders.lineage_of(path)
    if lineage is None:
        raise HeirloomError(f"{path}: only what lies under data/ has revisions")
    listing = listing_of(lineage, commit)
    if listing is None:
        dvc.get(path, commit, place)
        return
    files = _files_below(path, listing)
    if not files:
        raise HeirloomError(f"{path}: not recorded in commit {commit[:10]}")
    if not all(dvc.cache_path(md5).exists() for md5 in files.values()):
        _fetch(path, commit, place)
        return
    _repair(files, path, commit)
    with replacing(place) as temporary:
        for name, md5 in files.items():
            link_or_copy(dvc.cache_path(md5), temporary / Path(name).relative_to(path))


def _fetch(path: str, commit: str, place: Path) -> None:
    """Have DVC fetch a file or folder, and refuse damaged bytes."""
    dvc.get(path, commit, place)
    if _is_sound(path, commit, place):
        return
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    fault = f"{path} of commit {commit[:10]}: the remote's bytes are damaged"
    raise HeirloomError(f"{fault}; dvc push them again from where they are right")


def _files_below(path: str, listing: Mapping[str, str]) -> dict[str, str]:
    """Return the entries of a listing for a file, or for all files of a folder."""
    return {name: md5 for name, md5 in listing.items() if name == path or name.startswith(f"{path}/")}


def _is_sound(path: str, commit: str, place: Path) -> bool:
    """Return whether a place holds the files that a commit recorded under a path, if the cache has the listing."""
    listing = listing_of(folders.lineage_of(path) or path, commit)
    if listing is None:
        return True
    files = {place / Path(name).relative_to(path): md5 for name, md5 in _files_below(path, listing).items()}
    return all(file.exists() for file in files) and not cache.damaged_files(files)


def _repair(files: Mapping[str, str], path: str, commit: str) -> None:
    """Replace damaged objects of the cache by the remote's bytes.

    Raises
    ------
    HeirloomError
        If no remote has them.
    """
    damaged_objects = sorted(cache.damaged_objects(files.values()))
    with tempfile.TemporaryDirectory() as scratch:
        answers = remote.fetch(damaged_objects, Path(scratch))
        for md5 in damaged_objects:
            answer = answers.get(md5)
            if answer is None or answer.file is None:
                version = f"{path} of commit {commit[:10]}"
                obstacle = f" ({answer.obstacle})" if answer and answer.obstacle else ""
                fault = f"{dvc.cache_path(md5)}: not the bytes that its name says, and no remote has them{obstacle}"
                fault = f"{fault}, so {version} cannot be read"
                raise HeirloomError(f"{fault}; git checkout {commit[:10]} and heirloom repair {path} bring it back")
            cache.keep(md5, answer.file)
