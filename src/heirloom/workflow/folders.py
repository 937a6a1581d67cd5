"""Which lineage folders and units lie under ``data/``, and which of them are whole.

Built from the places in `artefacts.kinds`: nothing here spells a path.
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import TypeVar

from heirloom import results
from heirloom.artefacts import kinds, paths
from heirloom.artefacts.kinds import Place
from heirloom.workflow.steps import made_kinds

PROVENANCE = "provenance.jsonl"
Entry = TypeVar("Entry")

_MOST_PATHS = 1 << 14
"""Paths whose folders are remembered: a command asks for the same ones many times."""
_STAGES = tuple(kind.name for kind in made_kinds() if kind.folder == kinds.GENERATION)
"""The artefacts of a generation in the order in which they are made: synthetic, selected, train, checkpoint, metrics."""
_NOTES = tuple(note_of("x").removeprefix("x") for note_of in (paths.fingerprint, paths.manifest))
_TRACKED = (kinds.REAL_FOLDER, kinds.LINEAGE)
_UNITS = (kinds.GENERATION, kinds.SEED_FOLDER, *_TRACKED)
_INSIDE = {kinds.REAL_FOLDER: kinds.SEED_FOLDER, kinds.LINEAGE: kinds.GENERATION}
"""What divides a tracked folder into further units."""
_NAMES = {kind.name: kind.file for kind in made_kinds()}
"""Where only the small files are here, this tells the artefact's full name."""


@lru_cache(maxsize=_MOST_PATHS)
def unit_of(path: str) -> str | None:
    """Return the unit that a path belongs to, or None if it belongs to none.

    A unit is a folder that is recorded as a whole: of a generation, of a lineage (for what lies at its top), of real data, of the real data
    of one seed, or of a config's results.
    """
    return _first(path, _UNITS) or results.folder_of(path)


@lru_cache(maxsize=_MOST_PATHS)
def lineage_of(path: str) -> str | None:
    """Return the lineage folder that a path belongs to, or None outside of them."""
    return _first(path, _TRACKED)


def order(path: str | None) -> tuple[float, int]:
    """Return a key that sorts artefacts by when they are made in a lineage: real data, then generation by generation.

    Within a generation artefacts stand in the order of `_STAGES`: of generation 3 the synthetic set is (3, 0), the training set (3, 2),
    and what no step makes (3, -1). None comes first, and what belongs to no lineage last.
    """
    if path is None:
        return -2, 0
    if kinds.REAL_FOLDER.wildcards(path):
        return -1, 0
    wildcards = kinds.GENERATION.wildcards(path)
    if not wildcards:
        return math.inf, 0
    name = stem(path)
    stage = _STAGES.index(name) if name in _STAGES else -1
    return int(wildcards["generation"]), stage


def stem(path: str | Path) -> str:
    """Return an artefact's name without its suffix."""
    return str(path).rstrip("/").rpartition("/")[2].split(".", maxsplit=1)[0]


def name_of(stem: str) -> str:
    """Return the full name of an artefact whose name without suffix is known; that itself if there is no such artefact."""
    return _NAMES.get(stem, stem)


def name_in_unit(path: str) -> tuple[str, str]:
    """Return the unit of a file, and the name without suffix of the artefact in it that the file is a part or a note of."""
    unit = unit_of(path) or ""
    return unit, stem(path.removeprefix(f"{unit}/").split("/")[0])


def lineages(root: Path = Path()) -> dict[str, list[str]]:
    """Return lineage folder → its units, of all that are on disk, sorted."""
    units_of_lineage: dict[str, list[str]] = {}
    for place in _TRACKED:
        for folder in _existing(place.pattern, root):
            if lineage_of(folder) == folder:  # a seed's pool looks like a lineage
                units_of_lineage[folder] = units_in(folder, root)
    return dict(sorted(units_of_lineage.items()))


def units_in(lineage: str, root: Path = Path()) -> list[str]:
    """Return the units of a lineage folder that are on disk, the folder first, then by generation; none where it is not here."""
    if not (root / lineage).is_dir():
        return []
    place = next(place for place in _TRACKED if place.wildcards(lineage) is not None)
    pattern = lineage + _INSIDE[place].pattern.removeprefix(place.pattern)
    return [lineage, *sorted(_existing(pattern, root), key=lambda unit: (len(unit), unit))]


def all_units(root: Path = Path()) -> list[str]:
    """Return the units of all lineage folders that are on disk."""
    return [*chain.from_iterable(lineages(root).values())]


def units_of(paths_: Iterable[str]) -> set[str]:
    """Return the units that some paths belong to."""
    return set(filter(None, map(unit_of, paths_)))


def by_unit(entries: Mapping[str, Entry]) -> dict[str, dict[str, Entry]]:
    """Return unit → path → entry of some entries by path, in one pass; what belongs to no unit is left out."""
    entries_of: dict[str, dict[str, Entry]] = {}
    for path, entry in entries.items():
        unit = unit_of(path)
        if unit:
            entries_of.setdefault(unit, {})[path] = entry
    return entries_of


