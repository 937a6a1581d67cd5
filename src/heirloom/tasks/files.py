"""The files of tasks: a folder of YAML, functions and data, of which every file is hashed and nothing else is read.

lm-evaluation-harness finds a task by its name in a YAML file, and a task's rows by the name of a data set. Here that is one of the formats
of local files (`FORMATS`), with files of the same folder, so that a score depends on recorded bytes alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from heirloom import globs
from heirloom.errors import HeirloomError, first_of
from heirloom.sources.input_files import TASK_FILE, SourceFile, check_content, local_file
from heirloom.specs.tasks import Tasks

FORMATS = ("arrow", "csv", "json", "parquet", "text")
"""Names by which `datasets` reads local files."""
MODULE = "lm_eval"
_PYTHON_CACHE = "__pycache__"


class _Loader(yaml.SafeLoader):
    """A reader of task files, in which ``!function FILE.NAME`` is a text."""


_Loader.add_constructor("!function", lambda loader, node: loader.construct_scalar(node))  # type: ignore[arg-type]


def check(tasks: Tasks) -> None:
    """Refuse tasks that could not be put to a model.

    Raises
    ------
    HeirloomError
        If the harness is not installed, or as `check_folder` does.
    """
    if not _is_installed():
        raise HeirloomError("tasks: lm-evaluation-harness is not installed; it is the extra `eval`: pip install '.[eval]'")
    check_folder(tasks)


def check_folder(tasks: Tasks) -> None:
    """Refuse a folder that does not hold all that the tasks need.

    Raises
    ------
    HeirloomError
        If the folder is missing, a task file is no YAML or names data outside of the folder, or a name is none of the folder's.
    """
    if not Path(tasks.folder).is_dir():
        raise HeirloomError(f"tasks.folder: {tasks.folder!r} is no folder")
    names: set[str] = set()
    for file in _task_files(tasks.folder):
        declaration = _declaration(file)
        _check_data(file, declaration, tasks.folder)
        names |= _names(declaration)
    for key, entries in (("names", tasks.names), ("benchmarks", sorted(tasks.benchmarks))):
        unknown_names = [name for name in entries if name not in names]
        if unknown_names:
            has = f"it has {first_of(sorted(names))}" if names else "it has none"
            raise HeirloomError(f"tasks.{key}: {unknown_names[0]!r} is no task, group or tag of {tasks.folder}; {has}")


def task_files(tasks: Tasks) -> list[SourceFile]:
    """Return every file of the folder, hidden ones and what Python compiles left out, in the order of their paths.

    Raises
    ------
    HeirloomError
        If there is none, or one stands for content that is not here.
    """
    globs.check_folder(Path(tasks.folder), "tasks.folder")
    files = [file for file in sorted(Path(tasks.folder).rglob("*")) if file.is_file() and not _is_hidden(file.relative_to(tasks.folder))]
    if not files:
        raise HeirloomError(f"tasks.folder: {tasks.folder!r} has no files")
    for file in files:
        check_content(file)
    return [local_file(TASK_FILE, file) for file in files]


@cache
def _is_installed() -> bool:
    return find_spec(MODULE) is not None


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") or part == _PYTHON_CACHE for part in path.parts)


def _task_files(folder: str) -> Iterator[Path]:
    globs.check_folder(Path(folder), "tasks.folder")
    for file in sorted(Path(folder).rglob("*.yaml")):
        globs.check_kind(file)
        if not _is_hidden(file.relative_to(folder)):
            yield file


def _declaration(file: Path) -> Mapping[str, Any]:
    """Return what a task file says."""
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506  a SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise HeirloomError(f"{file}: no YAML ({str(error).splitlines()[0]})") from None
    if not isinstance(content, dict):
        raise HeirloomError(f"{file}: a task file is a mapping")
    return content


def _names(declaration: Mapping[str, Any]) -> set[str]:
    """Return what a task file can be asked for by: its task or group, and its tags."""
    tags = declaration.get("tag") or []
    name = declaration.get("group") or declaration.get("task")
    all_names = [name, *([tags] if isinstance(tags, str) else tags)]
    return {one for one in all_names if isinstance(one, str)}


def _check_data(file: Path, declaration: Mapping[str, Any], folder: str) -> None:
    """Refuse a task file whose rows or includes do not lie in the folder."""
    path = declaration.get("dataset_path")
    if path is not None and path not in FORMATS:
        raise HeirloomError(f"{file}: dataset_path is {path!r}; allowed are {', '.join(FORMATS)}, with data_files in {folder}")
    settings = declaration.get("dataset_kwargs") or {}
    includes = declaration.get("include") or []
    data_files = [("dataset_kwargs.data_files", name) for name in _leaves(settings.get("data_files"))]
    included_files = [("include", str(file.parent / name)) for name in _leaves(includes)]
    for key, name in (*data_files, *included_files):
        if not Path(name).is_file():
            raise HeirloomError(f"{file}: {key} names {name!r}, which is no file; paths of data begin where snakemake runs")
        if not Path(os.path.realpath(name)).is_relative_to(os.path.realpath(folder)):
            raise HeirloomError(f"{file}: {key} names {name!r}; it must lie in {folder}, whose files are hashed")


def _leaves(value: Any) -> Iterator[str]:
    """Yield the texts of a text, of a list, or of a mapping's values."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
