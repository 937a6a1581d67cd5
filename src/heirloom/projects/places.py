"""Where somebody's data lie, as the keys of a source: a file, a folder of files, or a dataset of a hub."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from rich.filesize import decimal

from heirloom.errors import HeirloomError
from heirloom.projects.choice import Choice
from heirloom.sources import data_faults, data_files, files
from heirloom.sources.data_layouts import Dataset
from heirloom.sources.splits import SPLITS

TRAIN, VALID, TEST = SPLITS
SPLIT_NAMES = {TRAIN: (TRAIN, "training"), VALID: (VALID, "validation", "val", "dev"), TEST: (TEST, "heldout")}
"""Split → the words in names of files or of splits that stand for it."""
_SAMPLE_ROWS = 500
_WORD = re.compile(r"[a-z]+")


class Place(NamedTuple):
    """Data that have been looked at.

    Parameters
    ----------
    source
        Keys of the config's source, its paths relative to the working folder.
    choices
        What was chosen, and why.
    rows
        The first rows, column by column as they stand; none of plain text.
    plain_files
        Files of plain text; none of rows.
    num_bytes
        Size of all files; None of a hub's.
    """

    source: dict[str, Any]
    choices: tuple[Choice, ...]
    rows: Sequence[Mapping[str, Any]]
    plain_files: Sequence[Path]
    num_bytes: int | None


def look(data: str) -> Place:
    """Return what a file, a folder or a hub id holds.

    Raises
    ------
    HeirloomError
        If it is not there, or is of no kind that is read.
    """
    path = Path(data)
    if path.is_file():
        return _of_files([path], f"one file of {decimal(path.stat().st_size)}")
    if path.is_dir():
        return _of_folder(path)
    dataset, _, config = data.partition(":")
    if dataset.count("/") != 1 or dataset.startswith((".", "/", "~")):
        raise HeirloomError(f"--data: {data}: no such file or folder, and no hub id (owner/name, or owner/name:configuration)")
    return _of_dataset(dataset, config or None)


def _of_folder(folder: Path) -> Place:
    by_suffix: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            by_suffix[path.suffix].append(path)
    sizes = {suffix: sum(path.stat().st_size for path in by_suffix[suffix]) for suffix in files.SUFFIXES if suffix in by_suffix}
    if not sizes:
        return _of_dataset(str(folder), None)
    suffix = max(sizes, key=lambda name: sizes[name])
    paths = by_suffix[suffix]
    others = ", ".join(name for name in sizes if name != suffix)
    reason = f"{len(paths)} files {suffix} of {decimal(sizes[suffix])}" + (f"; those of {others} are left out" if others else "")
    return _of_files(paths, reason, f"{folder.as_posix()}/**/*{suffix}")


def _of_files(paths: Sequence[Path], reason: str, pattern: str | None = None) -> Place:
    for path in paths:
        if path.suffix not in files.SUFFIXES:
            hint = "a folder with this file alone is read as `datasets` reads it"
            raise HeirloomError(f"--data: {path}: the suffix {path.suffix!r} is none of {', '.join(files.SUFFIXES)}; {hint}")
    by_split = _by_split([path.as_posix() for path in paths])
    names: Any = by_split or [pattern or path.as_posix() for path in paths[: 1 if pattern else None]]
    split_reason = _reason_of_splits(paths, by_split)
    choices = (Choice("source.paths", _words(names), reason), _split_choice(bool(by_split), split_reason))
    rows, plain_files = _content(paths)
    return Place({"name": "files", "paths": names}, choices, rows, plain_files, sum(path.stat().st_size for path in paths))


def _reason_of_splits(paths: Sequence[Path], by_split: Mapping[str, Sequence[str]]) -> str:
    if not by_split:
        return "not each of train, valid and test has a file that is named after it"
    num_left_out = len(paths) - sum(map(len, by_split.values()))
    return "the names of the files say so" + (f"; {num_left_out} of another name left out" if num_left_out else "")


def _content(paths: Sequence[Path]) -> tuple[list[Mapping[str, Any]], Sequence[Path]]:
    if paths[0].suffix in files.PLAIN:
        return [], paths
    return list(islice(_rows(paths[0]), _SAMPLE_ROWS)), ()


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    if path.suffix != ".parquet":
        for place, row in data_faults.json_rows(path):
            if not isinstance(row, dict):
                raise HeirloomError(f"--data: {place}: a {type(row).__name__}; each row must be an object")
            yield row
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_SAMPLE_ROWS):
                yield from batch.to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise HeirloomError(f"--data: {path}: cannot be read as Parquet ({str(error).splitlines()[0]})") from None


def _of_dataset(name: str, config: str | None) -> Place:
    """Return a dataset of a hub, or a folder of a format that `datasets` reads and we do not."""
    dataset = data_files.locate(name, config, None, TRAIN)
    split_names = list(dataset.resolution.files)
    by_split = _by_split(split_names)
    splits: Any = {split: names[0] for split, names in by_split.items()} or (TRAIN if TRAIN in split_names else split_names[0])
    source = {"name": "hub", "dataset": name, "splits": splits} | ({"config": config} if config else {})
    first_split = splits[TRAIN] if isinstance(splits, dict) else splits
    with data_files.split_loader(dataset, config) as load:
        rows = [dict(row) for row in load(f"{first_split}[:{_SAMPLE_ROWS}]")]
    place = Choice("source.dataset", name, f"its splits are {', '.join(split_names)}")
    kept_reason = "the dataset has them" if by_split else f"of its splits only {splits} is read"
    num_bytes = _size(dataset) if Path(name).is_dir() else None
    return Place(source, (place, _split_choice(bool(by_split), kept_reason)), rows, (), num_bytes)


def _size(dataset: Dataset) -> int:
    """Return the bytes of all files of a dataset."""
    names = (name for names in dataset.resolution.files.values() for name in names)
    return sum((dataset.folder / name).stat().st_size for name in names)


def _by_split(names: Sequence[str]) -> dict[str, list[str]]:
    """Return split → the names that have its word and no other split's; nothing where a split has none."""
    by_split: dict[str, list[str]] = defaultdict(list)
    for name in names:
        words = set(_WORD.findall(Path(name).name.lower()))
        splits = [split for split, spellings in SPLIT_NAMES.items() if words & set(spellings)]
        if len(splits) == 1:
            by_split[splits[0]].append(name)
    return {split: by_split[split] for split in SPLIT_NAMES} if len(by_split) == len(SPLIT_NAMES) else {}


def _split_choice(is_kept: bool, reason: str) -> Choice:
    return Choice("split", "train, valid, test" if is_kept else "90 % train, 5 % valid, 5 % test, by document", reason)


def _words(names: Any) -> str:
    if isinstance(names, dict):
        return "; ".join(f"{split}: {_words(paths)}" for split, paths in names.items())
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
