"""DVC's cache, read and repaired: an object has the bytes that its name says, or it is damaged.

DVC trusts an object that is there and read-only, and never reads it again. This module reads it. It remembers
what it has read by size, time and inode, so that an object that nobody has touched since is read only once.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from heirloom.artefacts.files import link_or_copy, replacing
from heirloom.lineage import dvc, stamps

SOUND = Path(".heirloom/sound.json")
READ_ONLY = 0o444
_BLOCK = 1 << 20


def md5_of(path: Path) -> str:
    """Return the md5 of a file's bytes, read block by block."""
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def damaged_files(files: Mapping[Path, str], *, afresh: bool = False) -> list[Path]:
    """Return the files whose bytes do not have the md5 that they should have; missing files are left out.

    Parameters
    ----------
    files
        File → md5, with or without DVC's ending ``.dir``.
    afresh
        Read all files, including those that have been read before.
    """
    memory = stamps.read(SOUND)
    present = {path: _stamp(path, md5) for path, md5 in files.items() if path.is_file()}
    unread = [path for path, stamp in present.items() if afresh or memory.get(path.as_posix()) != stamp]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        digests = dict(zip(unread, pool.map(md5_of, unread), strict=True))
    damaged_paths = [path for path, md5 in digests.items() if md5 != files[path].removesuffix(".dir")]
    sound = {path.as_posix(): present[path] for path in unread if path not in damaged_paths}
    if sound:
        stamps.write(SOUND, {**memory, **sound})
    return damaged_paths


def damaged_objects(md5s: Iterable[str], *, afresh: bool = False) -> set[str]:
    """Return the objects in the cache whose bytes are not those that their names say."""
    md5_by_path = {dvc.cache_path(md5): md5 for md5 in md5s}
    return {md5_by_path[path] for path in damaged_files(md5_by_path, afresh=afresh)}


def keep(md5: str, source: Path) -> None:
    """Put checked bytes into the cache as a new file, so that nothing is written through a link to the old one."""
    place = dvc.cache_path(md5)
    with replacing(place) as temporary:
        shutil.copyfile(source, temporary)
        temporary.chmod(READ_ONLY)


def keep_bytes(md5: str, content: bytes) -> None:
    """Put a checked small object into the cache as a new file."""
    with replacing(dvc.cache_path(md5)) as temporary:
        temporary.write_bytes(content)
        temporary.chmod(READ_ONLY)


def bring(md5: str, target: Path) -> None:
    """Put an object of the cache into the workspace: as a hard link where DVC is set up to make them, else as a copy."""
    with replacing(target) as temporary:
        link_or_copy(dvc.cache_path(md5), temporary, link=_hard_links())


def _hard_links() -> bool:
    return "hardlink" in dvc.settings().get("cache", "type", fallback="")


def _stamp(path: Path, md5: str) -> str:
    status = path.stat()
    return f"{md5} {status.st_size} {status.st_mtime_ns} {status.st_ino}"
