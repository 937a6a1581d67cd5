"""Files of unfinished work, each named by the sha256 of its bytes: ``chunk-3.npy`` lies as ``chunk-3.SHA256.npy``.

The digest is a part of the file's name, so that one rename puts both in place and no kill can come between the two. A
file whose bytes are not those of its name, or whose name has no digest, is damaged: it is removed, and the work that it
held is done again.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from heirloom.artefacts.fingerprints import sha256_file

log = logging.getLogger(__name__)


@contextmanager
def replacing(folder: Path, name: str) -> Iterator[Path]:
    """Yield a temporary path; the file that the caller writes there takes the place of earlier versions of ``name``."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{name}.", dir=folder) as scratch:
        temporary = Path(scratch, name)
        yield temporary
        previous_files = versions(folder).get(name, [])
        file = folder / f"{temporary.stem}.{sha256_file(temporary)}{temporary.suffix}"
        temporary.replace(file)
    for previous_file in previous_files:
        if previous_file != file:
            previous_file.unlink(missing_ok=True)


def versions(folder: Path) -> dict[str, list[Path]]:
    """Return name → its files: two where a kill came between the writing of one and the removal of the one before."""
    files_by_name: dict[str, list[Path]] = {}
    for file in sorted(folder.glob("[!.]*")):
        if file.is_file():
            files_by_name.setdefault(file.name.split(".")[0] + file.suffix, []).append(file)
    return files_by_name


def find(folder: Path, name: str) -> Path | None:
    """Return an undamaged version of a file, or None if there is none; the damaged ones before it are removed."""
    return first_intact_file(versions(folder).get(name, ()))


def first_intact_file(files: Iterable[Path]) -> Path | None:
    """Return the first file whose bytes are those of its name, or None; remove damaged ones before it, with a line."""
    for file in files:
        if _digest(file) == file.stem.partition(".")[2]:
            return file
        log.warning("%s is damaged: it is dropped, and what it held is done again", file)
        file.unlink(missing_ok=True)
    return None


def _digest(file: Path) -> str | None:
    """Return the sha256 of a file, or None if it cannot be read."""
    try:
        return sha256_file(file)
    except OSError:
        return None
