"""Record: after a run, one process writes down its results, beside the data, in git's results, and in DVC.

No job calls it. A hash over small files says what is already recorded, so that a record of nothing new does not start DVC.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from heirloom import config as configuration
from heirloom import results
from heirloom.artefacts import paths
from heirloom.config import Config
from heirloom.errors import HeirloomError, first_of
from heirloom.lineage import completeness, costs, dvc, foreign, git, index, ledger, plan, pointers, provenance, restore, stamps, unrecorded
from heirloom.lineage.foreign import Foreign
from heirloom.numerals import counted
from heirloom.workflow import folders
from heirloom.workflow.jobs import measure_files

SEEN = Path(".heirloom/recorded.json")


@dataclass(frozen=True)
class RecordReport:
    """What a record found and did.

    Attributes
    ----------
    recorded
        Lineage folders that were given to DVC, sorted.
    left_out
        Units that are half made: running, interrupted or failed. What was recorded of them before stays recorded.
    new_costs
        Number of new rows in the cost table.
    committed
        Whether the stage `workflow` was brought up to date in dvc.lock.
    unrecorded
        Why DVC could not be used, in one line, or an empty string.
    missing
        Artefacts that the ledger names, or that have a fingerprint, and that are not here as they were made, each with what is
        wrong. Their lineage keeps its record; if DVC has recorded the lineage before, only their generation does.
    absent
        The same for artefacts that are recorded as they were and are only missing here.
    foreign
        Artefacts of another version, the first of each unit. What was recorded in the unit's place stays recorded.
    """

    recorded: tuple[str, ...]
    left_out: tuple[str, ...]
    new_costs: int
    committed: bool
    unrecorded: str
    missing: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    foreign: tuple[Foreign, ...] = ()

    @property
    def replacing(self) -> list[str]:
        """What is wrong with the artefacts of another version that lie in the place of recorded ones."""
        return [one.fault for one in self.foreign if one.is_in_place]

    @property
    def line(self) -> str:
        """One line for people."""
        if self.missing:
            return f"not recorded: {first_of(self.missing)}; heirloom repair repairs it"
        if self.unrecorded:
            return self.unrecorded
        if self.replacing:
            return f"not recorded: {first_of(self.replacing)}; heirloom restore brings those of this one"
        line = f"recorded {counted(len(self.recorded), 'lineage folder')}" if self.recorded else "nothing new to record"
        if self.absent:
            line += f"; {first_of(self.absent)}, and stays recorded: heirloom repair brings it back"
        if self.left_out:
            line += f"; left out, not complete: {first_of(self.left_out)}"
        if self.foreign:
            line += f"; left out, {first_of([one.fault for one in self.foreign])}"
        return line


def record(config_file: Path, complete: bool = False, *, of_targets: bool = False) -> RecordReport:
    """Write provenance, ledger and costs, and give DVC the lineages that changed.

    Parameters
    ----------
    config_file
        The config that was run.
    complete
        Whether a run succeeded. If not, only generations that have their measures are recorded.
    of_targets
        Whether that run was of some targets alone, so that the stage of the whole workflow stays as it was.

    Raises
    ------
    HeirloomError
        If the config file is missing or bad, the ledger or a pointer is damaged, or DVC fails. A missing git repository or DVC
        is no error here but ``unrecorded`` in the report.
    """
    if not config_file.exists():
        raise HeirloomError(f"{config_file}: no such config file")
    config = configuration.load(config_file)
    reason = git.unusable()
    if reason:
        return RecordReport((), (), 0, committed=False, unrecorded=f"not recorded: {reason}")  # the mark stays: the next run records
    was_marked = unrecorded.is_marked()
    unrecorded.mark()
    restore.restore()  # before live records are read: after `dvc checkout` those of another version may lie there
    lineages = folders.lineages()
    marks = provenance.marks()
    complete_units = {lineage: _complete_units(lineage, units, marks, complete) for lineage, units in lineages.items()}
    foreign_of = foreign.in_units(chain.from_iterable(complete_units.values()), config)  # by the provenance that lies here
    complete_units = {lineage: _own_units(lineage, units, foreign_of) for lineage, units in complete_units.items()}
    _write_provenance([*chain.from_iterable(complete_units.values()), *(set(results.folders()) - marks)])
    half_made = [unit for lineage, units in lineages.items() for unit in units if folders.is_half_made(unit, complete_units[lineage])]
    new_costs = costs.gather()
    obstacle = dvc.unavailable()
    recorded, faults, stale = _to_ledger_and_dvc(complete_units, half_made, config, obstacle)
    restore.remember(restore.signatures())
    is_whole = complete and not of_targets
    versions = tuple(found[0] for found in foreign_of.values())
    is_replaced = any(one.is_in_place for one in versions)
    committed = is_whole and not (obstacle or faults or is_replaced) and _commit(config)
    if is_whole:
        unrecorded.clear_stage()
    else:
        unrecorded.mark_stage()
    if not (faults or is_replaced) or not was_marked:  # without a mark, no run has left anything to record
        unrecorded.clear()
    absent = () if faults or is_replaced else tuple(completeness.missing_artefacts(config))
    left_out = [unit for unit in (*half_made, *stale) if unit not in foreign_of]
    return RecordReport(tuple(recorded), tuple(left_out), new_costs, committed, obstacle, tuple(faults), absent, versions)


def _complete_units(lineage: str, units: Collection[str], marks: Collection[str], complete: bool) -> list[str]:
    """Return the units of a lineage that are complete; of a run that did not succeed, those of them that have their measures."""
    complete_units = folders.complete_units(lineage, units, marks)
    return [unit for unit in complete_units if complete or folders.is_finished(unit)]


def _own_units(lineage: str, units: list[str], foreign_of: Collection[str]) -> list[str]:
    """Return the units of a lineage without those of another version; none if DVC would record the lineage anew, without these."""
    own_units = [unit for unit in units if unit not in foreign_of]
    is_to_be_merged = len(own_units) < len(units) and pointers.file_of(lineage).exists()
    return [] if is_to_be_merged and dvc.listing(lineage) is None else own_units


def _write_provenance(units: Iterable[str]) -> None:
    live = provenance.live()
    for unit in units:
        provenance.write(unit, live.get(unit, {}))


def _to_ledger_and_dvc(
    units_of: Mapping[str, list[str]], half_made: list[str], config: Config, obstacle: str
) -> tuple[list[str], list[str], list[str]]:
    """Write the ledger and, if DVC can be used, add what changed.

    Parameters
    ----------
    units_of
        Lineage → its complete units.

    Returns
    -------
    the lineages that were added, what is missing, and units of which one part was made from other bytes than another has now
    """
    stamps_before = stamps.read(SEEN)
    signatures = {lineage: _signature(lineage, units, config) for lineage, units in units_of.items() if units}
    changed_lineages = [lineage for lineage, signature in signatures.items() if stamps_before.get(lineage) != signature]
    stale = [unit for lineage in changed_lineages for unit in units_of[lineage] if completeness.is_stale(unit)]
    listings = {lineage: {} if obstacle else dvc.listing(lineage) or {} for lineage in changed_lineages}
    losses = _losses(listings, config)
    units_of = {
        lineage: _recordable(units, stale, losses.get(lineage, {}), listings.get(lineage, {})) for lineage, units in units_of.items()
    }
    half_made = [*half_made, *stale]
    targets = {} if obstacle else _targets(units_of, half_made, losses, listings, config)
    whole_lineages = [lineage for lineage in targets if targets[lineage] == [lineage]]
    is_same_ledger = stamps_before.get(ledger.LEDGER.name) == plan.ledger_signature()
    to_write = [unit for lineage in (changed_lineages if is_same_ledger else units_of) for unit in units_of[lineage]]
    ledger.write(to_write, whole_lineages, incomplete=list(losses))
    faults = [fault for artefacts in losses.values() for fault in artefacts.values()]
    if obstacle:
        return [], faults, stale
    _add(targets, whole_lineages, units_of, half_made, losses)
    signatures |= {lineage: _signature(lineage, units_of[lineage], config) for lineage in changed_lineages}  # the .dvc file is in it
    new_stamps = {lineage: signature for lineage, signature in signatures.items() if lineage not in losses}
    stamps.write(SEEN, {**stamps_before, **new_stamps, ledger.LEDGER.name: plan.ledger_signature()})
    return [lineage for lineage in targets if targets[lineage]], faults, stale


def _targets(
    units_of: Mapping[str, list[str]],
    half_made: list[str],
    losses: Mapping[str, Iterable[str]],
    listings: Mapping[str, Mapping[str, str]],
    config: Config,
) -> dict[str, list[str]]:
    """Return lineage → what to give to DVC, of the lineages that have changed."""
    incomplete = [*half_made, *folders.units_of(artefact for artefacts in losses.values() for artefact in artefacts)]
    dropped_checkpoints = [path for listing in listings.values() for path in completeness.dropped_checkpoints(listing, config)]
    return {lineage: plan.targets(lineage, units_of[lineage], incomplete, dropped_checkpoints) for lineage in listings if units_of[lineage]}


def _add(
    targets: Mapping[str, list[str]],
    whole_lineages: list[str],
    units_of: Mapping[str, list[str]],
    half_made: list[str],
    losses: Mapping[str, Mapping[str, str]],
) -> None:
    """Add targets to DVC, half-made units hidden from it, and make links of large files that would lie on the disk twice."""
    hidden_units = [unit for unit in half_made if folders.lineage_of(unit) in whole_lineages]
    with dvc.hidden(hidden_units):
        dvc.add([*chain.from_iterable(targets.values())])
    partial_lineages = {folders.lineage_of(unit) for unit in half_made} | set(losses)
    complete_lineages = [lineage for lineage in targets if lineage not in partial_lineages]
    dvc.relink([lineage for lineage in complete_lineages if plan.takes_twice(lineage, units_of[lineage])])


def _signature(lineage: str, units: list[str], config: Config) -> str:
    """Return what distinguishes versions of a lineage, and which of its checkpoints the config keeps."""
    experiment = config.experiments.get(Path(lineage).parts[1])
    return f"{plan.signature(lineage, units)} {experiment.keep_checkpoints if experiment else ''}"


def _losses(listings: Mapping[str, Mapping[str, str]], config: Config) -> dict[str, dict[str, str]]:
    """Return lineage → artefact → what is wrong with it, for the lineages of which a record would lose or spoil something."""
    if not listings:
        return {}
    ledger_paths: dict[str, list[str]] = {lineage: [] for lineage in listings}
    for path in index.read_ledger():
        ledger_paths.get(folders.lineage_of(path) or "", []).append(path)
    losses = {}
    for lineage, listing in listings.items():
        losses_of_lineage = completeness.losses(lineage, ledger_paths[lineage], config, listing)
        if losses_of_lineage:
            losses[lineage] = losses_of_lineage
    return losses


def _recordable(units: list[str], stale: list[str], losses: Mapping[str, str], listing: Mapping[str, str]) -> list[str]:
    """Return the units of a lineage that can be recorded without a loss: none if DVC would record the whole lineage again."""
    if losses and not listing:
        return []
    excluded_units = {*stale, *folders.units_of(losses)}
    return [unit for unit in units if unit not in excluded_units]


def _commit(config: Config) -> bool:
    """Tell DVC that the workflow is up to date, if it is the default config that was run, and all of it; return whether that was news."""
    if "DVC_STAGE" in os.environ or config.results != results.DEFAULT:
        return False  # under `dvc repro` DVC says so itself; dvc.yaml speaks of the default config alone
    if not dvc.PIPELINE.exists():
        return False
    measures = [paths.fingerprint(path) for _, path in measure_files(config)]
    if not all(Path(path).exists() for path in (config.results.headlines, *measures)):
        return False
    stamps_before = stamps.read(SEEN)
    if stamps_before.get(dvc.STAGE) == plan.workflow_signature():
        return False
    dvc.commit()
    stamps.write(SEEN, {**stamps_before, dvc.STAGE: plan.workflow_signature()})
    return True
