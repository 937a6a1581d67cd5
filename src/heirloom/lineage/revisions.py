"""Revisions: an artefact as it was recorded in a git commit, put into a private folder without touching the workspace.

The commit's ``.dvc`` file names the lineage folder's listing, and that names every file by its md5: what DVC's cache holds is linked from
there, in milliseconds. What it does not hold, DVC is asked to bring from a remote.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml

from heirloom import paths
from heirloom.errors import HeirloomError
from heirloom.lineage import dvc, folders, git
from heirloom.manifest import replacing

HELD = Path(".heirloom/revisions")


def hold(path: str, revision: str) -> Path:
    """Return where an artefact of a commit lies now, with its manifest and fingerprint beside it; nothing there is to be written to.

    Parameters
    ----------
    path
        The artefact's path inside the project.

    Raises
    ------
    HeirloomError
        If the commit does not exist or has no record of the artefact, or its bytes are neither in the cache nor on a remote.
    """
    commit = git.commit_of(revision)
    for beside in (paths.manifest(path), paths.fingerprint(path)):
        hold_alone(beside, commit)
    return hold_alone(path, commit)


def hold_alone(path: str, commit: str) -> Path:
    """Return where one file or folder of a commit, given by its full hash, lies now: for a manifest, whose artefact is not needed.

    Raises
    ------
    HeirloomError
        As `hold` does.
    """
    held = HELD / commit / path
    if not held.exists():
        _bring(path, commit, held)
    return held


@cache
def recorded(lineage: str, commit: str) -> Mapping[str, str] | None:
    """Return path → md5 of every file of a lineage folder as recorded in a commit; None if the cache lacks the listing.

    Raises
    ------
    HeirloomError
        If the commit has no record of the folder.
    """
    pointer = f"{lineage}.dvc"
    text = git.show(commit, pointer)
    if text is None:
        raise HeirloomError(f"{lineage}: not recorded in commit {commit[:10]} ({pointer} is not there)")
    return dvc.entries(lineage, str(yaml.safe_load(text)["outs"][0]["md5"]))


def _bring(path: str, commit: str, place: Path) -> None:
    """Link a file or folder out of the cache, or have DVC fetch it."""
    lineage = folders.lineage_of(path)
    if lineage is None:
        raise HeirloomError(f"{path}: only what lies under data/ has revisions")
    listed = recorded(lineage, commit)
    if listed is None:
        dvc.get(path, commit, place)
        return
    files = {name: md5 for name, md5 in listed.items() if name == path or name.startswith(f"{path}/")}
    if not files:
        raise HeirloomError(f"{path}: not recorded in commit {commit[:10]}")
    if not all(dvc.cached(md5).exists() for md5 in files.values()):
        dvc.get(path, commit, place)
        return
    with replacing(place) as temporary:
        for name, md5 in files.items():
            _link(dvc.cached(md5), temporary / Path(name).relative_to(path))


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copyfile(source, target)
