"""Which files of a dataset the `datasets` library reads, and their rows, read from these files and from no cache.

`datasets` keeps what it has read by path and time stamp, so that a folder whose files were exchanged gives its old rows. Here files are
resolved by its rules and then named to the reader of their format, which works in a folder of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from heirloom import globs
from heirloom.errors import HeirloomError
from heirloom.runtime import child
from heirloom.sources import data_faults, faults, hub_repository, memory
from heirloom.sources.data_layouts import CARDS, Dataset, declares_files, fetch_dataset, has_metadata, quieten, resolve
from heirloom.sources.input_files import SOURCE, SPLIT_ROLES, SourceFile, absence, check_content, local_file

_REMEMBERED = "data_files.json"
Splits = Mapping[Any, str]
"""Split of ours → the dataset's own, slices such as ``train[:90%]`` included."""


def locate(name: str, config: str | None, revision: str | None, split: str) -> Dataset:
    """Return a dataset, fetched from the hub unless it is a local folder.

    Parameters
    ----------
    split
        The split that is read first, for messages.

    Raises
    ------
    HeirloomError
        If it cannot be had.
    """
    folder = Path(name)
    with one_line_errors(name, config, split):
        if folder.is_dir():
            return Dataset(name, folder, resolve(folder, config))
        return fetch_dataset(name, config, hub_repository.commit_of(name, "dataset", revision))


def local_files(folder: Path, config: str | None, splits: Splits) -> list[SourceFile]:
    """Return the files of a local folder that the splits are read from, and the dataset card if it can decide; sorted.

    Raises
    ------
    HeirloomError
        If content is not here, a split is missing, or files would be left out without a word.
    """
    names = _visible(folder)
    _check_fetched(folder, names)
    cards = [card for card in CARDS if has_metadata(folder / card)]
    files = _resolved_files(folder, config, names, cards)
    _check_hidden(folder, names, files)
    data = [local_file(role, folder / name) for name, role in _roles(files, splits, folder).items()]
    return [*data, *(local_file(SOURCE, folder / card) for card in cards)]


def _resolved_files(folder: Path, config: str | None, names: list[str], cards: list[str]) -> dict[str, list[str]]:
    """Return split → files of a local folder, from memory where its names and its cards are those of the last look."""
    digest = hashlib.sha256(json.dumps([config, names]).encode())
    for card in cards:
        digest.update((folder / card).read_bytes())
    key = f"{folder.resolve()} {digest.hexdigest()}"
    memories = memory.recall(_REMEMBERED)
    files: dict[str, list[str]] | None = memories.get(key)
    if files is None:
        with one_line_errors(str(folder), config):
            files = resolve(folder, config).files
        memory.remember(_REMEMBERED, {**memories, key: files})
    return files


def hub_files(dataset: Dataset, splits: Splits) -> list[SourceFile]:
    """Return the files of a dataset of the hub that the splits are read from; sorted."""
    folder = dataset.folder
    roles = _roles(dataset.resolution.files, splits, folder)
    return [hub_repository.source_file(role, dataset.name, folder, folder / name) for name, role in roles.items()]


@contextmanager
def split_loader(dataset: Dataset, config: str | None) -> Iterator[Callable[[str], Any]]:
    """Yield a function that returns the rows of a split, or of a slice of one; they lie on disk as long as the context lasts."""
    import datasets

    reader, options, files = dataset.resolution
    paths = {}
    for split_name, names in files.items():
        paths[split_name] = [str(dataset.folder / name) for name in names]
    with tempfile.TemporaryDirectory() as cache:
        quieten()

        def load(split: str) -> Any:
            with one_line_errors(dataset.name, config, split), _naming_the_file(dataset):
                return datasets.load_dataset(reader, data_files=paths, split=split, cache_dir=cache, **options)

        yield load


def check(dataset: Dataset, split: str, column: str) -> None:
    """Refuse rows of a split, or of a slice of one, that `datasets` would read as something else without a word.

    Raises
    ------
    HeirloomError
        With the file, its line or row, and what is wrong.
    """
    reader, options, files = dataset.resolution
    names = sorted(_files_of(split, files, dataset.folder))
    data_faults.check(reader, options, [dataset.folder / name for name in names], column)


