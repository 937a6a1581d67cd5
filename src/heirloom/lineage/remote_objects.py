"""The process that asks remotes, and that `remote` ends where one never answers: ``python -m heirloom.lineage.remote_objects REQUEST``.

DVC's command line can only fetch into its cache, so this module calls DVC's library. No other module does. It prints lines of
JSON: the names of all remotes, and what came of each object that one of them was asked for.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from heirloom import credentials
from heirloom.errors import BAD_INPUT, HeirloomError
from heirloom.lineage.cache import md5_of


def main() -> None:
    """Do what a request asks: fetch objects from one of the remotes, or put objects onto the default one."""
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    try:
        stores = dict(_stores())
        _say(remotes=[*stores])
        if "sources" in request:
            _put(request["sources"], *next(iter(stores.items())))
        elif stores:
            _get([*stores.values()][request["number"]], request["md5s"], Path(request["folder"]))
    except HeirloomError as error:
        print(*error.lines, sep="\n", file=sys.stderr)
        sys.exit(BAD_INPUT)


def _get(store: Any, md5s: Sequence[str], folder: Path) -> None:
    """Copy objects out of a remote into a folder, and read them."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        answers = [pool.submit(_ask, store, md5, folder / md5) for md5 in md5s]
        for answer in as_completed(answers):
            _say(**answer.result())


def _ask(store: Any, md5: str, place: Path) -> dict[str, Any]:
    """Return what a remote has of an object, whose right bytes lie at a place then."""
    source = store.oid_to_path(md5)
    try:
        store.fs.get_file(source, os.fspath(place))  # not asked before whether it is there: a server that fails would say no
    except FileNotFoundError:
        place.unlink(missing_ok=True)
        return {"md5": md5}
    except Exception as error:  # noqa: BLE001, each kind of remote has errors of its own
        place.unlink(missing_ok=True)
        return {"md5": md5, "obstacle": credentials.first_line(error)}
    if md5_of(place) == md5.removesuffix(".dir"):
        return {"md5": md5, "is_right": True}
    place.unlink()
    return {"md5": md5, "damaged": credentials.hidden(str(source))}


def _put(sources: Mapping[str, str], name: str, store: Any) -> None:
    """Replace what a remote has by objects' bytes."""
    for md5, source in sources.items():
        place = store.oid_to_path(md5)
        try:
            if store.fs.exists(place):
                store.fs.remove(place)
            store.fs.makedirs(store.fs.parent(place), exist_ok=True)
            store.fs.put_file(source, place)
        except Exception as error:  # noqa: BLE001, each kind of remote has errors of its own
            reason = credentials.first_line(error)
            raise HeirloomError(f"remote {name!r} cannot be written to ({reason}); dvc remote list shows it") from None


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


def _say(**content: object) -> None:
    print(json.dumps(content), flush=True)


if __name__ == "__main__":
    main()