def by_artefact(entries: Mapping[str, Entry]) -> dict[str, dict[str, Entry]]:
    """Return artefact → path → entry of its files, of some entries by path, in one pass; a note stands under its own path."""
    entries_of: dict[str, dict[str, Entry]] = {}
    for path, entry in entries.items():
        unit = unit_of(path)
        if unit:
            name = path.removeprefix(f"{unit}/").split("/", maxsplit=1)[0]
            entries_of.setdefault(f"{unit}/{name}", {})[path] = entry
    return entries_of


def lineages_of(paths_: Iterable[str]) -> set[str]:
    """Return the lineage folders that some paths belong to."""
    return set(filter(None, map(lineage_of, paths_)))


def pointed_lineages() -> list[str]:
    """Return the lineage folders that a ``.dvc`` file tells of, on disk themselves or not, sorted."""
    patterns = [f"{place.glob}.dvc" for place in _TRACKED]
    folders = {file.with_suffix("").as_posix() for pattern in patterns for file in Path().glob(pattern)}
    return sorted(folder for folder in folders if lineage_of(folder) == folder)


def artefacts(unit: str | Path) -> list[Path]:
    """Return the artefacts of a unit that are on disk: no fingerprints, manifests, hidden files, or folders without a file."""
    with os.scandir(unit) as entries:
        names = sorted(entry.name for entry in entries if _is_artefact(entry))
    return [Path(unit, name) for name in names]


def names(folder: str | Path) -> set[str]:
    """Return what lies in a folder, links that lead nowhere left out; nothing where there is no folder."""
    try:
        with os.scandir(folder) as entries:
            return {entry.name for entry in entries if entry.is_file() or entry.is_dir()}
    except FileNotFoundError:
        return set()


def files(unit: str) -> list[Path]:
    """Return the files of a unit's artefacts."""
    paths_ = chain.from_iterable(sorted(path.rglob("*")) if path.is_dir() else [path] for path in artefacts(unit))
    return [path for path in paths_ if path.is_file() and not path.name.startswith(".")]


def sealed_artefacts(unit: str | Path) -> list[Path]:
    """Return the artefacts of a unit that have a fingerprint and a manifest, on disk themselves or not (a partial checkout)."""
    names_in_unit = names(unit)
    return [path for path in fingerprinted_artefacts(unit) if paths.manifest(path.name) in names_in_unit]


def fingerprinted_artefacts(unit: str | Path) -> list[Path]:
    """Return the artefacts of a unit that have a fingerprint, on disk themselves or not, with a manifest or without."""
    suffix = paths.fingerprint("*").removeprefix("*")
    with os.scandir(unit) as entries:
        stems = sorted(entry.name.removesuffix(suffix) for entry in entries if entry.name.endswith(suffix))
    return [Path(unit, _NAMES.get(stem) or _names_on_disk(unit).get(stem, stem)) for stem in stems]


def notes(unit: str) -> list[Path]:
    """Return the small files that tell one version of a unit from another: its fingerprints and its provenance."""
    provenance = Path(unit, PROVENANCE)
    return sorted(Path(unit).glob(paths.fingerprint("*"))) + ([provenance] if provenance.exists() else [])


def complete_units(lineage: str, units: Collection[str], marks: Collection[str]) -> list[str]:
    """Return the units of a lineage folder that have something to record and nothing that is half made.

    Parameters
    ----------
    marks
        Units in which Snakemake has a job running or interrupted. What is half made on a lineage's own level makes all of its generations
        so, because a `chain` job makes them.
    """
    sealed_of = {unit: set(sealed_artefacts(unit)) for unit in {lineage, *units}}
    whole_units = {unit for unit, sealed_paths in sealed_of.items() if unit not in marks and sealed_paths.issuperset(artefacts(unit))}
    return [unit for unit in units if unit in whole_units and sealed_of[unit]] if lineage in whole_units else []


def is_half_made(unit: str, complete: Collection[str]) -> bool:
    """Return whether a unit holds something, and is not among the complete ones."""
    return unit not in complete and bool(artefacts(unit) or sealed_artefacts(unit))


def is_finished(unit: str) -> bool:
    """Return whether a generation was carried through to its measures, its own or those of the chain it is a snapshot of."""
    wildcards = kinds.GENERATION.wildcards(unit)
    if wildcards is None:
        return True
    measures = Path(unit, kinds.METRICS.file), Path(kinds.TRAJECTORY.path(**wildcards))
    return any(Path(paths.fingerprint(path)).exists() for path in measures)


def _first(path: str, places: tuple[Place, ...]) -> str | None:
    for place in places:
        wildcards = place.wildcards(path)
        if wildcards is not None:
            return place.pattern.format(**wildcards)
    return None


def _existing(pattern: str, root: Path) -> Iterator[str]:
    for folder in root.glob(Place(pattern).glob):
        path = folder.relative_to(root).as_posix()
        if folder.is_dir() and _first(path, _UNITS) == path:
            yield path


def _names_on_disk(unit: str | Path) -> dict[str, str]:
    return {stem(path): path.name for path in artefacts(unit)}


def _is_artefact(entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith(".") or entry.name == PROVENANCE or entry.name.removeprefix(stem(entry.name)) in _NOTES:
        return False
    if not entry.is_dir():
        return True
    path = Path(entry.path)
    if unit_of(path.as_posix()) == path.as_posix():
        return False
    return any(file.is_file() and not file.name.startswith(".") for file in path.rglob("*"))
