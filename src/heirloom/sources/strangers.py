"""Files that Heirloom did not write, and no installed package has: the parts of commands that open them run in a child process.

An installed package is code that its user runs already; the sampled Wikipedia, the packaged digits and packaged models are such files.
"""

from __future__ import annotations

import glob
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from heirloom import globs
from heirloom.runtime import child
from heirloom.specs.vector_source import MnistSource

_KEYS = ("paths", "path", "dataset")
_PACKAGED_DIGITS = MnistSource.model_fields["dataset"].default
_GROWTH_OF_SOURCE, _GROWTH_OF_MODEL = 4, 40
"""Bytes of memory granted for each byte of a file: text becomes Python's, and two bits of a quantised weight become float32, twice."""


def guarded(work: Callable[[], Any], sources: Iterable[Any], models: Iterable[Any] = ()) -> Any:
    """Return what a function returns: called in a child where files of others are read, else here.

    Parameters
    ----------
    work
        Returns what JSON can spell.
    sources, models
        Settings of what it reads, as models of the config or as the mappings of a slice.

    Raises
    ------
    HeirloomError
        As the function, or as `child.in_child`.
    """
    grant = granted(sources, models)
    if grant is None:
        return work()
    if not sys.stderr.isatty():
        os.environ["TQDM_DISABLE"] = "1"  # libraries' bars are for terminals, not for logs
    return child.in_child(lambda: _without_warnings(work), *grant)


def granted(sources: Iterable[Any], models: Iterable[Any] = ()) -> tuple[child.Limits, str] | None:
    """Return what a child that reads files of others may take, and the first of them; None where there are none.

    Raises
    ------
    HeirloomError
        If a glob or a folder has more places than may be visited, or leads in a circle.
    """
    of_sources = [place for settings in sources for place in places(settings)]
    of_models = [place for settings in models for place in places(settings)]
    if not of_sources and not of_models:
        return None
    growth = _GROWTH_OF_MODEL if of_models else _GROWTH_OF_SOURCE
    return child.limits(_files([*of_sources, *of_models]), growth), (of_sources or of_models)[0]


def _without_warnings(work: Callable[[], Any]) -> Any:
    """Return what a function returns, and show nothing of what libraries warn of: what is wrong with a file is said in a line."""
    with warnings.catch_warnings(action="ignore"):
        return work()


def places(settings: Any) -> Iterator[str]:
    """Yield the paths, globs, folders and hub ids that settings of a source or model name, but those of packages."""
    fields = dict(settings) if isinstance(settings, BaseModel | Mapping) else {}
    if fields.get("package") is not None or fields.get("dataset") == _PACKAGED_DIGITS:
        return
    for key, value in fields.items():
        named = value if key in _KEYS or (key == "text" and not isinstance(value, str | Mapping | BaseModel)) else None
        if isinstance(named, BaseModel | Mapping):  # a list for each split
            yield from (place for several in dict(named).values() for place in several)
        elif isinstance(named, str):
            yield named
        elif named is not None:
            yield from named
        else:
            yield from places(value)


def _files(named: Iterable[str]) -> Iterator[Path]:
    """Yield the files of this machine that paths, globs and folders stand for."""
    for place in named:
        globs.check_extent(place, "config")
        for path in glob.glob(place, recursive=True):  # noqa: PTH207  Path.glob refuses absolute patterns
            if Path(path).is_dir():
                globs.check_folder(Path(path), "config")
            for folder, _, names in os.walk(path):
                yield from (Path(folder, name) for name in names)
            yield Path(path)
