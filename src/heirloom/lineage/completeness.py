"""Completeness: whether all that the ledger names is here. Names and sizes are enough, so that every run can ask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from heirloom.artefacts import kinds, paths
from heirloom.artefacts.manifest import check_notes
from heirloom.config import Config
from heirloom.errors import HeirloomError
from heirloom.lineage import cache, dvc, edges, index, pointers
from heirloom.lineage.ledger import LEDGER
from heirloom.workflow import folders


def fault(artefact: str) -> str:
    """Return what keeps an artefact from being recorded, without reading its bytes; an empty string if nothing does."""
    try:
        recorded_size = check_notes(artefact)["size"]
    except HeirloomError as error:
        return str(error).partition(";")[0]
    if not Path(artefact).exists():
        return f"{artefact}: missing"
    if (size := _size(artefact)) != recorded_size:
        return f"{artefact}: has {size} bytes instead of {recorded_size}"
    return ""


def is_dropped(artefact: str, config: Config | None, listing: Mapping[str, str]) -> bool:
    """Return whether an artefact that is not here is a checkpoint that `keep_checkpoints` does not keep.

    Parameters
    ----------
    config
        The config that was run. Without one, or for an experiment that it does not name, DVC's record decides.
    listing
        Path → md5 of what DVC has recorded of the lineage.
    """
    known = kinds.CHECKPOINT.wildcards(artefact)
    if known is None or known["generation"] == "0":
        return False
    experiment = config.experiments.get(known["experiment"]) if config else None
    if experiment is not None:
        return not experiment.keeps_checkpoint(int(known["generation"]))
    return bool(listing) and not any(path.startswith(f"{artefact}/") for path in listing)


def dropped(listing: Mapping[str, str], config: Config) -> list[str]:
    """Return the checkpoints in DVC's record of a lineage that are not here because the config does not keep them."""
    checkpoints = {f"{unit}/{kinds.CHECKPOINT.file}" for path in listing if (unit := folders.unit_of(path))}
    return [path for path in sorted(checkpoints) if not Path(path).exists() and is_dropped(path, config, {})]


def missing(config: Config) -> list[str]:
    """Return a line for each artefact in a lineage on disk that the ledger names and that is missing or incomplete.

    Lineages of which nothing is here (a clone without `dvc pull`) are left out, and so are those that DVC has no
    record of. A pointer that is gone, though git has it, is named first.
    """
    ledger = index.read_ledger()
    lineages = {lineage for artefact in ledger if (lineage := folders.lineage_of(artefact))}
    unpointed = {lineage for lineage in lineages if not pointers.file_of(lineage).exists()}
    lost = pointers.lost(ledger) if unpointed else []
    lines = [f"{pointers.file_of(lineage)}: missing, though git has it" for lineage in lost if Path(lineage).is_dir()]
    for artefact, entry in ledger.items():
        lineage = folders.lineage_of(artefact)
        if lineage is None or not Path(lineage).is_dir() or (lineage in unpointed and lineage not in lost):
            continue
        notes = [beside(artefact) for beside in (paths.fingerprint, paths.manifest)]
        absent = [path for path in (artefact, *notes) if not Path(path).exists()]
        if absent and not (absent == [artefact] and is_dropped(artefact, config, {})):
            lines.append(f"{absent[0]}: missing, though {LEDGER} names it")
        elif not absent and (size := _size(artefact)) != entry.size:
            lines.append(f"{artefact}: has {size} bytes instead of {entry.size}")
    return lines


def is_stale(unit: str) -> bool:
    """Return whether a part of a unit was made from other bytes than another part has now.

    This happens if a run was interrupted in the unit, or if somebody has changed a file by hand.
    """
    sealed = map(str, folders.sealed_artefacts(unit))
    return any(folders.unit_of(path) == unit for artefact in sealed for path in edges.departed(artefact))


def losses(lineage: str, named: Iterable[str], config: Config | None, listing: Mapping[str, str]) -> dict[str, str]:
    """Return artefact → what is wrong with it, for the artefacts that a record of a lineage would lose or spoil now.

    What DVC has recorded under the fingerprint that lies here is safe: it stays in the record.

    Parameters
    ----------
    named
        The artefacts of the lineage that the ledger names.
    listing
        Path → md5 of what DVC has recorded of the lineage.
    """
    units = folders.lineages().get(lineage, [])
    sealed = {path.as_posix() for unit in units for path in folders.sealed_artefacts(unit)}
    wrong = {}
    for artefact in sorted(sealed.union(named)):
        what = fault(artefact)
        if not what or (_is_safe(artefact, listing) and not edges.is_misplaced(artefact)):
            continue
        if what == f"{artefact}: missing" and is_dropped(artefact, config, listing):
            continue
        wrong[artefact] = what
    return wrong | _spoilt(lineage, listing)


def _spoilt(lineage: str, listing: Mapping[str, str]) -> dict[str, str]:
    """Return artefact → what is wrong with it, for those that were written to after the record under an equal fingerprint.

    DVC would record what lies there now. It hashes a file again whose time has changed; so only those are read
    here, and only if something else in the lineage has changed, because DVC is not asked otherwise.
    """
    units = folders.lineages().get(lineage, [])
    notes = [note for unit in units for note in folders.notes(unit)]
    if not listing or all(listing.get(note.as_posix()) == dvc.md5(note) for note in notes):
        return {}
    recorded_at = pointers.file_of(lineage).stat().st_mtime_ns
    wrong = {}
    for artefact in (path for unit in units for path in folders.sealed_artefacts(unit)):
        if not _is_safe(str(artefact), listing):
            continue
        files = {Path(path): md5 for path, md5 in listing.items() if path == str(artefact) or path.startswith(f"{artefact}/")}
        newer = {path: md5 for path, md5 in files.items() if path.exists() and path.stat().st_mtime_ns > recorded_at}
        for path in cache.damaged(newer):
            wrong[str(artefact)] = f"{path}: changed since it was recorded"
    return wrong


def _is_safe(artefact: str, listing: Mapping[str, str]) -> bool:
    """Return whether DVC's record has an artefact, its fingerprint and its manifest, and the latter two are unchanged here."""
    notes = [beside(artefact) for beside in (paths.fingerprint, paths.manifest)]
    if not any(path == artefact or path.startswith(f"{artefact}/") for path in listing):
        return False
    present = [path for path in notes if Path(path).exists()]
    return all(path in listing for path in notes) and all(dvc.md5(Path(path)) == listing[path] for path in present)


def _size(artefact: str) -> int:
    """Return the bytes of a file, or of all visible files in a folder."""
    path = Path(artefact)
    if not path.is_dir():
        return path.stat().st_size
    files = [file for file in path.rglob("*") if not file.name.startswith(".") and file.is_file()]
    return sum(file.stat().st_size for file in files)
