"""Data of another version: after `git checkout` alone they still lie here, under the ledger and the pointers of this commit.

An artefact is foreign if four things hold, asked for in this order because each costs more than the one before. The ledger names other
bytes in its place, or none. The provenance beside it names its own: they were recorded, and no job has made others since. The pointer
here lacks its fingerprint and DVC's cache has it, so that nothing is lost where it is not recorded again. And the config does not ask for
it in place of what the pointer names, as it does after an edit that brings the settings of another commit back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

from heirloom.artefacts import kinds, manifest, paths
from heirloom.artefacts.fingerprints import recorded_sha256
from heirloom.config import Config
from heirloom.errors import HeirloomError
from heirloom.lineage import dvc, index, pointers, provenance, prune, references
from heirloom.lineage.artefact import Artefact
from heirloom.lineage.ledger import Entry
from heirloom.lineage.project import Project
from heirloom.workflow import folders
from heirloom.workflow.jobs import jobs
from heirloom.workflow.step import Job
from heirloom.workflow.steps import STEPS


class Foreign(NamedTuple):
    """An artefact of another version.

    Attributes
    ----------
    path
        Its path.
    is_in_place
        Whether this commit has recorded other bytes in its place, which can be brought back.
    """

    path: str
    is_in_place: bool

    @property
    def fault(self) -> str:
        """What is wrong."""
        name = references.name_of(self.path)
        return f"{name}: here lie data of another commit" if self.is_in_place else f"{name}: recorded by another commit and not by this one"

    @property
    def line(self) -> str:
        """What is wrong, and what helps."""
        has_pointer = pointers.file_of(folders.lineage_of(self.path) or self.path).exists()
        way = "heirloom restore brings those of this one, " if has_pointer else ""
        return f"{self.fault}; {way}heirloom record keeps them if the config asks for them"


def in_units(units: Iterable[str], config: Config | None = None) -> dict[str, list[Foreign]]:
    """Return unit → its foreign artefacts, of the units that have some and are on disk; nothing where DVC cannot be used.

    Parameters
    ----------
    config
        What it asks for is not foreign. Without one, only what is recorded here is not.

    Raises
    ------
    HeirloomError
        If the ledger, a pointer, a listing of DVC or a unit's provenance is damaged.
    """
    if dvc.unavailable():
        return {}
    search = _Search(index.read_ledger(), config)
    foreign_of = {unit: search.all_in(unit) for unit in units}
    return {unit: found for unit, found in foreign_of.items() if found}


def check(units: Iterable[str], config: Config | None = None, asked: Collection[str] = ()) -> None:
    """Refuse data of another version in some units.

    Parameters
    ----------
    asked
        Paths of artefacts that the message names rather than others.

    Raises
    ------
    HeirloomError
        The message names the first artefact; and as `in_units` does.
    """
    found = [one for group in in_units(units, config).values() for one in group]
    if found:
        raise HeirloomError(min(found, key=lambda one: one.path not in asked).line)


def check_artefacts(artefacts: Iterable[Artefact]) -> None:
    """Refuse artefacts of another version, and artefacts that lie beside such or were made from such; those of a revision never are.

    Raises
    ------
    HeirloomError
        As `check` does.
    """
    here = [artefact for artefact in artefacts if artefact.project == Project()]
    names = [artefact.path for artefact in here]
    inputs = [edge.path for artefact in here for edge in artefact.inputs if edge.path]
    check(sorted(folders.units_of([*names, *inputs])), asked=names)


def check_config(config: Config) -> None:
    """Refuse data of another version in the folders that a config asks for.

    Raises
    ------
    HeirloomError
        As `check` does.
    """
    check(prune.config_folders(config), config)


@dataclass(frozen=True, eq=False)
class _Search:
    """What is asked of every artefact, each thing read once."""

    ledger: Mapping[str, Entry]
    config: Config | None

    def all_in(self, unit: str) -> list[Foreign]:
        """Return the foreign artefacts of a unit, those that lie in the place of others first."""
        if not Path(unit).is_dir():
            return []
        found = [path.as_posix() for path in folders.sealed_artefacts(unit) if self._is_foreign(path.as_posix())]
        return sorted((Foreign(path, is_in_place=path in self.ledger) for path in found), key=lambda one: not one.is_in_place)

    @cached_property
    def _is_foreign(self) -> Callable[[str], bool]:
        return cache(self._answer)

    def _answer(self, path: str) -> bool:
        """Return whether an artefact is foreign; where units are asked in the order in which they were made, no answer waits for many."""
        note, sha256, entry = paths.fingerprint(path), _sha256(path), self.ledger.get(path)
        if not sha256 or (entry is not None and entry.sha256 == sha256):
            return False
        recorded = self._provenance_of(folders.unit_of(path) or path).get(path, {})
        if recorded.get("sha256") != sha256:
            return False
        md5, listing = dvc.md5(Path(note)), self._listing_of(folders.lineage_of(path) or path)
        return listing.get(note) != md5 and dvc.cache_path(md5).exists() and not self._is_asked_for(path, listing)

    def _is_asked_for(self, path: str, listing: Mapping[str, str]) -> bool:
        """Return whether the config asks for an artefact and for what it was made from, and what the pointer names was made otherwise."""
        here, planned = _manifest(Path(paths.manifest(path))), self._planned(path)
        if not planned or here.get("slice") != planned:
            return False
        md5 = listing.get(paths.manifest(path))
        there = _manifest(dvc.cache_path(md5)) if md5 else {}
        is_made_alike = all(here.get(key) == there.get(key) for key in ("slice", "inputs"))
        return not is_made_alike and not any(self._is_foreign(edge.path) for edge in manifest.inputs(here) if folders.lineage_of(edge.path))

    def _planned(self, path: str) -> Any:
        """Return the slice that the config has for the job which makes an artefact; empty where it has no such job."""
        key, step = kinds.key_of(path), STEPS.get(str(_manifest(Path(paths.manifest(path))).get("slice", {}).get("step")))
        if self.config is None or key is None or step is None or step.job(key) not in self._jobs:
            return {}
        try:
            return json.loads(json.dumps(step.slice(self.config, step.job(key).key).json_fields()))
        except HeirloomError:  # a source that is not here
            return {}

    @cached_property
    def _listing_of(self) -> Callable[[str], Mapping[str, str]]:
        return cache(lambda lineage: dvc.listing(lineage) or {})

    @cached_property
    def _provenance_of(self) -> Callable[[str], Mapping[str, provenance.Record]]:
        return cache(provenance.read)

    @cached_property
    def _jobs(self) -> Collection[Job]:
        return frozenset(jobs(self.config)) if self.config else frozenset()


def _sha256(path: str) -> str:
    """Return the fingerprint beside an artefact; empty where it is missing or damaged, which others name."""
    try:
        return recorded_sha256(path)
    except HeirloomError:
        return ""


def _manifest(file: Path) -> Mapping[str, Any]:
    """Return a manifest; empty where it cannot be read."""
    try:
        return manifest.read(file)
    except HeirloomError:
        return {}
