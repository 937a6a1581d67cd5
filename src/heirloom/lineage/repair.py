"""Repair: what `verify` finds is repaired by the first road that gives the recorded bytes, or is named as left.

The roads are, in this order: DVC's cache or an equal file in the workspace; the remotes; other records (a fingerprint
from its artefact, a provenance from Snakemake's own records); and last the job, which is run again. A file is repaired
by a new file, in the workspace and in the cache, so that nothing is written through a hard link and `dvc push` sends
the right bytes.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from heirloom import config as configuration
from heirloom.errors import HeirloomError
from heirloom.lineage import dvc, edges, redo, repair_records, repair_roads, survey, unrecorded, verify, verify_records
from heirloom.lineage.ledger import LEDGER
from heirloom.lineage.repair_records import Outcome
from heirloom.lineage.repair_roads import REDONE, Case
from heirloom.lineage.survey import Damage
from heirloom.numerals import counted
from heirloom.workflow import folders

NEWER = "another version than DVC recorded, of a run that is not recorded yet: heirloom record keeps it, heirloom restore gives it up"


def repair(references: Sequence[str], config_file: Path, *, dry: bool = False, on_remote: bool = False) -> Iterator[Outcome]:
    """Yield what became of each damaged file.

    Parameters
    ----------
    references
        What to repair; all of ``data/`` if empty.
    dry
        Only say which road each file would take.
    on_remote
        Read what the default remote has of these lineages, too, and put right bytes in place of damaged and missing
        objects.

    Raises
    ------
    HeirloomError
        If nothing here or recorded has a name, a revision is asked for, or the config cannot be read.
    """
    units = _units(references)
    config = configuration.load(config_file)
    if not dry:
        redo.recover()
    with _scratch() as folder:
        scratch = Path(folder)
        lineages = sorted({folders.lineage_of(unit) or unit for unit in units})
        records = {} if dvc.unavailable() else {name: repair_records.record_of(name, _md5s, scratch, dry=dry) for name in lineages}
        yield from (outcome for record in records.values() for outcome in record.outcomes if outcome.road)
        listings = {lineage: records[lineage].listing if lineage in records else {} for lineage in lineages}
        units = _with_generations(units, listings)
        case = Case(units, listings, survey.digests(units), config, config_file, scratch, dry)
        yield from _repair(case)
        for lineage, record in records.items():
            if record.outcomes and not record.listing:
                listings[lineage] = yield from _repair_unlisted(lineage, case)
        for lineage in lineages:
            yield from repair_records.repair_numbers(lineage, listings[lineage], dry=dry)
        # a run that is not recorded has manifests that the ledger need not know
        yield from repair_records.repair_ledger({} if unrecorded.is_marked() else listings, dry=dry)
        if on_remote and not dry:
            yield from repair_roads.on_remote(replace(case))  # which reads the listings that this repair has brought


def _repair_unlisted(lineage: str, case: Case) -> Generator[Outcome, None, Mapping[str, str]]:
    """Mend what had no listing: now that its files are right, they may tell what the listing was. Return that."""
    record = repair_records.record_of(lineage, _md5s, case.scratch, dry=case.dry)
    yield from record.outcomes
    if record.listing:
        yield from _repair(replace(case, listings={lineage: record.listing}, files=survey.digests(case.units)))
    return record.listing


def remaining_damage(references: Sequence[str], outcomes: Sequence[Outcome], *, dry: bool = False) -> list[Outcome]:
    """Return what `verify` still finds after a repair, without what the outcomes name as not repaired (in a dry run: name at all)."""
    mismatches: dict[str, str] = {}
    for reference in _or_all(references):
        try:
            verdicts = list(verify.verify(reference))
        except HeirloomError:  # nothing of it is here, which has been said
            continue
        mismatches |= {mismatch.path: mismatch.what for verdict in verdicts for mismatch in verdict.mismatches}
    reported_places = {folders.name_in_unit(outcome.path) for outcome in outcomes if dry or not outcome.road}
    if any(outcome.why == NEWER for outcome in outcomes):
        mismatches.pop(str(LEDGER), None)  # the next record writes it
    return [Outcome(path, "", reason) for path, reason in mismatches.items() if folders.name_in_unit(path) not in reported_places]


def total(outcomes: Sequence[Outcome], *, dry: bool = False) -> str:
    """Return how many files were repaired by which road, in one line."""
    if not outcomes:
        return "nothing to repair: all as recorded"
    roads = Counter(outcome.road.partition(" to ")[0] for outcome in outcomes if outcome.road)
    num_repaired = roads.total()
    num_unrepaired = len(outcomes) - num_repaired
    roads.pop(REDONE, None)
    artefacts = {folders.name_in_unit(outcome.path) for outcome in outcomes if outcome.road == REDONE}
    parts = [f"{number} {'' if road == 'moved' else 'from '}{road}" for road, number in roads.items()]
    parts.append(f"{counted(len(artefacts), 'artefact')} redone")
    verb = "would be repaired" if dry else "repaired"
    return f"{num_repaired} {verb}: {', '.join(parts)}; {num_unrepaired} not repaired"


def _units(references: Sequence[str]) -> list[str]:
    for reference in references:
        if "@" in reference and not Path(reference).exists():
            raise HeirloomError(f"{reference}: repair repairs what lies on disk; git checkout and heirloom restore bring a revision there")
    units = (unit for reference in _or_all(references) for unit in survey.scope(reference))
    return list(dict.fromkeys(units))


def _or_all(references: Sequence[str]) -> Sequence[str | None]:
    return references or [None]


def _scratch() -> tempfile.TemporaryDirectory[str]:
    redo.ASIDE.parent.mkdir(exist_ok=True)
    return tempfile.TemporaryDirectory(dir=redo.ASIDE.parent)


def _with_generations(units: Sequence[str], listings: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return units. If a whole lineage is among them, return all of its generations that are here or recorded."""
    recorded_units = folders.units_of(path for listing in listings.values() for path in listing)
    generations = {unit for unit in recorded_units.union(folders.all_units()) if folders.lineage_of(unit) in units}
    return sorted(generations.union(units))


