"""Fingerprints and manifests: the two small files beside every artefact.

The *fingerprint* (``<name>.fingerprint.json``) holds the content hash and the size and nothing else: later steps depend
on it alone. The *manifest* (``<name>.manifest.json``) says how the artefact was made: step, config slice, seed, inputs by role,
code, libraries and threads. Neither holds a date, a host, an absolute path or a commit, so both are byte-equal on a rerun.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from heirloom import paths
from heirloom.errors import HeirloomError

SCHEMA_VERSION = 1
_BLOCK = 1 << 20
_IGNORED = frozenset({".snakemake_timestamp"})  # Snakemake drops it into folders after the job


def dumps(content: Any) -> str:
    """Return the one JSON spelling used on disk: sorted keys, two spaces, a newline at the end, no NaN."""
    return json.dumps(content, indent=2, sort_keys=True, allow_nan=False) + "\n"


def sha256_file(path: Path) -> str:
    """Return the sha256 of a file's bytes, read block by block."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def sha256_folder(files: Mapping[str, str]) -> str:
    """Return the sha256 of a folder, given the path inside it and the sha256 of each of its files."""
    lines = (f"{name}\t{sha256}\n" for name, sha256 in sorted(files.items(), key=lambda item: Path(item[0]).parts))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def fingerprint(path: Path) -> dict[str, Any]:
    """Return the fingerprint of a file or folder.

    Of a file, sha256 over its bytes; of a folder, sha256 over its sorted (relative path, sha256) lines.

    Returns
    -------
    ``{"schema_version": 1, "sha256": hex, "size": bytes}``
    """
    if path.is_file():
        return {"schema_version": SCHEMA_VERSION, "sha256": sha256_file(path), "size": path.stat().st_size}
    files = [p for p in path.rglob("*") if p.is_file() and p.name not in _IGNORED]
    return {
        "schema_version": SCHEMA_VERSION,
        "sha256": sha256_folder({file.relative_to(path).as_posix(): sha256_file(file) for file in files}),
        "size": sum(file.stat().st_size for file in files),
    }


def read_json(path: str | Path) -> dict[str, Any]:
    """Return a small JSON file's object, refusing one that a newer Heirloom wrote.

    Raises
    ------
    HeirloomError
        If the file is missing, is no JSON object, or has a newer ``schema_version``.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise HeirloomError(f"{path}: missing; run snakemake, or fetch it with dvc pull") from None
    except ValueError as error:
        raise HeirloomError(f"{path}: not valid JSON ({error})") from None
    if not isinstance(content, dict):
        raise HeirloomError(f"{path}: expected a JSON object")
    version = content.get("schema_version", SCHEMA_VERSION)
    if version > SCHEMA_VERSION:
        raise HeirloomError(f"{path}: schema_version {version} is newer than {SCHEMA_VERSION}, the newest this Heirloom reads")
    return content


def recorded_sha256(artefact: str | Path) -> str:
    """Return the fingerprint that was written beside an artefact, without reading the artefact."""
    return str(read_json(paths.fingerprint(artefact))["sha256"])


def check(artefact: str | Path) -> None:
    """Raise unless an artefact, its fingerprint and its manifest agree: nothing is built on what nobody can account for.

    Raises
    ------
    HeirloomError
        If one of the three is missing, or does not match; the message names the file.
    """
    noted, manifest_file = paths.fingerprint(artefact), paths.manifest(artefact)
    printed, told = read_json(noted), read_json(manifest_file)
    mend = f"dvc checkout --force {artefact} brings it back, or delete it and {noted} and run snakemake"
    if told.get("sha256") != printed.get("sha256"):
        raise HeirloomError(f"{manifest_file}: tells of other bytes than {noted}; {mend}")
    if not Path(artefact).exists():
        raise HeirloomError(f"{artefact}: missing; {mend}")
    if fingerprint(Path(artefact)) != printed:
        raise HeirloomError(f"{artefact}: not the bytes that {noted} tells of; {mend}")


def write_text(path: str | Path, text: str) -> None:
    """Write a file under a temporary name and rename it: never half-written, never through a link into DVC's cache."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path (file or folder, to be made by the caller) that takes the place of ``path`` on success.

    On an error the temporary is removed and what stood at ``path`` stays as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    temporary = scratch / path.name
    try:
        yield temporary
        if path.is_dir() and not path.is_symlink():
            path.replace(scratch / "old")  # a folder cannot be renamed over a full one
        temporary.replace(path)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def seal(artefacts: Sequence[str | Path], made_by: Mapping[str, Any]) -> None:
    """Write the manifest and then, last of all, the fingerprint of each artefact.

    Parameters
    ----------
    artefacts
        Files or folders that a step has just made.
    made_by
        What the manifest says of the step: step, slice, inputs, code, environment.
    """
    for artefact in artefacts:
        printed = fingerprint(Path(artefact))
        content = {**made_by, "schema_version": SCHEMA_VERSION, "sha256": printed["sha256"], "size": printed["size"]}
        write_text(paths.manifest(artefact), dumps(content))
        write_text(paths.fingerprint(artefact), dumps(printed))
