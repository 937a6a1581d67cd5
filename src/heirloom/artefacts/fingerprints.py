"""Fingerprints: the content hash and the size of a file or folder, in a small file beside it (``<name>.fingerprint.json``).

It holds nothing else: later steps depend on it alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from heirloom.artefacts import paths
from heirloom.artefacts.files import dumps, read_json, repair
from heirloom.errors import HeirloomError

_FINGERPRINT_VERSION = 1
_BLOCK = 1 << 20
_IGNORED = frozenset({".snakemake_timestamp"})  # Snakemake drops it into folders after the job


def sha256_file(path: Path) -> str:
    """Return the sha256 of a file's bytes, read block by block."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def sha256_folder(files: Mapping[str, str]) -> str:
    """Return the sha256 of a folder, given the path inside it and the sha256 of each of its files."""
    files_by_path = sorted(files.items(), key=lambda item: Path(item[0]).parts)
    lines = (f"{name}\t{sha256}\n" for name, sha256 in files_by_path)
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
    files = [file for file in path.rglob("*") if file.is_file() and file.name not in _IGNORED]
    hashes = {file.relative_to(path).as_posix(): sha256_file(file) for file in files}
    size = sum(file.stat().st_size for file in files)
    return {"schema_version": _FINGERPRINT_VERSION, "sha256": sha256_folder(hashes), "size": size}


def fingerprint_text(sha256: str, size: int) -> str:
    """Return the text of a fingerprint's file."""
    return dumps({"schema_version": _FINGERPRINT_VERSION, "sha256": sha256, "size": size})


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
    if not is_sha256(sha256) or not is_size(size) or content != expected:
        raise HeirloomError(f"{file}: no fingerprint; {repair(artefact)}")
    return content


def recorded_sha256(artefact: str | Path) -> str:
    """Return the sha256 that was written beside an artefact, without reading the artefact; errors as for `recorded_fingerprint`."""
    return str(recorded_fingerprint(artefact)["sha256"])


def is_sha256(value: Any) -> bool:
    """Return whether a value is spelled as a sha256 in hex."""
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


def is_size(value: Any) -> bool:
    """Return whether a value is a number of bytes."""
    return type(value) is int and value >= 0
