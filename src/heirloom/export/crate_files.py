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
_FOLDER_HASH = "The hash of a folder is over its sorted lines: relative path, tab, sha256 of the file."


class Files:
    """The artefacts of a crate, to which artefacts are added.

    Attributes
    ----------
    entities
        Path inside the project → entity.
    """

    def __init__(self, crate: Any, limit: int | None) -> None:
        self.crate = crate
        self.limit = limit
        self.entities: dict[str, Any] = {}
        self._copied = 0

    def add(self, artefact: Artefact) -> None:
        """Add an artefact with its manifest and fingerprint, and its bytes if they are here and within the limit.

        Raises
        ------
        HeirloomError
            If the bytes are here and are not the recorded ones, or if they are to be copied and are not here.
        """
        is_read = self.limit is None or artefact.is_here
        if is_read:
            artefact.data()
        is_copied = is_read and (self.limit is None or artefact.size <= self.limit)
        entity = self._copy(artefact) if is_copied else self._refer(artefact)
        self._copied += is_copied
        self.entities[artefact.path] = entity
        for record in (paths.manifest(artefact.path), paths.fingerprint(artefact.path)):
            record_entity = self._file(artefact.project.file(record), record)
            record_entity["about"] = entity

    def finish(self, crate_folder: Path) -> int:
        """Make the written files writable (those that DVC keeps are not), and return how many artefacts have their bytes in the crate."""
        for file in folder.files(crate_folder):
            file.chmod(file.stat().st_mode | stat.S_IWUSR)
        return self._copied

    def input_entity(self, source: Input) -> Any:
        """Return the entity of an input. One outside the crate is named: a source file by name and hash, an unknown artefact by hash."""
        if source.path in self.entities:
            return self.entities[source.path]
        return self._outside_entity(source)

    def _outside_entity(self, source: Input) -> Any:
        from rocrate.model.contextentity import ContextEntity

        name = source.name or f"an artefact not recorded here: {source.sha256[:10]}"
        query = f"?path={quote(source.name)}" if source.name else ""
        address = hash_address(source.sha256) + query
        properties = {"@type": "CreativeWork", "name": name, "sha256": source.sha256}
        if source.is_source:
            properties["description"] = f"A source file ({source.role}) that no job of the workflow has made. Not in this crate."
        return self.crate.add(ContextEntity(self.crate, address, properties=properties))

    def _copy(self, artefact: Artefact) -> Any:
        properties = _properties(artefact)
        if artefact.place.is_file():
            return self._file(artefact.place, artefact.path, **properties)
        entity = self.crate.add_dataset(dest_path=f"{artefact.path}/", properties={**properties, "description": _FOLDER_HASH})
        parts = []
        for file in folder.files(artefact.place):
            path_inside = file.relative_to(artefact.place).as_posix()
            parts.append(self._file(file, f"{artefact.path}/{path_inside}"))
        entity["hasPart"] = single(parts)
        return entity

    def _refer(self, artefact: Artefact) -> Any:
        description = "Not in this crate: named by its hash."
        properties = {**_properties(artefact), "alternateName": artefact.path, "description": description}
        address = f"{hash_address(artefact.sha256)}?path={artefact.path}"
        if Path(artefact.path).suffix:
            return self.crate.add_file(address, properties={**properties, "encodingFormat": format_of(artefact.path)})
        return self.crate.add_dataset(address, properties={**properties, "description": f"{description} {_FOLDER_HASH}"})

    def _file(self, source: Path, path_inside: str, **properties: str) -> Any:
        """Add a file; what is stated of it as ``properties`` counts for more than what its bytes say."""
        file_properties = {
            "name": path_inside,
            "sha256": sha256_file(source),
            "contentSize": str(source.stat().st_size),
            "encodingFormat": format_of(path_inside),
        }
        return self.crate.add_file(source, path_inside, properties={**file_properties, **properties})


def _properties(artefact: Artefact) -> dict[str, str]:
    return {"name": artefact.name, "sha256": artefact.sha256, "contentSize": str(artefact.size)}


def single(values: Sequence[Any]) -> Any:
    """Return the values, or the only one by itself, as RO-Crate spells it."""
    return values[0] if len(values) == 1 else list(values)


def format_of(path: str) -> str:
    """Return the media type of a file."""
    return _FORMATS.get(Path(path).suffix, "text/plain")


def hash_address(sha256: str) -> str:
    """Return the name of some bytes by RFC 6920, section 3."""
    encoded = base64.urlsafe_b64encode(bytes.fromhex(sha256)).decode()
    return "ni:///sha-256;" + encoded.rstrip("=")
