"""Repair, second part: the roads to the recorded bytes of a damaged file. Bytes count only after they have been read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
        The units that may be mended.
    listings
        Lineage → path → recorded md5; nothing for a lineage without a record.
    read
        Path → digests of what lies here.
    scratch
        A folder for bytes that are not yet checked.
    dry
        Whether nothing may be written.
    """

    units: Collection[str]
    listings: Mapping[str, Mapping[str, str]]
    read: Mapping[str, Digests]
    config: Config
    config_file: Path
    scratch: Path
    dry: bool

    @property
    def listing(self) -> dict[str, str]:
        """Path → recorded md5 of all lineages, within the units."""
        every = (entry for listing in self.listings.values() for entry in listing.items())
        return {path: md5 for path, md5 in every if folders.unit_of(path) in self.units}


def from_stores(case: Case, damages: Sequence[Damage], remarks: dict[str, str]) -> Iterator[Outcome]:
    """Mend what the cache, another file here or a remote has, together with damaged objects of the cache.

    Parameters
    ----------
    remarks
        Is filled with remarks for the reader about objects: md5 → remark.
    """
    rotten = _rotten(case)
    unkept = {md5 for path, md5 in case.listing.items() if path in case.read and case.read[path].md5 == md5}
    unkept = {md5 for md5 in unkept if not dvc.cached(md5).exists()}
    wanted: dict[str, list[Damage]] = {md5: [] for md5 in [*rotten, *unkept]}
    for damage in damages:
        if damage.md5:
            wanted.setdefault(damage.md5, []).append(damage)
    here = {one.md5: Path(path) for path, one in case.read.items() if one.md5 in wanted}
    in_cache = {md5: dvc.cached(md5) for md5 in wanted if md5 not in rotten and dvc.cached(md5).exists()}
    answers = remote.fetch([md5 for md5 in wanted if md5 not in in_cache | here], case.scratch)
    artefacts = {damage.artefact for damage in damages if damage.artefact}
    versions = [path for path in artefacts if survey.is_another_version(path, case.listing, case.read)]
    for md5, ills in wanted.items():
        answer = answers.get(md5)
        remarks[md5] = "; ".join([*_of_remotes(answer), *([f"{dvc.cached(md5)} was damaged, too"] if md5 in rotten else [])])
        source, road = _source(md5, in_cache, here, answer)
        if source is None:
            continue
        if not case.dry:
            _put(md5, source, ills, versions)
        yield from (Outcome(damage.path, road, remarks[md5]) for damage in ills)
        if not ills:
            yield Outcome(str(dvc.cached(md5)), road, "; ".join(_of_remotes(answer)))


def strays(case: Case) -> Iterator[Outcome]:
    """Move files out of places to which they do not belong: out of artefacts' folders, and artefacts of another place with their notes."""
    listing = case.listing
    parents = {str(Path(path).parent) for path in listing}
    inside = tuple(f"{folder}/" for folder in parents if folders.unit_of(folder) != folder)
    elsewhere = _misplaced(case)
    for path in case.read:
        if path not in listing and ((inside and path.startswith(inside)) or folders.name_in_unit(path) in elsewhere):
            if not case.dry:
                _set_aside(Path(path))
                Path(path).unlink()
            yield Outcome(path, f"moved to {REPLACED / path}", "DVC has no record of it")


def _misplaced(case: Case) -> set[tuple[str, str]]:
    """Return unit and name of the artefacts whose manifest belongs to another place, and of the provenance of units with no others."""
    names = set()
    for unit in (unit for unit in case.units if Path(unit).is_dir() and case.listings.get(folders.lineage_of(unit) or "")):
        sealed = [str(path) for path in folders.sealed_artefacts(unit)]
        misplaced = [path for path in sealed if edges.is_misplaced(path)]
        names |= {folders.name_in_unit(path) for path in misplaced}
        if sealed and misplaced == sealed:
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
    why: dict[str, str] = {}
    if artefacts and not case.dry:
        why = redo.redo(artefacts, list(curable), lambda path: survey.is_right(curable[path]), case.config, case.config_file)
    for path, damage in curable.items():
        if path in why:
            yield Outcome(path, "", why[path])
            continue
        if not case.dry:
            _to_cache(damage)
        yield Outcome(path, REDONE, remarks.get(damage.md5, ""))


def on_remote(case: Case) -> Iterator[Outcome]:
    """Put the cache's bytes onto the default remote where it has damaged bytes or none."""
    named = {pointer.md5 for lineage in case.listings if (pointer := pointers.read(lineage))}
    md5s = sorted(named | set(case.listing.values()))
    rotten = cache.damaged_objects(md5s)
    sound = [md5 for md5 in md5s if md5 not in rotten and dvc.cached(md5).exists()]
    for md5, answer in remote.fetch(sound, case.scratch / "remote").items():
        if answer.file is None or answer.damaged:
            place = answer.damaged[0][1] if answer.damaged else md5
            yield Outcome(f"{place} on the remote {remote.replace(md5, dvc.cached(md5))!r}", IN_CACHE)


def _rotten(case: Case) -> set[str]:
    """Return the damaged objects of the cache. An object that is one file with a file here has been read with that file."""
    rotten, others = set(), []
    for path, md5 in case.listing.items():
        place = dvc.cached(md5)
        if path in case.read and place.exists() and place.samefile(path):
            rotten |= {md5} if case.read[path].md5 != md5 else set()
        else:
            others.append(md5)
    return rotten | cache.damaged_objects(others, afresh=True)


def _source(md5: str, in_cache: Mapping[str, Path], here: Mapping[str, Path], answer: remote.Answer | None) -> tuple[Path | None, str]:
    if md5 in in_cache:
        return in_cache[md5], IN_CACHE
    if md5 in here:
        return here[md5], "an equal file in data/"
    if answer and answer.file:
        return answer.file, f"the remote {answer.remote!r}"
    return None, ""


def _of_remotes(answer: remote.Answer | None) -> list[str]:
    """Return what the reader should know of the remotes."""
    if answer is None:
        return []
    damaged = [f"the remote {name!r} holds damaged bytes in {place}: {_REMOTE}" for name, place in answer.damaged]
    return [*damaged, *([answer.obstacle] if answer.obstacle else [])]


def _put(md5: str, source: Path, ills: Sequence[Damage], versions: Collection[str]) -> None:
    """Put right bytes into the cache and then in place of damaged files; other versions are kept."""
    if source != dvc.cached(md5):
        cache.keep(md5, source)
    for damage in ills:
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
    """Put what was mended elsewhere into the cache, and let the workspace share its bytes."""
    if damage.md5:
        cache.keep(damage.md5, Path(damage.path))
        cache.bring(damage.md5, Path(damage.path))
