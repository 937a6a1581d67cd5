"""What `git diff` shows of a recorded lineage: which files of the folder changed, and of each dataset which rows.

Git calls an external diff with the path and two versions of the ``.dvc`` file; the listings and the data come out of DVC's cache,
so nothing is checked out. Two lines set it up, see docs/diff.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import chdir
from pathlib import Path

from heirloom import credentials
from heirloom.artefacts import paths
from heirloom.diffs import columns, rows, verdict
from heirloom.diffs.common import common
from heirloom.diffs.render.blocks import safe
from heirloom.diffs.sides import Side
from heirloom.errors import HeirloomError
from heirloom.lineage import dvc, pointers
from heirloom.lineage.artefact import Artefact
from heirloom.lineage.project import Project

MAX_DATASETS = 10
"""Datasets of one folder whose rows are compared: `git diff` must answer soon."""


def answer(arguments: Sequence[str]) -> str:
    """Return the lines for what git gives its external diff, also where nothing can be compared: the line then says why.

    Parameters
    ----------
    arguments
        Path, old file, its hash and mode, new file, its hash and mode; after a rename also the new path and what git thinks of
        it; of an unmerged file the path alone. Git calls from the top folder of its repository, and gives the path inside that.
    """
    path, *versions = arguments
    if not versions:
        return f"{safe(path)}: a merge has left it in conflict; git checkout --ours or --theirs takes one side of it\n"
    old, new = (Path(versions[place]).absolute() for place in (0, 3))
    project = _project(path)
    if project is None:
        return f"{safe(path)}: changed; no DVC project holds it in this checkout, so its rows cannot be compared\n"
    try:
        with chdir(project):
            return summary(Path(path).relative_to(project).as_posix(), old, new)
    except HeirloomError as error:
        return f"{safe(path)}: changed; {safe(str(error))}\n"
    except Exception as error:  # noqa: BLE001, git stops all of its output where its driver fails
        return f"{safe(path)}: changed; it cannot be compared ({safe(credentials.first_line(error))})\n"


def summary(path: str, old: Path, new: Path) -> str:
    """Return a few lines on what changed between two versions of a ``.dvc`` file.

    Parameters
    ----------
    path
        The file's path in the repository.
    old, new
        The two versions; an empty file where there was none.
    """
    before, after = _files(path, old), _files(path, new)
    if before is None or after is None:
        return f"{safe(path)}: another version, and DVC's cache lacks its listing; dvc fetch {safe(path)} brings it\n"
    changed = sorted(name for name in before.keys() & after.keys() if before[name] != after[name])
    came, left = len(after.keys() - before.keys()), len(before.keys() - after.keys())
    lines = [f"{path.removesuffix('.dvc')}: {len(changed)} files changed, {came} added, {left} removed"]
    datasets = [name for name in changed if name.endswith(".parquet")]
    lines += [f"  {name}: {_rows(name, before, after)}" for name in datasets[:MAX_DATASETS]]
    if len(datasets) > MAX_DATASETS:
        lines.append(f"  … and {len(datasets) - MAX_DATASETS} more datasets")
    return "".join(f"{line}\n" for line in map(safe, lines))


def _project(path: str) -> Path | None:
    """Return the nearest folder above a path that is a DVC project; None if there is none."""
    return next((folder for folder in Path(path).parents if (folder / ".dvc").is_dir()), None)


def _rows(name: str, before: Mapping[str, str], after: Mapping[str, str]) -> str:
    caches = dvc.cache_path(before[name]), dvc.cache_path(after[name])
    if not all(cached.is_file() for cached in caches):
        return "changed; not in DVC's cache"
    damaged = [cached for md5, cached in zip((before[name], after[name]), caches, strict=True) if dvc.md5(cached) != md5]
    if damaged:
        return f"changed; {damaged[0]} in DVC's cache is damaged, so its rows cannot be compared"
    try:
        a, b = (_side(cached, name, listed) for cached, listed in zip(caches, (before, after), strict=True))
        shared = common(a, b)
        tables = rows.read(a, shared), rows.read(b, shared)
    except HeirloomError as error:
        return f"changed; {error}"
    matched = rows.match(*tables, same_prompts=True, by_place=not shared.data)
    removed, added = matched.open
    counts = f"{matched.kept_a.sum():,} rows kept, {len(matched.edited[0]):,} edited, {len(removed):,} removed, {len(added):,} added"
    return counts + verdict.told(columns.compare(columns.Pairing(a, b, shared, *tables, matched), examples=0))


def _side(cached: Path, name: str, listed: Mapping[str, str]) -> Side:
    """Return a dataset of a folder out of DVC's cache; Heirloom wrote it if the folder has its manifest."""
    artefact = Artefact(Project(), name, {}, ()) if paths.manifest(name) in listed else None
    return Side(str(cached), cached, artefact)


def _files(path: str, version: Path) -> Mapping[str, str] | None:
    """Return relative name → md5 of what a version of a ``.dvc`` file stands for; None if the cache lacks the listing."""
    found: dict[str, str] = {}
    for name, md5 in pointers.outputs(version.read_bytes(), path).items():
        listed = dvc.entries("", md5) if md5.endswith(".dir") else {name: md5}
        if listed is None:
            return None
        found |= {inside.removeprefix("/"): value for inside, value in listed.items()}
    return found
