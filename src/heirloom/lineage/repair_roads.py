"""Repair, second part: the roads to the recorded bytes of a damaged file. Bytes count only after they have been read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from heirloom.artefacts import paths
from heirloom.artefacts.files import link_or_copy, write_text
from heirloom.config import Config
from heirloom.lineage import cache, dvc, edges, pointers, provenance, redo, remote, survey
from heirloom.lineage.repair_records import Outcome
from heirloom.lineage.survey import Damage
from heirloom.lineage.verify_records import Digests
from heirloom.workflow import folders

REPLACED = Path(".heirloom/replaced")
"""Where files are moved that recorded ones replace, if they agree with their own notes or belong to no artefact."""
IN_CACHE = "DVC's cache"
REDONE = "snakemake, redone"
_REMOTE = "heirloom repair --remote replaces them there"
_DISAGREE = "its bytes, its notes and the ledger disagree: nothing says what was recorded"
_NO_PROVENANCE = "neither the cache nor a remote has it, and Snakemake's own records are others"


@dataclass(frozen=True)
class Case:
    """What a repair knows before it begins.

    Attributes
    ----------
    units
        The units that may be repaired.
    listings
        Lineage → path → recorded md5; nothing for a lineage without a record.
    files
        Path → digests of what lies here.
    scratch
        A folder for bytes that are not yet checked.
    dry
        Whether nothing may be written.
    """

    units: Collection[str]
    listings: Mapping[str, Mapping[str, str]]
    files: Mapping[str, Digests]
    config: Config
    config_file: Path
    scratch: Path
    dry: bool

    @cached_property
    def listing(self) -> dict[str, str]:
        """Path → recorded md5 of all lineages, within the units."""
        units = set(self.units)
        entries = (entry for listing in self.listings.values() for entry in listing.items())
        return {path: md5 for path, md5 in entries if folders.unit_of(path) in units}


def from_stores(case: Case, damages: Sequence[Damage], remarks: dict[str, str]) -> Iterator[Outcome]:
    """Mend what the cache, another file here or a remote has, together with damaged objects of the cache.

    Parameters
    ----------
    remarks
        Is filled with remarks for the reader about objects: md5 → remark.
    """
    rotten = _rotten(case)
    damages_of = _damages_by_md5([*rotten, *_missing_objects(case)], damages)
    copies = {digests.md5: Path(path) for path, digests in case.files.items() if digests.md5 in damages_of}
    in_cache = {md5: dvc.cache_path(md5) for md5 in damages_of if md5 not in rotten and dvc.cache_path(md5).exists()}
    answers = remote.fetch([md5 for md5 in damages_of if md5 not in in_cache | copies], case.scratch)
    artefacts = {damage.artefact for damage in damages if damage.artefact}
    versions = [path for path in artefacts if survey.is_another_version(path, case.listing, case.files)]
    for md5, damages_of_object in damages_of.items():
        answer = answers.get(md5)
        remote_notes = _remote_notes(answer)
        cache_notes = [f"{dvc.cache_path(md5)} was damaged, too"] if md5 in rotten else []
        remarks[md5] = "; ".join([*remote_notes, *cache_notes])
        source, road = _source(md5, in_cache, copies, answer)
        if source is None:
            continue
        if not case.dry:
            _put_back(md5, source, damages_of_object, versions)
        yield from (Outcome(damage.path, road, remarks[md5]) for damage in damages_of_object)
        if not damages_of_object:
            yield Outcome(str(dvc.cache_path(md5)), road, "; ".join(remote_notes))


def _missing_objects(case: Case) -> set[str]:
    """Return the recorded objects that the cache lacks though their bytes are here."""
    present = {md5 for path, md5 in case.listing.items() if path in case.files and case.files[path].md5 == md5}
    return {md5 for md5 in present if not dvc.cache_path(md5).exists()}


def _damages_by_md5(objects: Iterable[str], damages: Sequence[Damage]) -> dict[str, list[Damage]]:
    """Return md5 → damaged files that should have it, none for an object that is damaged or missing in the cache alone."""
    damages_of: dict[str, list[Damage]] = {md5: [] for md5 in objects}
    for damage in damages:
        if damage.md5:
            damages_of.setdefault(damage.md5, []).append(damage)
    return damages_of


def strays(case: Case) -> Iterator[Outcome]:
    """Move files out of places to which they do not belong: out of artefacts' folders, and artefacts of another place with their notes."""
    listing = case.listing
    parents = {str(Path(path).parent) for path in listing}
    artefact_folders = {folder for folder in parents if folders.unit_of(folder) != folder}
    misplaced_names = _misplaced_artefacts(case)
    for path in case.files:
        is_stray = not artefact_folders.isdisjoint(map(str, Path(path).parents)) or folders.name_in_unit(path) in misplaced_names
        if path in listing or not is_stray:
            continue
        if not case.dry:
            _set_aside(Path(path))
            Path(path).unlink()
        yield Outcome(path, f"moved to {REPLACED / path}", "DVC has no record of it")


def _misplaced_artefacts(case: Case) -> set[tuple[str, str]]:
    """Return unit and name of the artefacts whose manifest belongs to another place, and of the provenance of units with no others."""
    names = set()
    for unit in (unit for unit in case.units if Path(unit).is_dir() and case.listings.get(folders.lineage_of(unit) or "")):
        sealed_paths = [str(path) for path in folders.sealed_artefacts(unit)]
        misplaced_paths = [path for path in sealed_paths if edges.is_misplaced(path)]
        names |= {folders.name_in_unit(path) for path in misplaced_paths}
        if sealed_paths and misplaced_paths == sealed_paths:
            names.add(folders.name_in_unit(f"{unit}/{folders.PROVENANCE}"))
    return names


