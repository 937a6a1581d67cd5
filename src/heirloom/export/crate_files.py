"""The data entities of a crate. A copied artefact has its path; any other is named by its hash (RFC 6920), path and size."""

from __future__ import annotations

import base64
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from heirloom.artefacts import paths
from heirloom.artefacts.fingerprints import sha256_file
from heirloom.export import folder
from heirloom.lineage.artefact import Artefact, Input

_FORMATS = {
    ".parquet": "application/vnd.apache.parquet",
    ".json": "application/json",
    ".safetensors": "application/octet-stream",
    ".yaml": "application/yaml",
}
_OF_FOLDERS = "The hash of a folder is over its sorted lines: relative path, tab, sha256 of the file."


class Files:
    """The artefacts of a crate, to which artefacts are added.

    Attributes
    ----------
    of
        Path inside the project → entity.
    """

    def __init__(self, crate: Any, limit: int | None) -> None:
        self.crate = crate
        self.limit = limit
        self.of: dict[str, Any] = {}
        self._copied = 0

    def add(self, artefact: Artefact) -> None:
        """Add an artefact with its manifest and fingerprint, and its bytes if they are here and within the limit.

        Raises
        ------
        HeirloomError
            If the bytes are here and are not the recorded ones, or if they are to be copied and are not here.
        """
        is_wanted = self.limit is None or artefact.is_here
        if is_wanted:
            artefact.data()
        small = is_wanted and (self.limit is None or artefact.size <= self.limit)
        entity = self._copy(artefact) if small else self._refer(artefact)
        self._copied += small
        self.of[artefact.path] = entity
        for note in (paths.manifest(artefact.path), paths.fingerprint(artefact.path)):
            beside = self._file(artefact.project.file(note), note)
            beside["about"] = entity

    def finish(self, written: Path) -> int:
        """Make the written files writable (those that DVC keeps are not), and return how many artefacts have their bytes in the crate."""
        for file in folder.files(written):
            file.chmod(file.stat().st_mode | stat.S_IWUSR)
        return self._copied

    def elsewhere(self, one: Input) -> Any:
        """Return the entity of an input that is not in the crate: of a source file by name and hash, of an unknown artefact by hash."""
        from rocrate.model.contextentity import ContextEntity

        name = one.name or f"an artefact not recorded here: {one.sha256[:10]}"
        address = _named_by_hash(one.sha256) + (f"?path={quote(one.name)}" if one.name else "")
        properties = {"@type": "CreativeWork", "name": name, "sha256": one.sha256}
        return self.crate.add(ContextEntity(self.crate, address, properties=properties))

    def _copy(self, artefact: Artefact) -> Any:
        told = _told(artefact)
        if artefact.place.is_file():
            return self._file(artefact.place, artefact.path, **told)
        entity = self.crate.add_dataset(dest_path=f"{artefact.path}/", properties={**told, "description": _OF_FOLDERS})
        inside = folder.files(artefact.place)
        parts = [self._file(file, f"{artefact.path}/{file.relative_to(artefact.place).as_posix()}") for file in inside]
        entity["hasPart"] = single(parts)
        return entity

    def _refer(self, artefact: Artefact) -> Any:
        told = {**_told(artefact), "alternateName": artefact.path, "description": "Not in this crate: named by its hash."}
        address = f"{_named_by_hash(artefact.sha256)}?path={artefact.path}"
        if Path(artefact.path).suffix:
            return self.crate.add_file(address, properties={**told, "encodingFormat": format_of(artefact.path)})
        return self.crate.add_dataset(address, properties={**told, "description": f"{told['description']} {_OF_FOLDERS}"})

    def _file(self, source: Path, inside: str, **told: str) -> Any:
        measured = {"name": inside, "sha256": sha256_file(source), "contentSize": str(source.stat().st_size)}
        return self.crate.add_file(source, inside, properties={**measured, "encodingFormat": format_of(inside), **told})


def _told(artefact: Artefact) -> dict[str, str]:
    return {"name": artefact.name, "sha256": artefact.sha256, "contentSize": str(artefact.size)}


def single(values: Sequence[Any]) -> Any:
    """Return the values, or the only one by itself, as RO-Crate spells it."""
    return values[0] if len(values) == 1 else list(values)


def format_of(path: str) -> str:
    """Return the media type of a file."""
    return _FORMATS.get(Path(path).suffix, "text/plain")


def _named_by_hash(sha256: str) -> str:
    """Return the name of some bytes by RFC 6920, section 3."""
    return "ni:///sha-256;" + base64.urlsafe_b64encode(bytes.fromhex(sha256)).decode().rstrip("=")
