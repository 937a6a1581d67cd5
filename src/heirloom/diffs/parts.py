"""What a folder or a repository of the hub holds: a dataset for each configuration and split, as `datasets` resolves them.

A part is named ``FOLDER:SPLIT`` or ``FOLDER:CONFIGURATION/SPLIT``, and so is one of a repository, ``OWNER/NAME[@REVISION]:SPLIT``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from heirloom import records
from heirloom.diffs.sides import SAVED_SPLITS, Side, locate
from heirloom.diffs.storage import files_below
from heirloom.errors import HeirloomError, listed
from heirloom.lineage.references import is_reference

if TYPE_CHECKING:
    from heirloom.sources.data_layouts import Resolution

DEFAULT = "default"
"""What `datasets` calls the only configuration of a folder whose card names none."""
OTHER_FILES = "other files"
READERS = ("parquet", "arrow", "csv", "json")

_PART = re.compile(r"(?P<whole>.+):(?P<part>[^:@]+)")
_HUB = re.compile(r"(?P<name>[\w-][\w.-]*/[\w.-]+)(?:@(?P<revision>[^@:]+))?")
_ONE_SAVED = "state.json"


class Key(NamedTuple):
    """A part's configuration, empty where there is only one, and its split, empty where the files name none."""

    config: str
    split: str

    @property
    def label(self) -> str:
        """Both in one name."""
        return "/".join(filter(None, self))


Parts = Mapping[Key, Side]
WHOLE = Key("", "")


def parts(text: str | Path | Side) -> Parts:
    """Return the datasets that a path, a reference or the name of a repository stands for; a single one has the key ``WHOLE``.

    Raises
    ------
    HeirloomError
        If there is nothing there, the hub cannot be asked, or there is no such part.
    """
    if isinstance(text, Side):
        return {WHOLE: text}
    text = str(text)
    match = None if Path(text).exists() or is_reference(text) else _PART.fullmatch(text)
    if match is None or "://" in text or not (Path(match["whole"]).is_dir() or _is_hub_id(match["whole"])):
        return _all(text)
    container, part = match["whole"], match["part"]
    sides = {key.label: side for key, side in _all(container).items()}
    if part not in sides:
        labels = listed(filter(None, sides))
        raise HeirloomError(f"{container} has no {part!r}; it has {labels or 'no splits'}")
    return {WHOLE: sides[part]}


def paired(a: str | Path | Side, b: str | Path | Side) -> dict[str, tuple[Side | None, Side | None]]:
    """Return which dataset of A is compared with which of B, by the name of the part; None where a side lacks it.

    Raises
    ------
    HeirloomError
        If a side cannot be had, or is a single dataset without a split's name and the other side holds several.
    """
    parts_a, parts_b = parts(a), parts(b)
    if WHOLE in parts_a or WHOLE in parts_b:
        return {"": (_single(a, parts_a), _single(b, parts_b))}
    if _num_configurations(parts_a) == _num_configurations(parts_b) == 1:
        parts_a, parts_b = _by_split(parts_a), _by_split(parts_b)
    keys = dict.fromkeys([*parts_a, *parts_b])
    return {key.label: (parts_a.get(key), parts_b.get(key)) for key in keys}


def _single(text: str | Path | Side, sides: Parts) -> Side:
    """Return the only dataset of a side."""
    if len(sides) > 1:
        names = listed(sorted(side.name for side in sides.values()))
        raise HeirloomError(f"{text} holds several datasets; name one of them: {names}")
    (side,) = sides.values()
    return side


def _num_configurations(sides: Parts) -> int:
    return len({key.config for key in sides})


def _by_split(sides: Parts) -> Parts:
    return {Key("", key.split): side for key, side in sides.items()}


def _all(text: str) -> Parts:
    try:
        side = locate(text)
    except HeirloomError:
        if not _is_hub_id(text):
            raise
        return _of_repository(text)
    return _of_folder(side) if side.path.is_dir() else {WHOLE: side}


def _is_hub_id(text: str) -> bool:
    """Return whether a text may be a repository's name: one slash, nothing here of that name, nor its first half."""
    match = None if is_reference(text) else _HUB.fullmatch(text)
    return match is not None and not Path(text).exists() and not Path(match["name"]).parent.exists()


