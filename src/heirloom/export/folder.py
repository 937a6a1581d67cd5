"""The folder that an export fills: a new folder, written whole or not at all, whose files are copies and not links."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from heirloom.artefacts.files import replacing
from heirloom.errors import HeirloomError


@contextmanager
def new(target: Path) -> Iterator[Path]:
    """Yield a temporary folder that becomes ``target`` on success.

    Raises
    ------
    HeirloomError
        If ``target`` is a file, or a folder that holds something.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise HeirloomError(f"{target}: already there and not empty; name a new folder, or remove it first")
    with replacing(target) as temporary:
        # git sees nothing of it, while it lasts and after a kill: a card would tell of changes that are not committed
        (temporary.parent / ".gitignore").write_text("*\n", encoding="utf-8")
        temporary.mkdir()
        yield temporary


def files(path: Path) -> list[Path]:
    """Return a file, or the files of a folder, sorted; hidden ones left out."""
    candidates = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [file for file in candidates if file.is_file() and not file.name.startswith(".")]


def copy(source: Path, target: Path) -> None:
    """Copy only a file's bytes, because a file that DVC keeps is read-only and often a link into its cache."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