def _md5s(lineage: str) -> dict[str, str]:
    digests = survey.digests(folders.units_in(lineage))
    return {path: digest.md5 for path, digest in digests.items()}


def _repair(case: Case) -> Iterator[Outcome]:
    """Yield what became of each damaged artefact and each damaged note."""
    damages = _damages(case)
    newer = _newer(case, damages)
    yield from (Outcome(path, "", NEWER) for path in newer)
    damages = [damage for damage in damages if damage.path not in newer and damage.artefact not in newer]
    remarks: dict[str, str] = {}
    for road in (repair_roads.from_stores(case, damages, remarks), repair_roads.strays(case)):
        outcomes = list(road)
        yield from outcomes
        damages = _without(damages, outcomes)
    rebuilt = list(repair_roads.from_records(case, damages))
    yield from rebuilt
    yield from repair_roads.by_jobs(case, _without(damages, rebuilt), remarks)


def _without(damages: Sequence[Damage], outcomes: Sequence[Outcome]) -> list[Damage]:
    repaired_paths = {outcome.path for outcome in outcomes}
    return [damage for damage in damages if damage.path not in repaired_paths]


def _damages(case: Case) -> list[Damage]:
    damages = []
    units_of = verify_records.units_by_lineage(case.units)
    files_of, ledger_of = folders.by_unit(case.files), folders.by_unit(survey.entries_of_ledger())
    for lineage, listing in case.listings.items():
        if listing:
            damages += survey.by_listing(listing, units_of[lineage], case.files)
            continue
        for unit in units_of[lineage]:
            damages += survey.by_notes(unit, files_of.get(unit, {}), ledger_of.get(unit, {}), case.config)
    return damages


def _newer(case: Case, damages: Sequence[Damage]) -> list[str]:
    """Return sound artefacts of a run that nobody has recorded yet, and the provenance of their units."""
    if not unrecorded.is_marked():
        return []
    artefacts = sorted({damage.artefact for damage in damages if damage.md5 and damage.artefact})
    newer = [path for path in artefacts if survey.is_consistent(path, case.files) and not edges.is_misplaced(path)]
    units = folders.units_of(newer)
    provenance = [damage.path for damage in damages if not damage.artefact and folders.unit_of(damage.path) in units]
    return newer + provenance
