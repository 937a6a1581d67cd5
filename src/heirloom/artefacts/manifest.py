"""Manifests: the small file beside every artefact (``<name>.manifest.json``) that says where it belongs and how it was made.

Path, step, config slice, seed, each input by role, path and hash, code, libraries and threads. Like the fingerprint, which is written last,
it holds neither a date, a host, an absolute path of this machine nor a commit of the project, so both are byte-equal on a rerun.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from heirloom.artefacts import paths
from heirloom.artefacts.files import SCHEMA_VERSION, dumps, read_json, repair, write_text
from heirloom.artefacts.fingerprints import fingerprint, is_sha256, is_size, recorded_fingerprint
from heirloom.errors import HeirloomError


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
    has_fingerprint = is_sha256(content.get("sha256")) and is_size(content.get("size"))
    tables = [content.get(key, {}) for key in ("slice", "environment")]
    has_tables = all(isinstance(table, Mapping) for table in tables)
    return has_fingerprint and has_tables and all(map(is_sha256, _input_hashes(content.get("inputs", []))))


def _input_hashes(entries: Any) -> list[Any]:
    """Return the hashes of the inputs that a manifest lists; None for each that is no input."""
    if isinstance(entries, Mapping):
        return [sha256 for hashes in entries.values() for sha256 in _as_list(hashes)]
    return [_input_hash(entry) for entry in entries] if isinstance(entries, list) else [None]


def _input_hash(entry: Any) -> Any:
    """Return the hash of an input as a manifest lists it; None if the entry is no input."""
    is_input = isinstance(entry, Mapping) and all(isinstance(entry.get(key), str) for key in Input._fields)
    return entry["sha256"] if is_input else None


def _as_list(hashes: Any) -> list[Any]:
    """Return what schema 1 holds for a role as a list: one hash, or several."""
    return hashes if isinstance(hashes, list) else [hashes]


def manifest_text(content: Mapping[str, Any]) -> str:
    """Return a manifest's text: the content as JSON, with a digest of itself, because nothing else tells a change of a single setting."""
    return dumps({**content, "digest": _digest(content)})


def _digest(content: Mapping[str, Any]) -> str:
    """Return the sha256 of a manifest's text without its digest."""
    entries = {key: value for key, value in content.items() if key != "digest"}
    return hashlib.sha256(dumps(entries).encode()).hexdigest()


def inputs(manifest: Mapping[str, Any], role: str | None = None) -> list[Input]:
    """Return the inputs that a manifest names, or those of one role, in the order in which they went in.

    Manifests of schema 1 hold role → sha256 without a path; `lineage.schema1` says which artefact was meant.
    """
    entries = manifest.get("inputs", [])
    if isinstance(entries, Mapping):
        all_inputs = [Input(name, "", sha256) for name, hashes in entries.items() for sha256 in _as_list(hashes)]
    else:
        all_inputs = [Input(entry["role"], entry["path"], entry["sha256"]) for entry in entries]
    return all_inputs if role is None else [entry for entry in all_inputs if entry.role == role]


def check(artefact: str | Path) -> None:
    """Raise unless an artefact, its fingerprint and its manifest agree: nothing is built on what nobody can account for.

    Raises
    ------
    HeirloomError
        If one of the three is missing, does not match, or belongs to another place; the message names the file and the repair.
    """
    check_notes(artefact)
    if not Path(artefact).exists():
        raise HeirloomError(f"{artefact}: missing; {repair(artefact)}")
    if fingerprint(Path(artefact)) != recorded_fingerprint(artefact):
        raise HeirloomError(f"{artefact}: not the bytes that {paths.fingerprint(artefact)} records; {repair(artefact)}")


def check_notes(artefact: str | Path) -> dict[str, Any]:
    """Return an artefact's manifest if it agrees with the fingerprint beside it and belongs to this place; the artefact is not read.

    Raises
    ------
    HeirloomError
        If one of the two is missing, they do not match, or the manifest belongs to another place.
    """
    manifest_file = paths.manifest(artefact)
    record, manifest = recorded_fingerprint(artefact), read(manifest_file)
    if (manifest["sha256"], manifest["size"]) != (record["sha256"], record["size"]):
        raise HeirloomError(f"{manifest_file}: records other bytes than {paths.fingerprint(artefact)}; {repair(artefact)}")
    reason = misplacement(manifest, artefact)
    if reason:
        raise HeirloomError(f"{manifest_file}: {reason}; {repair(artefact)}")
    return manifest


def misplacement(manifest: Mapping[str, Any], artefact: str | Path) -> str:
    """Return why a manifest does not belong to the place where an artefact lies, in a few words; nothing if it does.

    The manifest's own path is compared with the artefact's, and regime, seed and generation of its slice with those of the path.
    """
    place, recorded_place = paths.project_path(artefact), manifest.get("path")
    if recorded_place is not None and place != recorded_place and not place.endswith(f"/{recorded_place}"):
        return f"belongs to {recorded_place}, not to {place}"
    wildcards = paths.wildcards(place)
    step = manifest.get("slice", {})
    generation = manifest.get("generation", step.get("generation"))  # a chain's slice is that of the whole lineage
    recorded_keys = {"regime": step.get("regime"), "seed": step.get("seed"), "generation": generation}
    for key, value in recorded_keys.items():
        if value is not None and key in wildcards and str(value) != wildcards[key]:
            return f"records {key} {value}, not {wildcards[key]}"
    return ""


def seal(artefacts: Sequence[str | Path], made_by: Mapping[str, Any]) -> None:
    """Write the manifest and then, last of all, the fingerprint of each artefact.

    Parameters
    ----------
    artefacts
        Files or folders that a step has just made.
    made_by
        What the manifest says of the step: step, slice, inputs (a list of `Input`), code, environment.
    """
    entries = [entry._asdict() for entry in made_by.get("inputs", ())]
    for artefact in artefacts:
        record = fingerprint(Path(artefact))
        content = {
            **made_by,
            "inputs": entries,
            "schema_version": SCHEMA_VERSION,
            "path": paths.project_path(artefact),
            "sha256": record["sha256"],
            "size": record["size"],
        }
        write_text(paths.manifest(artefact), manifest_text(content))
        write_text(paths.fingerprint(artefact), dumps(record))
