"""Layout: whether git and DVC can record ``data/`` and ``results/`` as they are. A run asks this before it begins.

DVC adds no file behind a symbolic link, and git keeps only the link of a linked folder. Files with the conflict marks of a
merge would stop the record of the whole run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from heirloom import globs, records, results
from heirloom.artefacts import kinds
from heirloom.config import Config
from heirloom.errors import HeirloomError, first_of
from heirloom.lineage import dvc, pointers
from heirloom.workflow import folders

_TEXTS = ("*.tsv", "*.csv", "*.json", "*.jsonl", "plots/*.csv", "figures/*.json", "figures/*.csv")
"""Results that git merges line by line."""
_OURS = (Path("logs"), Path(".heirloom"))
"""Folders beside data and results that a run writes to; they may be links."""


def check(config: Config) -> None:
    """Refuse a layout in which a run could not be recorded.

    Raises
    ------
    HeirloomError
        If a folder of data or results is a symbolic link, a folder of a run is a file, a merge has left conflict marks in a record, or
        the path of the project has a control character.
    """
    globs.check_name(Path.cwd())
    for folder in _folders(config):
        if folder.is_symlink():
            raise HeirloomError(_about_link(folder))
        _check_folder(folder)
    for folder in _OURS:
        _check_folder(folder)
    conflicts = [file for file in _record_files() if records.is_conflicted(file.read_bytes())]
    if conflicts:
        verb = "hold" if len(conflicts) > 1 else "holds"
        names = first_of(conflicts, " and {} more files")
        raise HeirloomError(f"{names}: {verb} the conflict marks of a git merge; {records.MERGE}")


def _about_link(folder: Path) -> str:
    """Return the message about a folder that is a symbolic link: why it is refused, and how it becomes a folder."""
    reason = "git keeps of a linked folder the link alone" if folder.parts[0] != "data" else "DVC adds no file behind a link"
    place = folder.readlink()
    target = Path(os.path.normpath(folder.parent / place))
    advice = f"rm {folder} removes the link, which leads to no folder"
    if folder.is_dir():
        advice = f"rm {folder} && mv {target} {folder} puts the folder there"
    return (
        f"{folder}: is a symbolic link to {place}, and a run could not be recorded: {reason}; {advice},"
        " dvc cache dir FOLDER the bytes on another disk"
    )


def _check_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise HeirloomError(f"{folder}: is a file, and a run keeps a folder of that name; move it away")


def _folders(config: Config) -> Iterator[Path]:
    """Yield the folders that a run writes to, from the top down, each once."""
    lineages = [Path(kinds.LINEAGE.path(*key)) for key in _keys(config)]
    all_folders = set()
    for output in (Path(config.results.folder), *lineages, *_pools(config)):
        all_folders.update([output, *output.parents[:-1]])  # the last parent is the project's own folder
    yield from sorted(all_folders, key=lambda folder: (len(folder.parts), folder))


def _pools(config: Config) -> Iterator[Path]:
    for name, experiment in config.experiments.items():
        yield from (Path(kinds.REAL_FOLDER.of_pool(name, pool)) for pool in experiment.pools)


def _keys(config: Config) -> Iterator[tuple[str, str, int]]:
    for name, experiment in config.experiments.items():
        yield from ((name, regime, seed) for regime in (kinds.ORIGIN, *experiment.regimes) for seed in experiment.seeds)


def _record_files() -> Iterator[Path]:
    for folder in map(Path, results.folders()):
        yield from (file for pattern in _TEXTS for file in sorted(folder.glob(pattern)) if file.is_file())
    yield from (file for file in map(pointers.file_of, folders.pointed_lineages()) if file.is_file())
    yield from (file for file in (dvc.LOCK, dvc.PIPELINE) if file.is_file())
