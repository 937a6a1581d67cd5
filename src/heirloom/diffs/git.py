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
from heirloom.diffs import columns, pairing, rows, verdict
from heirloom.diffs.common import common
from heirloom.diffs.render.blocks import safe
from heirloom.diffs.sides import Side
from heirloom.errors import HeirloomError
from heirloom.lineage import dvc, pointers
from heirloom.lineage.artefact import Artefact
from heirloom.lineage.project import Project
from heirloom.numerals import counted, num_rows

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
    old_file, new_file = Path(versions[0]).absolute(), Path(versions[3]).absolute()
    project = _project(path)
    if project is None:
        return f"{safe(path)}: changed; no DVC project holds it in this checkout, so its rows cannot be compared\n"
    try:
        with chdir(project):
            return summary(Path(path).relative_to(project).as_posix(), old_file, new_file)
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
    old_files, new_files = _files(path, old), _files(path, new)
    if old_files is None or new_files is None:
        return f"{safe(path)}: another version, and DVC's cache lacks its listing; dvc fetch {safe(path)} brings it\n"
    shared_names = old_files.keys() & new_files.keys()
    changed = sorted(name for name in shared_names if old_files[name] != new_files[name])
    num_added, num_removed = len(new_files.keys() - shared_names), len(old_files.keys() - shared_names)
    lines = [f"{path.removesuffix('.dvc')}: {counted(len(changed), 'file')} changed, {num_added} added, {num_removed} removed"]
    datasets = [name for name in changed if name.endswith(".parquet")]
    lines += [f"  {name}: {_rows(name, old_files, new_files)}" for name in datasets[:MAX_DATASETS]]
    if len(datasets) > MAX_DATASETS:
        lines.append(f"  … and {len(datasets) - MAX_DATASETS} more datasets")
    return "".join(f"{line}\n" for line in map(safe, lines))


def _project(path: str) -> Path | None:
    """Return the nearest folder above a path that is a DVC project; None if there is none."""
    return next((folder for folder in Path(path).parents if (folder / ".dvc").is_dir()), None)


def _rows(name: str, old_files: Mapping[str, str], new_files: Mapping[str, str]) -> str:
    old_md5, new_md5 = old_files[name], new_files[name]
    old_cache, new_cache = dvc.cache_path(old_md5), dvc.cache_path(new_md5)
    if not (old_cache.is_file() and new_cache.is_file()):
        return "changed; not in DVC's cache"
    for md5, cache in ((old_md5, old_cache), (new_md5, new_cache)):
        if dvc.md5(cache) != md5:
            return f"changed; {cache} in DVC's cache is damaged, so its rows cannot be compared"
    try:
        a, b = _side(old_cache, name, old_files), _side(new_cache, name, new_files)
        shared = common(a, b)
        tables = rows.read(a, shared), rows.read(b, shared)
    except HeirloomError as error:
        return f"changed; {error}"
    matching = rows.match(*tables, same_prompts=True, by_place=not shared.data)
    removed, added = matching.unmatched
    num_edited, num_rewritten = len(matching.edited[0]), len(matching.rewritten[0])
    changed = f"{num_rewritten:,} rewritten" if num_rewritten else f"{num_edited:,} edited"
    counts = f"{num_rows(int(matching.kept_a.sum()))} kept, {changed}, {len(removed):,} removed, {len(added):,} added"
    unlike_columns = columns.compare(pairing.Pairing(a, b, shared, *tables, matching, tolerance=0.0), examples=0)
    return counts + verdict.column_clauses(unlike_columns)


def _side(cache: Path, name: str, files: Mapping[str, str]) -> Side:
    """Return a dataset of a folder out of DVC's cache; Heirloom wrote it if the folder has its manifest."""
    artefact = Artefact(Project(), name, {}, ()) if paths.manifest(name) in files else None
    return Side(str(cache), cache, artefact)


def _files(path: str, version: Path) -> Mapping[str, str] | None:
    """Return relative name → md5 of what a version of a ``.dvc`` file stands for; None if the cache lacks the listing."""
    md5_of: dict[str, str] = {}
    for output, output_md5 in pointers.outputs(version.read_bytes(), path).items():
        entries = dvc.entries("", output_md5) if output_md5.endswith(".dir") else {output: output_md5}
        if entries is None:
            return None
        md5_of |= {name.removeprefix("/"): md5 for name, md5 in entries.items()}
    return md5_of