def from_records(case: Case, damages: Sequence[Damage]) -> Iterator[Outcome]:
    """Rewrite fingerprints from their artefacts, and provenance from Snakemake's own records."""
    live = provenance.live() if any(not damage.artefact for damage in damages) else {}
    for damage in damages:
        if not damage.artefact:
            text = provenance.text(live.get(folders.unit_of(damage.path) or "", {}))
            if _is_written(case, damage, text):
                yield Outcome(damage.path, "Snakemake's own records")
            continue
        is_fingerprint = damage.path == paths.fingerprint(damage.artefact) and Path(damage.artefact).exists()
        if is_fingerprint and _is_written(case, damage, survey.fingerprint_text(damage.artefact)):
            yield Outcome(damage.path, "its artefact")


def by_jobs(case: Case, damages: Sequence[Damage], remarks: Mapping[str, str]) -> Iterator[Outcome]:
    """Run the jobs of artefacts that are still damaged, and take the outputs that have the recorded bytes."""
    curable = {}
    for damage in damages:
        if not damage.md5 and not damage.sha256:
            yield Outcome(damage.path, "", _DISAGREE)
        elif not damage.artefact:
            yield Outcome(damage.path, "", _NO_PROVENANCE)
        else:
            curable[damage.path] = damage
    artefacts = sorted({damage.artefact for damage in curable.values()})
    reasons: dict[str, str] = {}
    if artefacts and not case.dry:
        reasons = redo.redo(artefacts, list(curable), lambda path: survey.is_right(curable[path]), case.config, case.config_file)
    for path, damage in curable.items():
        if path in reasons:
            yield Outcome(path, "", reasons[path])
            continue
        if not case.dry:
            _to_cache(damage)
        yield Outcome(path, REDONE, remarks.get(damage.md5, ""))


def on_remote(case: Case) -> Iterator[Outcome]:
    """Put the cache's bytes onto the default remote where it has damaged bytes or none."""
    lineage_pointers = filter(None, map(pointers.read, case.listings))
    md5s = sorted({pointer.md5 for pointer in lineage_pointers}.union(case.listing.values()))
    rotten = cache.damaged_objects(md5s)
    sound = [md5 for md5 in md5s if md5 not in rotten and dvc.cache_path(md5).exists()]
    wanting = {md5: one for md5, one in remote.fetch(sound, case.scratch / "remote").items() if one.file is None or one.damaged}
    if not wanting:
        return
    name = remote.replace({md5: dvc.cache_path(md5) for md5 in wanting})
    for md5, answer in wanting.items():
        place = answer.damaged[0][1] if answer.damaged else md5
        yield Outcome(f"{place} on the remote {name!r}", IN_CACHE)


def _rotten(case: Case) -> set[str]:
    """Return the damaged objects of the cache. An object that is one file with a file here has been read with that file."""
    rotten, unread = set(), []
    for path, md5 in case.listing.items():
        place = dvc.cache_path(md5)
        if path not in case.files or not place.exists() or not place.samefile(path):
            unread.append(md5)
        elif case.files[path].md5 != md5:
            rotten.add(md5)
    return rotten | cache.damaged_objects(unread, afresh=True)


def _source(md5: str, in_cache: Mapping[str, Path], copies: Mapping[str, Path], answer: remote.Answer | None) -> tuple[Path | None, str]:
    if md5 in in_cache:
        return in_cache[md5], IN_CACHE
    if md5 in copies:
        return copies[md5], "an equal file in data/"
    if answer and answer.file:
        return answer.file, f"the remote {answer.remote!r}"
    return None, ""


def _remote_notes(answer: remote.Answer | None) -> list[str]:
    """Return what the reader should know of the remotes."""
    if answer is None:
        return []
    notes = [f"the remote {name!r} holds damaged bytes in {place}: {_REMOTE}" for name, place in answer.damaged]
    return [*notes, answer.obstacle] if answer.obstacle else notes


def _put_back(md5: str, source: Path, damages: Sequence[Damage], versions: Collection[str]) -> None:
    """Put right bytes into the cache and then in place of damaged files; other versions are kept."""
    if source != dvc.cache_path(md5):
        cache.keep(md5, source)
    for damage in damages:
        if damage.artefact in versions and Path(damage.path).exists():
            _set_aside(Path(damage.path))
        cache.bring(md5, Path(damage.path))


def _set_aside(path: Path) -> None:
    place = REPLACED / path
    place.unlink(missing_ok=True)
    link_or_copy(path, place)


def _is_written(case: Case, damage: Damage, text: str) -> bool:
    """Write a text in a file's place if it is what was recorded; return whether it is."""
    candidate = case.scratch / "candidate"
    candidate.write_text(text, encoding="utf-8")
    if damage.md5 and cache.md5_of(candidate) != damage.md5:
        return False
    if not damage.md5 and f'"{damage.sha256}"' not in text:
        return False
    if not case.dry:
        write_text(damage.path, text)
        _to_cache(damage)
    return True


def _to_cache(damage: Damage) -> None:
    """Put what was repaired elsewhere into the cache, and let the workspace share its bytes."""
    if damage.md5:
        cache.keep(damage.md5, Path(damage.path))
        cache.bring(damage.md5, Path(damage.path))
