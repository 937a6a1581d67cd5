"""What a folder or a repository of the hub holds: a dataset for each configuration and split, as `datasets` resolves them.

A part is named ``FOLDER:SPLIT`` or ``FOLDER:CONFIGURATION/SPLIT``, and so is one of a repository, ``OWNER/NAME[@REVISION]:SPLIT``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from heirloom.artefacts.files import read_json
from heirloom.diffs.sides import SAVED_SPLITS, Side, files_below, locate
from heirloom.errors import HeirloomError
from heirloom.lineage.references import is_reference

if TYPE_CHECKING:
    from heirloom.sources.data_layouts import Resolution

DEFAULT = "default"
"""What `datasets` calls the only configuration of a folder whose card names none."""
OTHER_FILES = "other files"
READERS = ("parquet", "arrow")

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


def parts(text: str | Path) -> Parts:
    """Return the datasets that a path, a reference or the name of a repository stands for; a single one has the key ``WHOLE``.

    Raises
    ------
    HeirloomError
        If there is nothing there, the hub cannot be asked, or there is no such part.
    """
    text = str(text)
    named = None if Path(text).exists() or is_reference(text) else _PART.fullmatch(text)
    if named is None or not (Path(named["whole"]).is_dir() or _is_hub_id(named["whole"])):
        return _all(text)
    every = {key.label: side for key, side in _all(named["whole"]).items()}
    if named["part"] not in every:
        raise HeirloomError(f"{named['whole']} has no {named['part']!r}; it has {', '.join(filter(None, every)) or 'no splits'}")
    return {WHOLE: every[named["part"]]}


def paired(a: str | Path, b: str | Path) -> dict[str, tuple[Side | None, Side | None]]:
    """Return which dataset of A is compared with which of B, by the name of the part; None where a side lacks it.

    Raises
    ------
    HeirloomError
        If a side cannot be had, or is a single dataset without a split's name and the other side holds several.
    """
    both = [parts(text) for text in (a, b)]
    if any(WHOLE in held for held in both):
        for text, held in zip((a, b), both, strict=True):
            if len(held) > 1:
                names = ", ".join(sorted(side.name for side in held.values()))
                raise HeirloomError(f"{text} holds several datasets; name one of them: {names}")
        return {"": (next(iter(both[0].values())), next(iter(both[1].values())))}
    if all(len({key.config for key in held}) == 1 for held in both):
        both = [{Key("", key.split): side for key, side in held.items()} for held in both]
    return {key.label: (both[0].get(key), both[1].get(key)) for key in dict.fromkeys([*both[0], *both[1]])}


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
    found = None if is_reference(text) else _HUB.fullmatch(text)
    return found is not None and not Path(text).exists() and not Path(found["name"]).parent.exists()


def _of_repository(text: str) -> Parts:
    from heirloom.sources import data_layouts

    named = _HUB.fullmatch(text)
    assert named is not None
    try:
        layout = data_layouts.repository_layout(named["name"], named["revision"])
    except HeirloomError as error:
        raise HeirloomError(f"{text}: no file, folder or reference here, and no dataset of the hub: {error}") from error
    folder = next(iter(layout.values())).folder
    resolutions = {config: one.resolution for config, one in layout.items()}
    return _sides(Side(f"{named['name']}@{folder.name[:12]}", folder), dict(_grouped(folder, resolutions)))


def _of_folder(side: Side) -> Parts:
    from heirloom.sources import data_layouts

    folder = side.path
    if (folder / SAVED_SPLITS).is_file():
        splits = sorted(read_json(folder / SAVED_SPLITS).get("splits", ()))
        return {Key("", split): locate(folder / split) for split in splits}
    files = files_below(folder)
    if (folder / _ONE_SAVED).is_file() or not files:
        return {WHOLE: side}
    try:
        layout = data_layouts.folder_layout(folder, files)
    except HeirloomError as error:
        raise HeirloomError(f"{folder}: {error}") from error
    groups = dict(_grouped(folder, layout))
    left = {name.relative_to(folder).as_posix() for name in files} - {name for names in groups.values() for name in names}
    if left:
        groups[Key("", OTHER_FILES)] = sorted(left)
    return _sides(side, groups)


def _grouped(folder: Path, layout: Mapping[str, Resolution]) -> Iterator[tuple[Key, list[str]]]:
    """Yield each part's files; where no card and no file's name tells a split, all files are one dataset."""
    from heirloom.sources import data_layouts

    for config, resolution in layout.items():
        if resolution.reader not in READERS:
            raise HeirloomError(f"{folder}: its files are {resolution.reader}; allowed are Parquet and Arrow")
        told = (
            config != DEFAULT
            or data_layouts.declares_files(folder)
            or any(_words_of(name) for names in resolution.files.values() for name in names)
        )
        found: dict[Key, list[str]] = {}
        for split, names in resolution.files.items():
            for name in names:
                own = config if config != DEFAULT else _own_folder(name)
                found.setdefault(Key(own, split) if told else WHOLE, []).append(name)
        yield from found.items()


def _own_folder(name: str) -> str:
    """Return the folders of a file that tell neither a split nor a value of Hive's kind: such a folder is a configuration."""
    folders = PurePosixPath(name).parts[:-1]
    return "/".join(part for part in folders if part != "data" and "=" not in part and not _words_of(part))


def _words_of(name: str) -> set[str]:
    from datasets.data_files import SPLIT_KEYWORDS

    words = {word for group in SPLIT_KEYWORDS.values() for word in group}
    return words & set(re.split(r"[^a-z]+", name.lower()))


def _sides(whole: Side, groups: Mapping[Key, list[str]]) -> Parts:
    """Return the dataset of each part; a single file as if it had been named itself."""
    sides: dict[Key, Side] = {}
    for key, names in groups.items():
        files = tuple(whole.path / name for name in names)
        name = f"{whole.name}:{key.label}" if key != WHOLE else whole.name
        sides[key] = replace(locate(files[0]), name=name) if len(files) == 1 else replace(whole, name=name, parts=files)
    return sides
