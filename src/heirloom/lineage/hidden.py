"""Hidden files under ``data/``: Heirloom, Snakemake and DVC leave some, and no record has them; any other is somebody's own."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

_TOOLS = frozenset({".snakemake_timestamp", ".dvcignore", ".gitignore", ".gitattributes", ".gitkeep", ".DS_Store"})
"""Names that Snakemake, DVC, git and a file manager give to files of their own."""
_TEMPORARY = re.compile(r"\.[A-Za-z0-9_-]{22}\.tmp|\.nfs[0-9a-f]+")
"""What DVC, when it is killed, and a network disk leave."""
_SCRATCH = re.compile(r"\.(.+)\.[a-z0-9_]{8}")
"""The folder in which `artefacts.files.replacing` makes a file or folder of the name in it."""
_REPLACED = "old"
"""What that calls the folder which it is about to replace."""


def of_somebody(folder: str | Path) -> Iterator[Path]:
    """Yield the hidden files below a folder that no tool has left there; a file in a hidden folder is hidden."""
    for top, subfolders, names in os.walk(folder):
        subfolders.sort()
        for name in sorted(names):
            inside = Path(top, name).relative_to(folder)
            if _is_hidden(inside) and not _is_of_a_tool(inside):
                yield Path(top, name)


def scratches(folder: str | Path) -> Iterator[Path]:
    """Yield the folders below a folder in which a command was writing, or is, with nothing else in them."""
    for top, subfolders, _ in os.walk(folder):
        found = [name for name in sorted(subfolders) if _is_scratch(Path(top, name))]
        subfolders[:] = sorted(set(subfolders) - set(found))
        yield from (Path(top, name) for name in found)


def target_of(scratch: Path) -> Path:
    """Return what a command was writing in a folder of its own."""
    match = _SCRATCH.fullmatch(scratch.name)
    assert match is not None
    return scratch.with_name(match[1])


def holds_the_last_version(scratch: Path) -> bool:
    """Return whether a kill has left what stood at the target before in the scratch folder alone."""
    return (scratch / _REPLACED).exists() and not target_of(scratch).exists()


def _is_scratch(folder: Path) -> bool:
    match = _SCRATCH.fullmatch(folder.name)
    if match is None or folder.is_symlink():
        return False
    return {file.name for file in folder.iterdir()} <= {match[1], _REPLACED, ".gitignore"}


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _is_of_a_tool(path: Path) -> bool:
    """Return whether a hidden path is a tool's own file, or lies where a killed command was writing."""
    if path.name in _TOOLS or _TEMPORARY.fullmatch(path.name):
        return True
    scratches = ((_SCRATCH.fullmatch(folder), child) for folder, child in zip(path.parts, path.parts[1:], strict=False))
    return any(scratch is not None and child in (scratch[1], _REPLACED) for scratch, child in scratches)
