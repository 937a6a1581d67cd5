"""What to give DVC: nothing, a whole lineage folder, or parts of it if some of what DVC has recorded is missing or half made."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from heirloom.lineage import dvc, ledger
from heirloom.workflow import folders

LARGE = 1 << 16
"""Size in bytes from which a file is worth a link into the cache by itself."""


def signature(lineage: str, units: Iterable[str]) -> str:
    """Return a hash over what distinguishes versions of a lineage: fingerprints, provenance and the .dvc file.

    Inodes of the artefacts' files are in it, so that files made again with the same bytes are linked to the cache again.
    """
    units = list(units)
    notes = [note for unit in units for note in folders.notes(unit)]
    digest = hashlib.sha256(_hash([Path(f"{lineage}.dvc"), *notes]).encode())
    for file in (file for unit in units for file in folders.files(unit)):
        status = file.stat()
        digest.update(f"{file.as_posix()} {status.st_ino} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def takes_twice(lineage: str, units: Iterable[str]) -> bool:
    """Return whether a large file of a complete and recorded lineage may lie in the cache a second time.

    DVC makes a link only where it moves a file into the cache; bytes that were there before (a forced rerun, two variants with the same
    real data) stay a copy.
    """
    recorded = dvc.listing(lineage) or {}
    if not all(Path(path).exists() and dvc.cache_path(md5).exists() for path, md5 in recorded.items()):
        return False
    statuses = (file.stat() for unit in units for file in folders.files(unit))
    return any(status.st_size >= LARGE and status.st_nlink == 1 for status in statuses)


def workflow_signature() -> str:
    """Return a hash over what decides whether DVC's stage is up to date: code, config, headline numbers, lock file."""
    return _hash(dvc.pipeline_files())


def ledger_signature() -> str:
    """Return a hash over the ledger. While it is the ledger that was last written, lines of unchanged lineages are not rewritten."""
    return _hash([ledger.LEDGER])


def targets(lineage: str, units: Collection[str], half_made: Collection[str], dropped: Collection[str] = ()) -> list[str]:
    """Return the paths to give to `dvc add`, so that it records some units of a lineage and loses nothing that is recorded.

    Adding a folder drops from the record what is absent on disk (a partial checkout), and takes in what is half made. In
    these cases the changed units are added by themselves, and DVC merges them into the folder's record.

    Parameters
    ----------
    units
        The units to record.
    half_made
        Units on disk that are not to be recorded.
    dropped
        Checkpoints that the config does not keep. DVC removes those that are no longer here from the record.
    """
    recorded = dvc.listing(lineage)
    if recorded is None:
        return [lineage]
    changed_units = [unit for unit in units if _has_changed(unit, recorded)]
    absent = [path for path in recorded if not Path(path).exists()]
    if changed_units and not absent and not any(folders.lineage_of(unit) == lineage for unit in half_made):
        return [lineage]
    parts = [part for unit in changed_units for part in _parts(unit, absent)]
    return [*(checkpoint for checkpoint in dropped if _has_any(absent, checkpoint)), *parts]


def _has_changed(unit: str, recorded: Mapping[str, str]) -> bool:
    return any(recorded.get(note.as_posix()) != dvc.md5(note) for note in folders.notes(unit))


def _has_any(paths: Iterable[str], folder: str) -> bool:
    """Return whether any of some paths lies in a folder."""
    return any(path.startswith(f"{folder}/") for path in paths)


def _parts(folder: str, absent: Collection[str]) -> Iterator[str]:
    """Yield a folder as one if all that is recorded of it is here and it holds no other unit; else yield its parts."""
    if folders.lineage_of(folder) != folder and not _has_any(absent, folder):
        yield folder
        return
    for path in sorted(Path(folder).iterdir()):
        part = path.as_posix()
        if path.name.startswith(".") or folders.unit_of(part) == part:
            continue
        if path.is_dir():
            yield from _parts(part, absent)
        else:
            yield part


def _hash(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.as_posix()}\n".encode())
        digest.update(file.read_bytes() if file.exists() else b"")
    return digest.hexdigest()
