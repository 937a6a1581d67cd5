"""Remotes: objects are copied out and read before they count, because DVC brings in damaged ones without a message.

DVC's command line can only fetch into its cache, so this module calls DVC's library. No other module does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from heirloom import credentials
from heirloom.errors import HeirloomError
from heirloom.lineage.cache import md5_of


class Answer(NamedTuple):
    """What the remotes gave for an object.

    Attributes
    ----------
    remote
        The name of the remote that has the right bytes, or an empty string.
    file
        Where the bytes lie now, or None.
    damaged
        Where damaged objects lie: the remote's name and the object's place there.
    obstacle
        Why a remote could not be asked, or an empty string.
    """

    remote: str
    file: Path | None
    damaged: tuple[tuple[str, str], ...]
    obstacle: str


def fetch(md5s: list[str], folder: Path) -> dict[str, Answer]:
    """Copy objects out of the remotes, the default one first, into a folder, and read them.

    Returns
    -------
    md5 → what came of it; nothing if the project has no remote.
    """
    stores = list(_stores()) if md5s else []
    if not stores:
        return {}
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        answers = pool.map(lambda md5: _ask(stores, md5, folder / md5), md5s)
        return dict(zip(md5s, answers, strict=True))


def replace(md5: str, source: Path) -> str:
    """Replace what the default remote has by an object's bytes, and return the remote's name.

    Raises
    ------
    HeirloomError
        If the remote refuses.
    """
    name, store = next(_stores())
    place = store.oid_to_path(md5)
    try:
        if store.fs.exists(place):
            store.fs.remove(place)
        store.fs.makedirs(store.fs.parent(place), exist_ok=True)
        store.fs.put_file(os.fspath(source), place)
    except Exception as error:  # noqa: BLE001, each kind of remote has errors of its own
        raise HeirloomError(f"remote {name!r} cannot be written to ({credentials.first_line(error)}); dvc remote list shows it") from None
    return name


def _stores() -> Iterator[tuple[str, Any]]:
    """Yield the name and the store of each remote that is laid out by md5, the default one first."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        repo = Repo(".")
    except DvcException as error:
        raise HeirloomError(f"DVC cannot be asked for its remotes ({credentials.first_line(error)}); dvc remote list says more") from None
    with repo:
        default = repo.config["core"].get("remote")
        names = sorted(repo.config["remote"], key=lambda name: (name != default, name))
        for name in names:
            try:
                yield name, repo.cloud.get_remote_odb(name, "fetch")
            except DvcException:  # not laid out by md5, or its library is not installed
                continue


def _ask(stores: list[tuple[str, Any]], md5: str, place: Path) -> Answer:
    damaged: list[tuple[str, str]] = []
    obstacles: list[str] = []
    for name, store in stores:
        source = store.oid_to_path(md5)
        try:
            if not store.fs.exists(source):
                continue
            store.fs.get_file(source, os.fspath(place))
        except Exception as error:  # noqa: BLE001, each kind of remote has errors of its own
            obstacles.append(f"remote {name!r} cannot be read ({credentials.first_line(error)})")
            continue
        if md5_of(place) == md5.removesuffix(".dir"):
            return Answer(name, place, tuple(damaged), "")
        damaged.append((name, credentials.hidden(str(source))))
        place.unlink()
    return Answer("", None, tuple(damaged), "; ".join(obstacles))
