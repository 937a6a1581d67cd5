"""What `verify` compares: DVC's listings, the pointers and the ledger in git, the objects of the cache."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from heirloom import digests, results
from heirloom.artefacts import paths
from heirloom.errors import HeirloomError, first_of
from heirloom.lineage import cache, cost_table, costs, dvc, git, ledger, pointers, provenance
from heirloom.lineage.ledger import LEDGER
from heirloom.workflow import folders

DIGITS = 12


class Mismatch(NamedTuple):
    """Something that is not as it was recorded."""

    path: str
    what: str

    def __str__(self) -> str:
        """Return one line for people."""
        return f"{self.path}: {self.what}"


class Digests(NamedTuple):
    """What one read of a file gives; md5 is empty if it was not asked for."""

    sha256: str
    md5: str
    size: int


def short(sha256: str, counterpart: str) -> str:
    """Return the first digits of a hash, or all of them if the hash that stands beside it begins with the same digits."""
    return sha256 if sha256[:DIGITS] == counterpart[:DIGITS] else sha256[:DIGITS]


def of_error(error: HeirloomError) -> Mismatch:
    """Return what an error says of a file as a mismatch."""
    path, _, fault = str(error).partition(": ")
    return Mismatch(path, fault)


def recorded_hashes(lineage: str) -> tuple[dict[str, str], Mismatch | None]:
    """Return path → md5 of what DVC has recorded of a lineage, and why that cannot be compared if it cannot."""
    try:
        listing = dvc.listing(lineage)
    except HeirloomError as error:
        return {}, of_error(error)
    if listing is not None:
        return listing, None
    pointer = pointers.file_of(lineage)
    if pointer.exists():
        fault = f"not compared with DVC: its record is not in the cache; dvc fetch {pointer} or heirloom repair {lineage}"
        return {}, Mismatch(lineage, fault)
    if git.tracked_files(pointer):
        fault = f"missing, but git has it; git checkout -- {pointer} or heirloom repair {lineage} repairs it"
        return {}, Mismatch(str(pointer), fault)
    return {}, Mismatch(lineage, f"unrecorded: there is no {pointer}; heirloom record")


def pointer_mismatches(lineage: str, listing: Mapping[str, str], sizes: Mapping[str, int]) -> list[Mismatch]:
    """Return the numbers in which a pointer and the recorded files differ.

    Parameters
    ----------
    sizes
        Path → size of the files that are here with the recorded bytes; those of others are looked up in the cache.
    """
    pointer = pointers.read(lineage) if listing else None
    if pointer is None:
        return []
    size = total_size(listing, sizes)
    faults = pointers.number_mismatches(pointer, lineage, listing, size)
    return [Mismatch(str(pointers.file_of(lineage)), fault) for fault in faults]


def total_size(listing: Mapping[str, str], sizes: Mapping[str, int]) -> int | None:
    """Return the bytes of all recorded files, or None if some are neither here nor in the cache."""
    total = 0
    for path, md5 in listing.items():
        place = dvc.cache_path(md5)
        if path not in sizes and not place.exists():
            return None
        total += sizes[path] if path in sizes else place.stat().st_size
    return total


def record_mismatches(md5_of: Mapping[str, str], files: Mapping[str, Digests]) -> Iterator[Mismatch]:
    """Yield where a unit's files and DVC's record of the unit disagree."""
    for path, md5 in md5_of.items():
        if path not in files:
            yield Mismatch(path, "missing: DVC has a record of it")
        elif files[path].md5 != md5:
            yield Mismatch(path, f"changed: md5 {short(files[path].md5, md5)}, DVC recorded {short(md5, files[path].md5)}")
    yield from (Mismatch(path, "unrecorded: DVC does not know it; heirloom record") for path in files if path not in md5_of)


def units_by_lineage(units: Iterable[str]) -> dict[str, list[str]]:
    """Return lineage folder → those of some units that belong to it."""
    units_of_lineage: dict[str, list[str]] = defaultdict(list)
    for unit in units:
        units_of_lineage[folders.lineage_of(unit) or unit].append(unit)
    return units_of_lineage


def absent_units(units: Collection[str], recorded_units: Collection[str]) -> list[Mismatch]:
    """Return those generations of a lineage that DVC or the ledger has recorded, and of which no file is here."""
    absent = sorted(set(recorded_units).difference(units))
    return [Mismatch(unit, f"missing: nothing of it is here; heirloom repair {unit} repairs it") for unit in absent]


def ledger_lines() -> dict[str, str]:
    """Return path → line of the ledger that lies here, read strictly; nothing where there is none.

    Raises
    ------
    HeirloomError
        If the ledger is damaged, or is missing and git has one.
    """
    if LEDGER.exists():
        return ledger.lines()
    if git.tracked_files(LEDGER):
        raise HeirloomError(f"{LEDGER}: missing, but git has it; git checkout -- {LEDGER} or heirloom repair repairs it")
    return {}


def ledger_mismatches(unit: str, lines: Mapping[str, str], listing: Mapping[str, str]) -> Iterator[Mismatch]:
    """Yield where a unit's manifests and the ledger disagree apart from the hash, and what the ledger leaves out.

    What DVC has not recorded yet, the ledger need not name.
    """
    unnamed_artefacts = []
    for artefact in map(str, folders.sealed_artefacts(unit)):
        try:
            line = ledger.line(Path(artefact))
        except (HeirloomError, KeyError, TypeError):  # a manifest that is damaged is named by itself
            continue
        if artefact not in lines:
            unnamed_artefacts += [artefact] if is_recorded(artefact, listing) else []
        elif lines[artefact] != line and lines[artefact].split("\t")[1] == line.split("\t")[1]:
            yield Mismatch(str(LEDGER), f"its line of {artefact} is not what the manifest says; heirloom repair repairs it")
    if unnamed_artefacts:
        yield Mismatch(str(LEDGER), f"does not name {first_of(unnamed_artefacts, ' and {} more')}; heirloom repair repairs it")


def unknown_lineages(lines: Mapping[str, str]) -> list[Mismatch]:
    """Return the first line of the ledger whose lineage has neither a folder nor a pointer, here or in git."""
    lost = pointers.lost_lineages(lines)
    mismatches = []
    for path in lines:
        lineage = folders.lineage_of(path) or ""
        if lineage not in lost and not Path(lineage).is_dir() and not pointers.file_of(lineage).exists():
            mismatches.append(Mismatch(str(LEDGER), f"names {path}, of which nothing is here or recorded; heirloom repair repairs it"))
    return mismatches[:1]


def results_mismatches() -> list[Mismatch]:
    """Return what is wrong with the records under ``results/`` beside the ledger: tables with a digest, and the provenance of figures."""
    all_results = [results.in_folder(folder) for folder in results.folders()]
    tables = [(costs.COSTS, cost_table.REPAIR)]
    for one in all_results:
        tables += [(Path(table), one.repair) for table in (*one.sealed_tables, *one.sealed_tables_on_request)]
    mismatches = []
    for table, way_back in tables:
        try:
            if table.is_file() or Path(paths.fingerprint(table)).is_file():
                digests.check(table, way_back)
        except HeirloomError as error:
            mismatches.append(of_error(error))
    for config_results in all_results:
        try:
            provenance.read(config_results.folder)
        except HeirloomError as error:
            mismatches.append(of_error(error))
    return mismatches


def is_recorded(artefact: str, listing: Mapping[str, str]) -> bool:
    """Return whether DVC has recorded the fingerprint that lies here."""
    fingerprint = paths.fingerprint(artefact)
    return fingerprint in listing and listing[fingerprint] == dvc.md5(Path(fingerprint))


def cache_mismatches(listing: Mapping[str, str], units: Collection[str]) -> list[Mismatch]:
    """Read DVC's cache; return what is damaged of recorded files, or not there though the files are here."""
    scope = {path: md5 for path, md5 in listing.items() if folders.unit_of(path) in units}
    damaged_objects = cache.damaged_objects(scope.values(), afresh=True)
    mismatches = []
    for path, md5 in scope.items():
        place = dvc.cache_path(md5)
        if md5 in damaged_objects:
            fault = f"damaged, the cache's bytes of {path}, which dvc push would send; heirloom repair {path} repairs it"
            mismatches.append(Mismatch(str(place), fault))
        elif not place.exists() and Path(path).exists():
            mismatches.append(Mismatch(path, f"not in DVC's cache, and so dvc push would not send it; heirloom repair {path} repairs it"))
    return mismatches
