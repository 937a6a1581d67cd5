"""DVC, through its command line: whether it can be used here, what it has recorded, and how it adds and commits.

Two of its file formats are read. Both are documented: the ``.dvc`` file and the directory object (a JSON list of
md5 and relpath).
"""

from __future__ import annotations

import configparser
import hashlib
import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from heirloom import credentials, records
from heirloom.artefacts.files import replacing
from heirloom.errors import HeirloomError
from heirloom.lineage import patience, pointers

STAGE = "workflow"
PIPELINE = Path("dvc.yaml")
LOCK = Path("dvc.lock")
_HIDDEN = b"# only while heirloom record runs: half-made generations\n"
_PROGRAM = "heirloom.lineage.dvc_program"
_BATCH = 4000  # targets in one command: far below the length that Linux allows


def unavailable() -> str:
    """Return why DVC cannot record here, in one line with what to do, or an empty string."""
    if importlib.util.find_spec("dvc") is None:
        return "not recorded: DVC is not installed; pip install dvc, then heirloom record"
    if not Path(".dvc/config").exists():
        return "not recorded: no .dvc/config in this folder; run heirloom in the project's top folder, or dvc init"
    folder = Path.cwd()
    has_git = any((parent / ".git").exists() for parent in (folder, *folder.parents))
    if not has_git and not _without_git():
        return "not recorded: this folder is no git repository; git init, then heirloom record"
    return ""


def is_inside(place: Path) -> bool:
    """Return whether a place lies in this folder, and DVC looks for its own files here."""
    return Path(".dvc").is_dir() and place.resolve().is_relative_to(Path.cwd().resolve())


def listing(lineage: str) -> dict[str, str] | None:
    """Return path → md5 of every file that DVC has recorded of a lineage folder.

    Returns
    -------
    None if nothing is recorded, or if the cache lacks the record (a clone without `dvc pull`): then there is nothing to add to.

    Raises
    ------
    HeirloomError
        If the pointer or the listing is damaged.
    """
    pointer = pointers.read(lineage)
    return None if pointer is None else entries(lineage, pointer.md5)


def entries(folder: str, md5: str) -> dict[str, str] | None:
    """Return path → md5 of the files in a listing of the cache, or None if the cache lacks it.

    Raises
    ------
    HeirloomError
        If the listing is not what its name says.
    """
    if not cache_path(md5).exists():
        return None
    listing = cache_path(md5).read_bytes()
    if f"{hashlib.md5(listing, usedforsecurity=False).hexdigest()}.dir" != md5:
        raise HeirloomError(f"{cache_path(md5)}: DVC's listing of {folder} is damaged; heirloom repair {folder} repairs it")
    return parse_listing(listing, folder)


def parse_listing(content: bytes, folder: str) -> dict[str, str]:
    """Return path → md5 of the files that a listing of DVC names.

    Raises
    ------
    HeirloomError
        If it is no listing.
    """
    try:
        listing = {f"{folder}/{entry['relpath']}": entry["md5"] for entry in records.json_value(content.decode())}
    except (ValueError, KeyError, TypeError):
        listing = {"": ""}
    if not all(isinstance(md5, str) and re.fullmatch("[0-9a-f]{32}", md5) for md5 in listing.values()):
        raise HeirloomError(f"DVC's listing of {folder}: no list of files and their md5; heirloom repair {folder} repairs it")
    return listing


def cache_path(md5: str) -> Path:
    """Return where the cache holds, or would hold, an object."""
    return _cache() / "files" / "md5" / md5[:2] / md5[2:]


def md5(path: Path) -> str:
    """Return the md5 that DVC gives to a small file."""
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def add(targets: Sequence[str]) -> None:
    """Record files and folders in one command. The cache then shares their bytes with the workspace, if the file system can."""
    for start in range(0, len(targets), _BATCH):
        _run("--wait-for-lock", "add", *targets[start : start + _BATCH])


@contextmanager
def hidden(folders: Sequence[str]) -> Iterator[None]:
    """Hide folders under ``data/`` from DVC while lineage folders are added, and what a killed record has hidden no longer."""
    ignore = Path("data/.dvcignore")
    content = ignore.read_bytes() if ignore.exists() else b""
    users_lines = content.partition(_HIDDEN)[0]  # a record that was killed may have left its own lines
    if folders:
        lines = "".join(f"/{Path(folder).relative_to('data').as_posix()}/\n" for folder in folders)
        _replace(ignore, users_lines + _HIDDEN + lines.encode())
    elif content != users_lines:
        _unhide(ignore, users_lines)
    try:
        yield
    finally:
        if folders:
            _unhide(ignore, users_lines)


def _unhide(ignore: Path, users_lines: bytes) -> None:
    if users_lines:
        _replace(ignore, users_lines)
    else:
        ignore.unlink()


def checkout(lineages: Sequence[str]) -> None:
    """Bring lineage folders from the cache into the workspace, as their ``.dvc`` files say.

    Raises
    ------
    HeirloomError
        If results that nobody has recorded would be lost.
    """
    for start in range(0, len(lineages), _BATCH):
        hint = "heirloom record keeps unsaved results, dvc checkout --force gives them up"
        _run("--wait-for-lock", "checkout", *lineages[start : start + _BATCH], hint=hint)


def is_cached(lineage: str) -> bool:
    """Return whether the cache holds all of a recorded lineage folder."""
    md5_of = listing(lineage)
    return md5_of is not None and all(cache_path(md5).exists() for md5 in md5_of.values())


