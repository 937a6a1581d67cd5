"""Fingerprints and manifests: the two small files beside every artefact.

The *fingerprint* (``<name>.fingerprint.json``) holds the content hash and the size and nothing else: later steps depend
on it alone. The *manifest* (``<name>.manifest.json``) says where the artefact belongs and how it was made: path, step, config slice,
seed, each input by role, path and hash, code, libraries and threads. Neither holds a date, a host, an absolute path of this machine or
a commit of the project, so both are byte-equal on a rerun.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from heirloom import paths, records
from heirloom.errors import HeirloomError

SCHEMA_VERSION = 2
"""The newest layout that is read; manifests are written in it. The layout of a fingerprint is still the first."""
_FINGERPRINT_VERSION = 1
_BLOCK = 1 << 20
_IGNORED = frozenset({".snakemake_timestamp"})  # Snakemake drops it into folders after the job


class Input(NamedTuple):
    """One input of a job.

    Attributes
    ----------
    role
        What it is to the job, such as ``pool`` or ``checkpoint``.
    path
        Where it lies: an artefact or a file of the project relative to the project, any other file as the config writes it,
        a file of an installed package as ``NAME==VERSION/FILE``, a file of a hub as ``ID@COMMIT/FILE``. Empty in manifests of schema 1.
    sha256
        Its fingerprint.
    """

    role: str
    path: str
    sha256: str


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
        return {"schema_version": _FINGERPRINT_VERSION, "sha256": sha256_file(path), "size": path.stat().st_size}
    files = [p for p in path.rglob("*") if p.is_file() and p.name not in _IGNORED]
    return {
        "schema_version": _FINGERPRINT_VERSION,
        "sha256": sha256_folder({file.relative_to(path).as_posix(): sha256_file(file) for file in files}),
        "size": sum(file.stat().st_size for file in files),
    }


def spelled_fingerprint(sha256: str, size: int) -> str:
    """Return the text of a fingerprint's file."""
    return dumps({"schema_version": _FINGERPRINT_VERSION, "sha256": sha256, "size": size})


def read_json(path: str | Path) -> dict[str, Any]:
    """Return a small JSON file's object, refusing one that a newer Heirloom wrote.

    Raises
    ------
    HeirloomError
        If the file is missing, is no JSON object, or has a newer ``schema_version``.
    """
    try:
        content = records.json_object(Path(path).read_bytes(), path, repair(path))
    except FileNotFoundError:
        raise HeirloomError(f"{path}: missing; run snakemake, or fetch it with dvc pull") from None
    version = content.get("schema_version", SCHEMA_VERSION)
    if type(version) is not int or version < 1:
        raise HeirloomError(f"{path}: schema_version is {records.shown(version)}, not a number from 1 to {SCHEMA_VERSION}; {repair(path)}")
    if version > SCHEMA_VERSION:
        raise HeirloomError(f"{path}: schema_version {version} is newer than {SCHEMA_VERSION}, the newest this Heirloom reads")
    return content


def recorded_fingerprint(artefact: str | Path) -> dict[str, Any]:
    """Return the fingerprint that was written beside an artefact, as `fingerprint` gives it, without reading the artefact.

    Raises
    ------
    HeirloomError
        If it is missing, or is no fingerprint.
    """
    file = paths.fingerprint(artefact)
    content = read_json(file)
    sha256, size = content.get("sha256"), content.get("size")
    expected = {"schema_version": _FINGERPRINT_VERSION, "sha256": sha256, "size": size}
    if not _is_sha256(sha256) or not _is_size(size) or content != expected:
        raise HeirloomError(f"{file}: no fingerprint; {repair(artefact)}")
    return content


def recorded_sha256(artefact: str | Path) -> str:
    """Return the sha256 that was written beside an artefact, without reading the artefact; errors as for `recorded_fingerprint`."""
    return str(recorded_fingerprint(artefact)["sha256"])


def read(file: str | Path) -> dict[str, Any]:
    """Return a manifest's content.

    Raises
    ------
    HeirloomError
        If the file is missing, is no JSON object, has a newer ``schema_version``, or is not as it was written.
    """
    content = read_json(file)
    is_whole = content.get("digest") == _digest(content) if _has_digest(content) else True
    if not is_whole or not _is_manifest(content):
        raise HeirloomError(f"{file}: not as it was written; {repair(file)}")
    return content


def _has_digest(content: Mapping[str, Any]) -> bool:
    """Return whether a manifest must hold a digest of itself: in schema 1 there was none, and no path."""
    return content.get("schema_version") != 1 or "digest" in content or "path" in content


def _is_manifest(content: Mapping[str, Any]) -> bool:
    """Return whether the values that readers rely on have the types that they are written with."""
    has_fingerprint = _is_sha256(content.get("sha256")) and _is_size(content.get("size"))
    tables = [content.get(key, {}) for key in ("slice", "environment")]
    listed = content.get("inputs", [])
    if isinstance(listed, Mapping):
        hashes = [value for entry in listed.values() for value in (entry if isinstance(entry, list) else [entry])]
    else:
        hashes = [_hash_of(entry) for entry in listed] if isinstance(listed, list) else [None]
    return has_fingerprint and all(isinstance(table, Mapping) for table in tables) and all(map(_is_sha256, hashes))