def _of_repository(text: str) -> Parts:
    from heirloom.sources import data_layouts

    match = _HUB.fullmatch(text)
    assert match is not None
    try:
        layout = data_layouts.repository_layout(match["name"], match["revision"])
    except HeirloomError as error:
        raise HeirloomError(f"{text}: no file, folder or reference here, and no dataset of the hub: {error}") from error
    folder = next(iter(layout.values())).folder
    resolutions = {config: dataset.resolution for config, dataset in layout.items()}
    repository = Side(f"{match['name']}@{folder.name[:12]}", folder)
    return _sides(repository, dict(_files_of_parts(folder, resolutions)))


def _of_folder(side: Side) -> Parts:
    from heirloom.sources import data_layouts

    folder = side.path
    if (folder / SAVED_SPLITS).is_file():
        return {Key("", split): locate(folder / split) for split in _saved_splits(folder)}
    files = files_below(folder)
    if (folder / _ONE_SAVED).is_file() or not files:
        return {WHOLE: side}
    try:
        layout = data_layouts.folder_layout(folder, files)
    except HeirloomError as error:
        raise HeirloomError(f"{folder}: {error}") from error
    files_of = dict(_files_of_parts(folder, layout))
    names = {file.relative_to(folder).as_posix() for file in files}
    other_names = names.difference(*files_of.values())
    if other_names:
        files_of[Key("", OTHER_FILES)] = sorted(other_names)
    return _sides(side, files_of)


def _saved_splits(folder: Path) -> list[str]:
    """Return the splits that `datasets` has saved in a folder, sorted.

    Raises
    ------
    HeirloomError
        If the file that lists them is damaged, or names what is no folder in there.
    """
    file = folder / SAVED_SPLITS
    way_back = "save the dataset anew with save_to_disk"
    splits = records.json_object(file.read_bytes(), file, way_back).get("splits")
    names = splits if isinstance(splits, list) and splits and all(isinstance(name, str) for name in splits) else None
    if names is None or len(set(names)) < len(names):
        raise HeirloomError(f"{file}: splits are {records.in_one_line(splits)}; allowed is a list of names, each once; {way_back}")
    wrong = [name for name in names if Path(name).name != name or not _is_folder(folder / name)]
    if wrong:
        raise HeirloomError(f"{file}: no split of these is a folder beside it: {listed(map(repr, wrong), 3)}; {way_back}")
    return sorted(names)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # too long a name, or a null byte in it
        return False


def _files_of_parts(folder: Path, layout: Mapping[str, Resolution]) -> Iterator[tuple[Key, list[str]]]:
    """Yield each part's files; where no card and no file's name tells a split, all files are one dataset."""
    from heirloom.sources import data_layouts

    for config, resolution in layout.items():
        if resolution.reader not in READERS:
            raise HeirloomError(f"{folder}: its files are {resolution.reader}; allowed are Parquet, Arrow, CSV and JSON lines")
        all_names = chain.from_iterable(resolution.files.values())
        has_splits = config != DEFAULT or data_layouts.declares_files(folder) or any(map(_split_words, all_names))
        files_of: dict[Key, list[str]] = {}
        for split, names in resolution.files.items():
            for name in names:
                configuration = config if config != DEFAULT else _configuration_folder(name)
                key = Key(configuration, split) if has_splits else WHOLE
                files_of.setdefault(key, []).append(name)
        yield from files_of.items()


def _configuration_folder(name: str) -> str:
    """Return the folders of a file that name neither a split nor a value of Hive's kind: such a folder is a configuration."""
    folders = PurePosixPath(name).parts[:-1]
    return "/".join(part for part in folders if part != "data" and "=" not in part and not _split_words(part))


def _split_words(name: str) -> set[str]:
    """Return the words of a name that `datasets` takes for a split's."""
    from datasets.data_files import SPLIT_KEYWORDS

    keywords = set(chain.from_iterable(SPLIT_KEYWORDS.values()))
    return keywords & set(re.split(r"[^a-z]+", name.lower()))


def _sides(container: Side, files_of: Mapping[Key, list[str]]) -> Parts:
    """Return the dataset of each part; a single file as if it had been named itself."""
    sides: dict[Key, Side] = {}
    for key, names in files_of.items():
        files = tuple(container.path / name for name in names)
        name = f"{container.name}:{key.label}" if key != WHOLE else container.name
        sides[key] = replace(locate(files[0]), name=name) if len(files) == 1 else replace(container, name=name, parts=files)
    return sides
