"""Completeness: whether all that the ledger names is here. Names and sizes are enough, so that every run can ask."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from heirloom.artefacts import kinds, paths
from heirloom.artefacts.manifest import check_notes
from heirloom.config import Config
from heirloom.errors import HeirloomError
from heirloom.lineage import cache, dvc, edges, index, pointers
from heirloom.lineage.ledger import LEDGER, Entry
from heirloom.workflow import folders

RecordedFiles = Mapping[str, Mapping[str, str]]
"""Artefact or note → path → md5 of the files that DVC has recorded of it (`folders.by_artefact`)."""


def fault(artefact: str) -> str:
    """Return what keeps an artefact from being recorded, without reading its bytes; an empty string if nothing does."""
    try:
        recorded_size = check_notes(artefact)["size"]
    except HeirloomError as error:
        return str(error).partition(";")[0]
    if not Path(artefact).exists():
        return f"{artefact}: missing"
    size = _size(artefact)
    return "" if size == recorded_size else f"{artefact}: has {size} bytes instead of {recorded_size}"


def is_dropped(artefact: str, config: Config | None, listing: Mapping[str, str]) -> bool:
    """Return whether an artefact that is not here is a model that `keep_checkpoints` does not keep.

    Parameters
    ----------
    config
        The config that was run. Without one, or for an experiment that it does not name, DVC's record decides.
    listing
        Path → md5 of what DVC has recorded of the lineage.
    """
    generation, key = kinds.generation_of_model(artefact), kinds.key_of(artefact)
    if generation in (None, "0") or key is None:
        return False
    experiment = config.experiments.get(key.experiment) if config else None
    if experiment is not None:
        return not experiment.keeps_checkpoint(key.generation or 0)
    return bool(listing) and not any(path.startswith(f"{artefact}/") for path in listing)


def dropped_checkpoints(listing: Mapping[str, str], config: Config) -> list[str]:
    """Return the models in DVC's record of a lineage that are not here because the config does not keep them."""
    recorded_paths = {"/".join(folders.name_in_unit(path)) for path in listing}
    models = [path for path in sorted(recorded_paths) if kinds.generation_of_model(path) is not None]
    return [path for path in models if not Path(path).exists() and is_dropped(path, config, {})]


def missing_artefacts(config: Config) -> list[str]:
    """Return a line for each artefact in a lineage on disk that the ledger names and that is missing or incomplete.

    Lineages of which nothing is here (a clone without `dvc pull`) are left out, and so are those that DVC has no
    record of. A pointer that is gone, though git has it, is named first.
    """
    ledger = index.read_ledger()
    lineages = folders.lineages_of(ledger)
    here = {lineage for lineage in lineages if Path(lineage).is_dir()}
    without_pointer = {lineage for lineage in lineages if not pointers.file_of(lineage).exists()}
    lost = pointers.lost_lineages(ledger) if without_pointer else []
    lines = [f"{pointers.file_of(lineage)}: missing, though git has it" for lineage in lost if lineage in here]
    names_in = functools.cache(folders.names)
    for artefact, entry in ledger.items():
        lineage = folders.lineage_of(artefact)
        if lineage not in here or (lineage in without_pointer and lineage not in lost):
            continue
        line = _missing_line(artefact, entry, config, names_in(artefact.rpartition("/")[0]))
        if line:
            lines.append(line)
    return lines


def _missing_line(artefact: str, entry: Entry, config: Config, names: Collection[str]) -> str:
    """Return what of an artefact and its notes is missing or incomplete, in a line; an empty string if nothing is.

    Parameters
    ----------
    names
        What lies in the artefact's folder.
    """
    files = (artefact, paths.fingerprint(artefact), paths.manifest(artefact))
    absent = [path for path in files if path.rpartition("/")[2] not in names]
    if absent:
        is_expected = absent == [artefact] and is_dropped(artefact, config, {})
        return "" if is_expected else f"{absent[0]}: missing, though {LEDGER} names it"
    size = _size(artefact)
    return "" if size == entry.size else f"{artefact}: has {size} bytes instead of {entry.size}"


def is_stale(unit: str) -> bool:
    """Return whether a part of a unit was made from other bytes than another part has now.

    This happens if a run was interrupted in the unit, or if somebody has changed a file by hand.
    """
    artefacts = map(str, folders.sealed_artefacts(unit))
    changed_inputs = (path for artefact in artefacts for path in edges.changed_inputs(artefact))
    return any(folders.unit_of(path) == unit for path in changed_inputs)


def losses(lineage: str, ledger_paths: Iterable[str], config: Config | None, listing: Mapping[str, str]) -> dict[str, str]:
    """Return artefact → what is wrong with it, for the artefacts that a record of a lineage would lose or spoil now.

    What DVC has recorded under the fingerprint that lies here is safe: it stays in the record.

    Parameters
    ----------
    ledger_paths
        The artefacts of the lineage that the ledger names.
    listing
        Path → md5 of what DVC has recorded of the lineage.
    """
    units = folders.units_in(lineage)
    sealed_paths = {path.as_posix() for unit in units for path in folders.sealed_artefacts(unit)}
    faults = {}
    recorded_files = folders.by_artefact(listing)
    for artefact in sorted(sealed_paths.union(ledger_paths)):
        reason = fault(artefact)
        if not reason or (_is_safe(artefact, recorded_files) and not edges.is_misplaced(artefact)):
            continue
        if reason == f"{artefact}: missing" and is_dropped(artefact, config, listing):
            continue
        faults[artefact] = reason
    return faults | _spoilt(lineage, units, listing, recorded_files)


def _spoilt(lineage: str, units: Collection[str], listing: Mapping[str, str], recorded_files: RecordedFiles) -> dict[str, str]:
    """Return artefact → what is wrong with it, for those that were written to after the record under an equal fingerprint.

    DVC would record what lies there now. It hashes a file again whose time has changed; so only those are read
    here, and only if something else in the lineage has changed, because DVC is not asked otherwise.
    """
    notes = [note for unit in units for note in folders.notes(unit)]
    if not listing or all(listing.get(note.as_posix()) == dvc.md5(note) for note in notes):
        return {}
    recorded_at = pointers.file_of(lineage).stat().st_mtime_ns
    faults = {}
    for artefact in (str(path) for unit in units for path in folders.sealed_artefacts(unit)):
        if not _is_safe(artefact, recorded_files):
            continue
        files = {Path(path): md5 for path, md5 in recorded_files[artefact].items()}
        newer = {path: md5 for path, md5 in files.items() if path.exists() and path.stat().st_mtime_ns > recorded_at}
        for path in cache.damaged_files(newer):
            faults[artefact] = f"{path}: changed since it was recorded"
    return faults


def _is_safe(artefact: str, recorded_files: RecordedFiles) -> bool:
    """Return whether DVC's record has an artefact, its fingerprint and its manifest, and the latter two are unchanged here."""
    notes = [paths.fingerprint(artefact), paths.manifest(artefact)]
    if not all(path in recorded_files for path in (artefact, *notes)):
        return False
    present = [note for note in notes if Path(note).exists()]
    return all(dvc.md5(Path(note)) == recorded_files[note][note] for note in present)


def _size(artefact: str) -> int:
    """Return the bytes of a file, or of all visible files in a folder."""
    path = Path(artefact)
    if not path.is_dir():
        return path.stat().st_size
    files = [file for file in path.rglob("*") if not file.name.startswith(".") and file.is_file()]
    return sum(file.stat().st_size for file in files)