def _hash_of(entry: Any) -> Any:
    """Return the hash of an input as a manifest lists it; None if the input is not what is listed there."""
    is_listed = isinstance(entry, Mapping) and all(isinstance(entry.get(key), str) for key in Input._fields)
    return entry["sha256"] if is_listed else None


def _is_sha256(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


def _is_size(value: Any) -> bool:
    return type(value) is int and value >= 0


def spelled(content: Mapping[str, Any]) -> str:
    """Return a manifest's text: the content as JSON, with a digest of itself, because nothing else tells a change of a single setting."""
    return dumps({**content, "digest": _digest(content)})


def _digest(content: Mapping[str, Any]) -> str:
    """Return the sha256 of a manifest's text without its digest."""
    return hashlib.sha256(dumps({key: value for key, value in content.items() if key != "digest"}).encode()).hexdigest()


def inputs(manifest: Mapping[str, Any], role: str | None = None) -> list[Input]:
    """Return the inputs that a manifest names, or those of one role, in the order in which they went in.

    Manifests of schema 1 hold role → sha256 without a path; `lineage.schema1` says which artefact was meant.
    """
    listed = manifest.get("inputs", [])
    if isinstance(listed, Mapping):
        several = {key: [value] if isinstance(value, str) else value for key, value in listed.items()}
        every = [Input(key, "", sha256) for key, values in several.items() for sha256 in values]
    else:
        every = [Input(entry["role"], entry["path"], entry["sha256"]) for entry in listed]
    return every if role is None else [one for one in every if one.role == role]


def check(artefact: str | Path) -> None:
    """Raise unless an artefact, its fingerprint and its manifest agree: nothing is built on what nobody can account for.

    Raises
    ------
    HeirloomError
        If one of the three is missing, does not match, or belongs to another place; the message names the file and the repair.
    """
    check_notes(artefact)
    noted = paths.fingerprint(artefact)
    if not Path(artefact).exists():
        raise HeirloomError(f"{artefact}: missing; {repair(artefact)}")
    if fingerprint(Path(artefact)) != recorded_fingerprint(artefact):
        raise HeirloomError(f"{artefact}: not the bytes that {noted} records; {repair(artefact)}")


def check_notes(artefact: str | Path) -> dict[str, Any]:
    """Return an artefact's manifest if it agrees with the fingerprint beside it and belongs to this place; the artefact is not read.

    Raises
    ------
    HeirloomError
        If one of the two is missing, they do not match, or the manifest belongs to another place.
    """
    noted, manifest_file = paths.fingerprint(artefact), paths.manifest(artefact)
    printed, manifest = recorded_fingerprint(artefact), read(manifest_file)
    if (manifest["sha256"], manifest["size"]) != (printed["sha256"], printed["size"]):
        raise HeirloomError(f"{manifest_file}: records other bytes than {noted}; {repair(artefact)}")
    if reason := misplaced(manifest, artefact):
        raise HeirloomError(f"{manifest_file}: {reason}; {repair(artefact)}")
    return manifest


def misplaced(manifest: Mapping[str, Any], artefact: str | Path) -> str:
    """Return why a manifest does not belong to the place where an artefact lies, in a few words; nothing if it does.

    The manifest's own path is compared with the artefact's, and regime, seed and generation of its slice with those of the path.
    """
    place, recorded = paths.inside(artefact), manifest.get("path")
    if recorded is not None and place != recorded and not place.endswith(f"/{recorded}"):
        return f"belongs to {recorded}, not to {place}"
    wildcards = paths.wildcards(place)
    step = manifest.get("slice", {})
    generation = manifest.get("generation", step.get("generation"))  # a chain's slice is that of the whole lineage
    recorded_keys = {"regime": step.get("regime"), "seed": step.get("seed"), "generation": generation}
    for key, value in recorded_keys.items():
        if value is not None and key in wildcards and str(value) != wildcards[key]:
            return f"records {key} {value}, not {wildcards[key]}"
    return ""


def repair(artefact: str | Path) -> str:
    """Return the command that brings the recorded bytes of an artefact back, as the end of a message."""
    return f"heirloom repair {artefact} mends it"


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


def link_or_copy(source: Path, target: Path, *, link: bool = True) -> None:
    """Make a hard link, or a copy where that is not wanted or the file system refuses."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        if link:
            os.link(source, target)
            return
    except OSError:  # another file system
        pass
    shutil.copyfile(source, target)


def seal(artefacts: Sequence[str | Path], made_by: Mapping[str, Any]) -> None:
    """Write the manifest and then, last of all, the fingerprint of each artefact.

    Parameters
    ----------
    artefacts
        Files or folders that a step has just made.
    made_by
        What the manifest says of the step: step, slice, inputs (a list of `Input`), code, environment.
    """
    listed = [one._asdict() for one in made_by.get("inputs", ())]
    for artefact in artefacts:
        printed = fingerprint(Path(artefact))
        own = {"schema_version": SCHEMA_VERSION, "path": paths.inside(artefact), "sha256": printed["sha256"], "size": printed["size"]}
        content = {**made_by, "inputs": listed, **own}
        write_text(paths.manifest(artefact), spelled(content))
        write_text(paths.fingerprint(artefact), dumps(printed))
