"""Prune: list the generations, lineages and experiments that no config names any more, and remove them on request.

Folders that killed commands have left where they were writing are listed, too, once nobody can be writing there any more.

What else is removed can be brought back: git has the ``.dvc`` file as it was, and DVC's cache has the bytes of every file that it lists,
which are read before anything is removed. What cannot be brought back is not removed.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.filesize import decimal

from heirloom.artefacts import kinds
from heirloom.artefacts.paths import RESULTS
from heirloom.config import Config
from heirloom.errors import HeirloomError
from heirloom.lineage import cache, dvc, git, hidden, ledger, running
from heirloom.numerals import counted
from heirloom.workflow import folders

_PLACES = ("data", RESULTS, ".heirloom")
"""Where commands write folders and files whole."""
_QUIET_SECONDS = 600
"""Nobody writes in a folder that has not changed for so long while no run is under way."""


@dataclass(frozen=True)
class Leftover:
    """A folder that no config names, or one in which a killed command was writing.

    Attributes
    ----------
    path
        A lineage folder, an experiment's real data, or one generation of a lineage whose other generations stay.
    size
        Bytes on disk; 0 if it is recorded but not pulled.
    at_risk
        Why it cannot be brought back, in a few words, or an empty string.
    is_scratch
        Whether a killed command has left it.
    """

    path: str
    size: int
    at_risk: str
    is_scratch: bool = False

    @property
    def line(self) -> str:
        """One line for people."""
        return f"{self.path}  {decimal(self.size)}  {self.at_risk or ('left by a killed command' if self.is_scratch else 'recorded')}"


def leftovers(configs: Iterable[Config]) -> list[Leftover]:
    """Return what is on disk or recorded under ``data/`` and is named by none of the configs, sorted by path, then what kills have left.

    Raises
    ------
    HeirloomError
        If DVC cannot be used.
    """
    reason = dvc.unavailable()
    if reason:
        raise HeirloomError(reason.replace("not recorded", "nothing to be brought back here, and so nothing pruned"))
    asked_folders = {path for config in configs for path in config_folders(config)}
    leftovers = []
    for lineage in _lineages():
        listing = dvc.listing(lineage)
        units = _generations(lineage, listing or {}) if lineage in asked_folders else [lineage]
        unnamed_units = [unit for unit in units if unit not in asked_folders]
        obstacle = _pointer_fault(lineage) if unnamed_units else ""
        leftovers += [_leftover(unit, lineage, listing, obstacle) for unit in unnamed_units]
    pruned = {Path(leftover.path) for leftover in leftovers}
    return leftovers + [scratch for scratch in _scratches() if not pruned.intersection(Path(scratch.path).parents)]


def remove(leftovers: Sequence[Leftover], *, force: bool = False) -> None:
    """Remove leftovers from the disk, from DVC's record and from the ledger; DVC's cache and git's history keep them.

    Parameters
    ----------
    force
        Also remove what cannot be brought back.

    Raises
    ------
    HeirloomError
        If something could not be brought back and ``force`` is not given (nothing is removed then), or DVC fails.
    """
    at_risk = [leftover for leftover in leftovers if leftover.at_risk]
    if at_risk and not force:
        remainder = f", and {len(at_risk) - 1} more" if len(at_risk) > 1 else ""
        raise HeirloomError(f"nothing removed: {at_risk[0].path} is lost for good{remainder}: {at_risk[0].at_risk}; else give --force")
    for leftover in leftovers:
        shutil.rmtree(leftover.path, ignore_errors=True)
        _pointer(leftover.path).unlink(missing_ok=True)
    paths = [leftover.path for leftover in leftovers if not leftover.is_scratch]
    recorded_units = _recorded_units(paths)
    dvc.add([path for path in paths if path in recorded_units])  # DVC forgets of a folder's record what it does not find
    ledger.forget(paths)
    for folder in {parent for path in paths for parent in list(Path(path).parents)[:2]}:
        _remove_if_empty(folder)


def total(leftovers: Sequence[Leftover], *, removed: bool) -> str:
    """Return what was listed or removed, in one line, with the command that comes next."""
    if not leftovers:
        return "nothing to prune: the configs name all there is"
    size = sum(leftover.size for leftover in leftovers)
    summary = f"{counted(len(leftovers), 'folder')}, {decimal(size)}"
    if not removed:
        return f"{summary}; heirloom prune --yes removes {'it' if len(leftovers) == 1 else 'them'}"
    if all(leftover.is_scratch for leftover in leftovers):
        return f"{summary} removed"
    return f"{summary} removed; git commit -a keeps that, git checkout of an older commit and heirloom restore bring them back"


def _scratches() -> Iterator[Leftover]:
    """Yield the folders in which killed commands were writing; none while a run is under way, whose jobs write."""
    run = running.read()
    if run is not None and not run.has_ended:
        return
    for folder in (folder for place in _PLACES for folder in hidden.scratches(place)):
        statuses = [path.lstat() for path in (folder, *folder.rglob("*"))]
        if max(status.st_mtime for status in statuses) > time.time() - _QUIET_SECONDS:
            continue
        target = hidden.target_of(folder)
        risk = f"holds what {target} was, which is not here; move it there first" if hidden.holds_the_last_version(folder) else ""
        yield Leftover(folder.as_posix(), sum(status.st_size for status in statuses[1:]), risk, is_scratch=True)


def config_folders(config: Config) -> Iterator[str]:
    """Yield the lineage folders and generations that a config asks for."""
    for name, experiment in config.experiments.items():
        yield kinds.REAL_FOLDER.path(experiment=name)
        yield from (kinds.SEED_FOLDER.path(experiment=name, seed=pool) for pool in experiment.pools if pool)
        for seed in experiment.seeds:
            yield kinds.LINEAGE.path(experiment=name, regime=kinds.ORIGIN, seed=seed)
            yield kinds.GENERATION.path(name, kinds.ORIGIN, seed, 0)
            for regime in experiment.regimes:
                yield kinds.LINEAGE.path(experiment=name, regime=regime, seed=seed)
                yield from (kinds.GENERATION.path(name, regime, seed, generation) for generation in experiment.kept_generations)


def _lineages() -> list[str]:
    """Return the lineage folders on disk, and those of which only the ``.dvc`` file is here."""
    return sorted({*folders.lineages(), *folders.pointed_lineages()})


def _generations(lineage: str, recorded: Iterable[str]) -> list[str]:
    on_disk = folders.units_in(lineage)
    generations = {*on_disk, *folders.units_of(recorded)} - {lineage}
    return sorted(generations, key=lambda unit: (len(unit), unit))


def _leftover(path: str, lineage: str, recorded: Mapping[str, str] | None, obstacle: str) -> Leftover:
    files = [file for file in sorted(Path(path).rglob("*")) if file.is_file() and not _is_hidden(file)]
    size = sum(file.stat().st_size for file in files)
    return Leftover(path, size, obstacle or _hidden_file(path) or _risk(lineage, files, recorded))


def _hidden_file(path: str) -> str:
    """Return which hidden file of a folder somebody has made, in a few words; an empty string where none has."""
    file = next(hidden.of_somebody(path), None)
    return f"{file} is hidden, and so no record has it; move it out of data/" if file else ""


def _pointer_fault(lineage: str) -> str:
    """Return why nothing of a lineage can be brought back, in a few words: its pointer is not here, or no commit has it."""
    pointer = _pointer(lineage)
    if not pointer.exists():
        return "not recorded; heirloom record keeps it"
    if git.show("HEAD", pointer) != pointer.read_bytes():
        return f"no commit has {pointer} as it is; git commit it first"
    return ""


def _risk(lineage: str, files: Sequence[Path], recorded: Mapping[str, str] | None) -> str:
    """Return why some files of a lineage cannot be brought back, in a few words; an empty string if they can."""
    pointer = _pointer(lineage)
    if files and recorded is None:
        return f"DVC's cache has no record of it; dvc fetch {pointer} first"
    for file in files:
        md5 = (recorded or {}).get(file.as_posix())
        if md5 is None:
            return f"{file} is not recorded; heirloom record keeps it"
        if not dvc.cache_path(md5).exists():
            return f"DVC's cache lacks {file}; dvc fetch {pointer} first"
    return _damage(lineage, {file: recorded[file.as_posix()] for file in files}) if recorded else ""


def _damage(lineage: str, md5_of: Mapping[Path, str]) -> str:
    """Return which recorded file has other bytes than its record, here or in DVC's cache, in a few words; an empty string if none has.

    A hard link into the cache is read once.
    """
    damaged_objects = cache.damaged_objects(md5_of.values(), afresh=True)
    for file, md5 in md5_of.items():
        if md5 in damaged_objects:
            return f"{file} is damaged in DVC's cache; heirloom repair {lineage} repairs it"
        if not dvc.cache_path(md5).samefile(file) and cache.md5_of(file) != md5:
            return f"{file} has changed since it was recorded"
    return ""


def _recorded_units(paths: Iterable[str]) -> set[str]:
    """Return the units that DVC has recorded of the lineages to which some folders belong."""
    listings = (dvc.listing(lineage) or {} for lineage in folders.lineages_of(paths))
    return set().union(*map(folders.units_of, listings))


def _pointer(path: str) -> Path:
    return Path(f"{path}.dvc")


def _is_hidden(file: Path) -> bool:
    return any(part.startswith(".") for part in file.parts)


def _remove_if_empty(folder: Path) -> None:
    for place in (folder, folder.parent):
        if len(place.parts) > 1 and place.is_dir() and not any(place.iterdir()):
            place.rmdir()