def relink(lineages: Sequence[str]) -> None:
    """Replace files that have a copy in the cache by links. DVC refuses to touch what it has not recorded."""
    if lineages:
        _run("--wait-for-lock", "checkout", "--relink", *lineages)


def pull(targets: Sequence[str]) -> None:
    """Bring files or folders that DVC has recorded from the default remote, those inside a recorded folder too.

    Raises
    ------
    HeirloomError
        If DVC refuses, or the remote lacks them or never answers.
    """
    _ask("pull", "--quiet", *targets, hint="dvc push them from where they are")


def get(path: str, commit: str, place: Path) -> None:
    """Bring a recorded file or folder of a commit from the cache or a remote.

    Raises
    ------
    HeirloomError
        If neither has it, or the remote never answers. The message names the command that fetches it.
    """
    with replacing(place) as temporary:
        try:
            _ask("get", ".", path, "--rev", commit, "--out", str(temporary), hint="dvc remote list shows where it was looked for")
        except patience.SilenceError as error:
            raise HeirloomError(f"{path} of commit {commit[:10]} is not in DVC's cache, and {error}") from None
        except HeirloomError as error:
            fault = f"{path} of commit {commit[:10]} is neither in DVC's cache nor on its default remote"
            raise HeirloomError(f"{fault}; dvc fetch --all-commits brings what another remote holds ({error})") from None


def commit() -> None:
    """Record that the results are those of the workflow, with its code and config as they are.

    Raises
    ------
    HeirloomError
        If the lock file or the pipeline file is damaged, or DVC refuses.
    """
    if LOCK.exists():
        _stages(LOCK)
    _run("--wait-for-lock", "commit", "-f", STAGE)


def pipeline_files() -> list[Path]:
    """Return the files that decide whether the stage `workflow` is up to date, the lock file included.

    Raises
    ------
    HeirloomError
        If ``dvc.yaml`` is damaged, or has no such stage.
    """
    stage = _stages(PIPELINE).get(STAGE)
    if stage is None:
        raise HeirloomError(f"{PIPELINE}: has no stage {STAGE}, by which DVC knows the run; git checkout -- {PIPELINE} repairs it")
    lists = [stage.get(key) or [] for key in ("deps", "params", "metrics")]
    if not all(isinstance(entries, list) for entries in lists):
        raise HeirloomError(f"{PIPELINE}: damaged, deps, params and metrics of {STAGE} are no lists; git checkout -- {PIPELINE} repairs it")
    names = [next(iter(entry), "") if isinstance(entry, dict) else str(entry) for entries in lists for entry in entries]
    files = {PIPELINE, LOCK}
    for path in map(Path, filter(None, names)):
        candidates = path.rglob("*") if path.is_dir() else [path]
        files |= {file for file in candidates if "__pycache__" not in file.parts and ".egg-info" not in str(file)}
    return sorted(file for file in files if file.is_file())


def _stages(file: Path) -> dict[str, dict[str, Any]]:
    """Return the stages that ``dvc.yaml`` or ``dvc.lock`` names."""
    way_back = f"git checkout -- {file} repairs it"
    content = records.yaml_strings(file.read_bytes(), file, way_back)
    stages = content.get("stages") if isinstance(content, dict) else None
    if not isinstance(stages, dict) or not all(isinstance(stage, dict) for stage in stages.values()):
        raise HeirloomError(f"{file}: damaged, it holds no stages; {way_back}")
    return stages


def settings() -> configparser.RawConfigParser:
    """Return DVC's settings of this project.

    Raises
    ------
    HeirloomError
        If a settings file cannot be read.
    """
    parser = configparser.RawConfigParser()
    for file in (Path(".dvc/config"), Path(".dvc/config.local")):
        way_back = f"git checkout -- {file} repairs it" if file.name == "config" else "dvc remote modify --local writes it again"
        if not file.is_file():
            continue
        text = records.text(file.read_bytes(), file, way_back)
        try:
            parser.read_string(text)
        except configparser.Error as error:
            raise HeirloomError(f"{file}: damaged ({credentials.first_line(error)}); {way_back}") from None
    return parser


def _replace(file: Path, content: bytes) -> None:
    with replacing(file) as temporary:
        temporary.write_bytes(content)


@cache
def _cache() -> Path:
    return Path(_run("cache", "dir").strip())


def _without_git() -> bool:
    """Return whether the user has told DVC to do without git (`dvc init --no-scm`)."""
    return settings().get("core", "no_scm", fallback="").lower() == "true"


def _run(*arguments: str, hint: str = "the data are safe, try heirloom record again") -> str:
    """Return what a command of DVC prints that asks no remote."""
    process = subprocess.run(_command(arguments), capture_output=True, text=True, errors="backslashreplace", check=False)
    return _output(process, arguments, hint)


def _ask(*arguments: str, hint: str) -> str:
    """Return what a command of DVC prints that asks a remote, which may never answer."""
    return _output(patience.run(_command(arguments)), arguments, hint)


def _command(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-P", "-m", _PROGRAM, *arguments]


def _output(process: subprocess.CompletedProcess[str], arguments: Sequence[str], hint: str) -> str:
    if process.returncode:
        lines = [line.strip() for line in credentials.hidden(process.stderr).splitlines() if line.strip()]
        errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
        reason = " ".join(errors or lines[-3:]) or f"exit status {process.returncode}"
        raise HeirloomError(f"dvc {' '.join(arguments[:3])} …: {reason}; {hint}")
    return process.stdout
