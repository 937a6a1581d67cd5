"""Installed packages that bring families, measures and judges: found by their entry points, read only when a name asks for them.

The metadata of installed packages takes tens of milliseconds to read, and nothing here is called for what Heirloom has itself.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from heirloom.errors import HeirloomError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.metadata import EntryPoint

Group = Literal["heirloom.families", "heirloom.measures", "heirloom.judges"]
FAMILIES: Group = "heirloom.families"
MEASURES: Group = "heirloom.measures"
JUDGES: Group = "heirloom.judges"

_COMPILED = "__pycache__"


class Facts(NamedTuple):
    """What a package is: its name and version, and its files by their names below the folder that it is installed in."""

    name: str
    version: str
    files: dict[str, Path]


def _points(group: Group) -> Sequence[EntryPoint]:
    from importlib import metadata

    return list(metadata.entry_points(group=group))


def names(group: Group) -> list[str]:
    """Return the names that installed packages offer in a group, sorted."""
    return sorted({point.name for point in _points(group)})


def is_offered(group: Group, name: str) -> bool:
    """Return whether an installed package offers a name."""
    return name in names(group)


def find(group: Group, name: str) -> EntryPoint:
    """Return the entry point of a name.

    Raises
    ------
    HeirloomError
        If no package offers it, or several do.
    """
    points = [point for point in _points(group) if point.name == name]
    if not points:
        installed = ", ".join(names(group)) or "none"
        raise HeirloomError(f"no installed package offers {name!r} under {group} (installed: {installed})")
    packages = sorted({_package(point) for point in points})
    if len(packages) > 1:
        raise HeirloomError(f"the packages {' and '.join(packages)} both offer {name!r} under {group}; uninstall one of them")
    return points[0]


def load(group: Group, name: str) -> Any:
    """Return what an entry point names, imported.

    Raises
    ------
    HeirloomError
        If it is not to be had, or its package cannot be imported.
    """
    point = find(group, name)
    try:
        return point.load()
    except Exception as error:  # noqa: BLE001 (whatever the package's own code raises)
        fault = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise HeirloomError(f"package {_package(point)}: {name!r} ({point.value}) cannot be imported: {fault}") from None


def facts(group: Group, name: str) -> Facts:
    """Return what the package of an entry point is.

    Raises
    ------
    HeirloomError
        If it is not to be had, or its files cannot be found.
    """
    point = find(group, name)
    top = point.module.partition(".")[0]
    spec = importlib.util.find_spec(top)
    if spec is None or (spec.origin is None and not spec.submodule_search_locations):
        raise HeirloomError(f"package {_package(point)}: {name!r} ({point.value}): there is no module {top}")
    version = point.dist.version if point.dist else ""
    return Facts(_package(point), version, _files(top, spec.origin, spec.submodule_search_locations))


def offers(package: str) -> list[EntryPoint]:
    """Return the entry points of an installed package that are Heirloom's.

    Raises
    ------
    HeirloomError
        If there is no such package.
    """
    from importlib import metadata

    try:
        points = metadata.distribution(package).entry_points
    except (ModuleNotFoundError, ValueError):  # PackageNotFoundError, an empty name
        raise HeirloomError(f"{package!r}: no such file or folder, and no package of this name is installed") from None
    return [point for group in (FAMILIES, MEASURES, JUDGES) for point in points.select(group=group)]


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.module.partition(".")[0]


def _files(top: str, origin: str | None, folders: list[str] | None) -> dict[str, Path]:
    """Return the files of a module or of a package's folders, compiled ones left out."""
    if not folders:
        file = Path(origin or "")
        return {file.name: file}
    places: dict[str, Path] = {}
    for folder in map(Path, folders):
        files = sorted(file for file in folder.rglob("*") if file.is_file() and _COMPILED not in file.parts)
        places |= {f"{top}/{file.relative_to(folder).as_posix()}": file for file in files}
    return places
