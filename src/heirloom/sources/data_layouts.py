"""How `datasets` lays a dataset out: configurations and splits of a folder or a repository of the hub, and the files of each."""

from __future__ import annotations

import dataclasses
import glob
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from heirloom.errors import HeirloomError
from heirloom.sources import faults, hub_repository

CARDS = ("README.md", ".huggingface.yaml", "dataset_infos.json")
"""Files beside the data that may say which files are read."""

_CONFIGS = re.compile(r"^\s*configs:", re.MULTILINE)
_BUILT_IN = frozenset({"name", "version", "data_dir", "data_files", "description"})


class Resolution(NamedTuple):
    """What `datasets` makes of a folder or repository.

    Parameters
    ----------
    reader
        The reader of the files' format, such as ``parquet``.
    options
        What a dataset card says of how to read them.
    files
        The dataset's own split → its files, relative to the folder.
    """

    reader: str
    options: dict[str, Any]
    files: dict[str, list[str]]


class Dataset(NamedTuple):
    """A dataset whose files are on this machine."""

    name: str
    folder: Path
    resolution: Resolution


def folder_layout(folder: Path, files: Sequence[Path]) -> dict[str, Resolution]:
    """Return what a local folder holds, by the name of the configuration; ``default`` where no card names one.

    Parameters
    ----------
    files
        Those whose names tell the splits where no card does: others beside them, such as notes in JSON, are left out of account.

    Raises
    ------
    HeirloomError
        If `datasets` cannot tell.
    """
    import datasets

    with _in_one_line("datasets cannot tell what it holds"), tempfile.TemporaryDirectory() as names_alone:
        if declares_files(folder):
            return {config: resolve(folder, config) for config in datasets.get_dataset_config_names(str(folder))}
        for file in files:
            place = Path(names_alone) / file.relative_to(folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        return {"default": resolve(names_alone, None)}


def repository_layout(name: str, revision: str | None) -> dict[str, Dataset]:
    """Return the datasets of a repository of the hub, fetched, by the name of the configuration.

    Raises
    ------
    HeirloomError
        If they cannot be had.
    """
    import datasets

    with _in_one_line("it cannot be had"):
        commit = hub_repository.commit_of(name, "dataset", revision)
        folder = hub_repository.cached_snapshot(name, "dataset", commit)
        try:
            configs = datasets.get_dataset_config_names(name, revision=commit)
        except Exception:  # the hub gives no answer: what its cache holds of the commit is resolved as a folder
            if folder is None:
                raise
            configs = datasets.get_dataset_config_names(str(folder))
        return {config: fetch_dataset(name, config, commit) for config in configs}


def declares_files(folder: Path) -> bool:
    """Return whether a card in a folder says which files are data."""
    cards = (folder / card for card in CARDS if has_metadata(folder / card))
    texts = (card.read_text(encoding="utf-8", errors="replace") for card in cards)
    return any(_CONFIGS.search(text) for text in texts)


def quieten() -> None:
    """Keep `datasets` from printing bars, and words of its own about what a message says in a line."""
    from datasets.utils import logging

    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()


def resolve(place: Path | str, config: str | None, commit: str | None = None) -> Resolution:
    """Return what `datasets` makes of a folder, or of a repository at a commit; its own errors are not caught."""
    import datasets

    quieten()
    if Path(place, "state.json").is_file() or Path(place, "dataset_dict.json").is_file():
        raise ValueError("it was written by save_to_disk; write Parquet files with to_parquet")
    with tempfile.TemporaryDirectory() as cache:
        builder = datasets.load_dataset_builder(str(place), config, revision=commit, cache_dir=cache)
    root = f"@{commit}/" if commit else f"{Path(place).resolve().as_posix()}/"
    files = {}
    for split, paths in builder.config.data_files.items():
        files[str(split)] = [path.rpartition(root)[2] for path in paths]
    declared = {field.name: getattr(builder.config, field.name) for field in dataclasses.fields(builder.config)}
    defaults = type(builder.config)()
    options = {name: value for name, value in declared.items() if name not in _BUILT_IN and value != getattr(defaults, name)}
    if builder.info.features is not None:
        options["features"] = builder.info.features
    reader = type(builder).__module__.rsplit(".", 1)[-1]
    return Resolution(reader, options, files)


@lru_cache(maxsize=2)
def fetch_dataset(name: str, config: str | None, commit: str) -> Dataset:
    """Return a dataset of the hub at a commit, its files brought to this machine; errors of `datasets` are not caught."""
    try:
        resolution = resolve(name, config, commit)
    except Exception:  # the hub gives no answer: what its cache holds of the commit is resolved as a folder
        folder = hub_repository.cached_snapshot(name, "dataset", commit)
        if folder is None:
            raise
        return Dataset(name, folder, resolve(folder, config))
    names = [glob.escape(file) for files in resolution.files.values() for file in files]
    return Dataset(name, hub_repository.snapshot(name, "dataset", commit, names), resolution)


def has_metadata(card: Path) -> bool:
    """Return whether a card holds more than words: only its front matter says what the data are."""
    if not card.is_file():
        return False
    return card.suffix != ".md" or card.read_text(encoding="utf-8", errors="replace").startswith("---")


@contextmanager
def _in_one_line(what: str) -> Iterator[None]:
    import yaml
    from datasets.exceptions import DatasetsError
    from datasets.utils import logging
    from huggingface_hub.utils import logging as hub_logging

    logging.set_verbosity(logging.CRITICAL)  # their lines and bars do not stand beside an answer
    logging.disable_progress_bar()
    hub_logging.set_verbosity(logging.CRITICAL)
    try:
        yield
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RuntimeError, yaml.YAMLError, DatasetsError) as error:
        raise HeirloomError(f"{what}: {faults.cause(error)}") from error