@contextmanager
def _naming_the_file(dataset: Dataset) -> Iterator[None]:
    """Name the file, line or row that `datasets` stumbles over: its own errors hide it, and its log lines do not stand in a message."""
    reader, options, files = dataset.resolution
    try:
        yield
    except Exception as error:
        places = [dataset.folder / name for name in _all_names(files)]
        fault = data_faults.explanation(reader, options, places)
        if fault is not None:
            raise fault from error
        raise


@contextmanager
def one_line_errors(name: str, config: str | None, split: str | None = None) -> Iterator[None]:
    """Say in one line what of a dataset cannot be had."""
    child.opening(name)
    try:
        yield
    except HeirloomError:
        raise
    except Exception as error:  # readers of formats share no narrower base
        configuration = f" ({config})" if config else ""
        part = f", split {split!r}" if split else ""
        reason = f"{faults.cause(error)}; for files of your own, source: {{name: files, paths: …}}"
        raise HeirloomError(f"source.dataset: cannot load {name}{configuration}{part}: {reason}") from error


def _visible(folder: Path) -> list[str]:
    """Return all files of a folder but hidden ones and those of hidden folders, links without content among them; sorted."""
    globs.check_folder(folder, "source.dataset")
    names = []
    for place, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith((".", "__"))]
        names += [Path(place, name).relative_to(folder).as_posix() for name in files if not name.startswith(".")]
    return sorted(names)


def _check_fetched(folder: Path, names: list[str]) -> None:
    for name in names:
        place = folder / name
        check_content(place)
        if place.suffix == ".dvc" and not place.with_suffix("").exists():
            raise HeirloomError(f"source.dataset: not here: {absence(place.with_suffix(''))}")


def _check_hidden(folder: Path, names: list[str], files: Mapping[str, list[str]]) -> None:
    """Refuse files of the same format that `datasets` passes over, unless a dataset card says which are data.

    One file or folder with a split's name (train, test, dev …) in it hides every file without one.
    """
    if declares_files(folder):
        return
    data = set(_all_names(files))
    suffixes = {Path(name).suffix for name in data}
    hidden = [name for name in names if name not in data and Path(name).suffix in suffixes and name not in CARDS]
    if hidden:
        raise HeirloomError(
            f"source.dataset: of {len(data) + len(hidden)} data files in {folder} datasets reads {len(data)}, such as {min(data)}, "
            f"and passes over {hidden[0]}: a split's name in one file's name hides the others; rename them, or name them one by one "
            "with source: {name: files, paths: …}"
        )


def _all_names(files: Mapping[str, list[str]]) -> list[str]:
    return [name for names in files.values() for name in names]


def _roles(files: Mapping[str, list[str]], splits: Splits, folder: Path) -> dict[str, str]:
    """Return file → its role, by name, of the files that some split is read from; one that several splits read is a mere source."""
    names_of = {SPLIT_ROLES.get(split, SOURCE): _files_of(expression, files, folder) for split, expression in splits.items()}
    roles = {}
    for name in sorted(set(_all_names(files))):
        readers = [role for role, names in names_of.items() if name in names]
        if readers:
            roles[name] = readers[0] if len(readers) == 1 else SOURCE
    return roles


def _files_of(split: str, files: Mapping[str, list[str]], folder: Path) -> set[str]:
    """Return the files behind ``train``, ``train[:90%]``, ``train+test`` or ``all``."""
    bases = [re.sub(r"\[.*?\]", "", part).strip() for part in split.split("+")]
    unknown = [base for base in bases if base not in files and base != "all"]
    if unknown:
        raise HeirloomError(f"source.dataset: cannot load {folder}, split {unknown[0]!r}: it has {', '.join(files)}")
    if "all" in bases:
        return set(_all_names(files))
    return {name for base in bases for name in files[base]}
