"""Record: after a run, one process writes down its results, beside the data, in git's results, and in DVC.

No job calls it. A hash over small files says what is already recorded, so that a record of nothing new does not start DVC.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from heirloom import config as configuration
from heirloom import results
from heirloom.artefacts import paths
from heirloom.config import Config
from heirloom.errors import HeirloomError
from heirloom.lineage import completeness, costs, dvc, git, index, ledger, plan, provenance, restore, stamps, unrecorded
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
    """

    recorded: tuple[str, ...]
    left_out: tuple[str, ...]
    new_costs: int
    committed: bool
    unrecorded: str
    missing: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """One line for people."""
        if self.missing:
            more = f" (and {len(self.missing) - 1} more)" if len(self.missing) > 1 else ""
            return f"not recorded: {self.missing[0]}{more}; heirloom repair mends it"
        if self.unrecorded:
            return self.unrecorded
        what = f"recorded {len(self.recorded)} lineage folders" if self.recorded else "nothing new to record"
        if self.absent:
            more = f" (and {len(self.absent) - 1} more)" if len(self.absent) > 1 else ""
            what = f"{what}; {self.absent[0]}{more}, and stays recorded: heirloom repair brings it back"
        return f"{what}; left out, not complete: {', '.join(self.left_out)}" if self.left_out else what


def record(config_file: Path, complete: bool = False) -> RecordReport:
    """Write provenance, ledger and costs, and give DVC the lineages that changed.

    Parameters
    ----------
    config_file
        The config that was run.
    complete
        Whether the whole workflow succeeded. If not, only generations that have their measures are recorded.

    Raises
    ------
    HeirloomError
        If the config file is missing or bad, the ledger or a pointer is damaged, or DVC fails. A missing git repository or DVC
        is no error here but ``unrecorded`` in the report.
    """
    if not config_file.exists():
        raise HeirloomError(f"{config_file}: no such config file")
    config = configuration.load(config_file)
    if reason := git.unusable():
        return RecordReport((), (), 0, committed=False, unrecorded=f"not recorded: {reason}")  # the mark stays: the next run records
    was_marked = unrecorded.is_marked()
    unrecorded.mark()
    restore.restore()  # before live records are read: after `dvc checkout` those of another version may lie there
    found = folders.lineages()
    marks = provenance.marks()
    whole = {
        lineage: [unit for unit in folders.complete_units(lineage, units, marks) if complete or folders.is_finished(unit)]
        for lineage, units in found.items()
    }
    live = provenance.live()
    for unit in (*(unit for units in whole.values() for unit in units), *(set(results.folders()) - marks)):
        provenance.write(unit, live.get(unit, {}))
    half_made = [unit for lineage, units in found.items() for unit in units if folders.is_half_made(unit, whole[lineage])]
    new_costs = costs.gather()
    obstacle = dvc.unavailable()
    recorded, missing, stale = _to_ledger_and_dvc(whole, half_made, config, obstacle)
    restore.remember(restore.signatures())
    committed = complete and not obstacle and not missing and _commit(config)
    if not missing or not was_marked:  # without a mark, no run has left anything to record
        unrecorded.clear()
    absent = () if missing else tuple(completeness.missing(config))
    return RecordReport(tuple(recorded), (*half_made, *stale), new_costs, committed, obstacle, tuple(missing), absent)


def _to_ledger_and_dvc(
    whole: Mapping[str, list[str]], half_made: list[str], config: Config, obstacle: str
) -> tuple[list[str], list[str], list[str]]:
    """Write the ledger and, if DVC can be used, add what changed.

    Returns
    -------
    the lineages that were added, what is missing, and units of which one part was made from other bytes than another has now
    """
    seen = stamps.read(SEEN)
    signatures = {lineage: _signature(lineage, units, config) for lineage, units in whole.items() if units}
    changed = [lineage for lineage, signature in signatures.items() if seen.get(lineage) != signature]
    stale = [unit for lineage in changed for unit in whole[lineage] if completeness.is_stale(unit)]
    whole = {lineage: [unit for unit in units if unit not in stale] for lineage, units in whole.items()}
    half_made = [*half_made, *stale]
    listings = {lineage: {} if obstacle else dvc.listing(lineage) or {} for lineage in changed}
    lost = _losses(listings, config)
    whole = {lineage: _recordable(units, lost.get(lineage, {}), listings.get(lineage, {})) for lineage, units in whole.items()}
    kept_back = {folders.unit_of(artefact) or "" for artefacts in lost.values() for artefact in artefacts}
    dropped = [path for listing in listings.values() for path in completeness.dropped(listing, config)]
    targets = {}
    if not obstacle:
        out = [*half_made, *kept_back]
        targets = {lineage: plan.targets(lineage, whole[lineage], out, dropped) for lineage in changed if whole[lineage]}
    told = changed if seen.get(ledger.LEDGER.name) == plan.ledger_signature() else list(whole)
    whole_lineages = [lineage for lineage in targets if targets[lineage] == [lineage]]
    ledger.write([unit for lineage in told for unit in whole[lineage]], whole_lineages, kept=list(lost))
    missing = [what for artefacts in lost.values() for what in artefacts.values()]
    if obstacle:
        return [], missing, stale
    with dvc.hidden([unit for unit in half_made if folders.lineage_of(unit) in whole_lineages]):
        dvc.add([target for lineage in targets for target in targets[lineage]])
    in_part = {folders.lineage_of(unit) for unit in half_made} | set(lost)
    dvc.relink([lineage for lineage in targets if lineage not in in_part and plan.takes_twice(lineage, whole[lineage])])
    signatures |= {lineage: _signature(lineage, whole[lineage], config) for lineage in changed}  # the .dvc file is in it
    remembered = {lineage: signature for lineage, signature in signatures.items() if lineage not in lost}
    stamps.write(SEEN, {**seen, **remembered, ledger.LEDGER.name: plan.ledger_signature()})
    return [lineage for lineage in targets if targets[lineage]], missing, stale


def _signature(lineage: str, units: list[str], config: Config) -> str:
    """Return what distinguishes versions of a lineage, and which of its checkpoints the config keeps."""
    experiment = config.experiments.get(Path(lineage).parts[1])
    return f"{plan.signature(lineage, units)} {experiment.keep_checkpoints if experiment else ''}"


def _losses(listings: Mapping[str, Mapping[str, str]], config: Config) -> dict[str, dict[str, str]]:
    """Return lineage → artefact → what is wrong with it, for the lineages of which a record would lose or spoil something."""
    named: dict[str, list[str]] = {lineage: [] for lineage in listings}
    for path in index.read_ledger():
        named.get(folders.lineage_of(path) or "", []).append(path)
    wrong = {lineage: completeness.losses(lineage, named[lineage], config, listing) for lineage, listing in listings.items()}
    return {lineage: artefacts for lineage, artefacts in wrong.items() if artefacts}


def _recordable(units: list[str], lost: Mapping[str, str], listing: Mapping[str, str]) -> list[str]:
    """Return the units of a lineage that can be recorded without a loss: none if DVC would record the whole lineage again."""
    if lost and not listing:
        return []
    spoilt = {folders.unit_of(artefact) for artefact in lost}
    return [unit for unit in units if unit not in spoilt]


def _commit(config: Config) -> bool:
    """Tell DVC that the workflow is up to date, if it is the default config that was run, and all of it; return whether that was news."""
    if "DVC_STAGE" in os.environ or config.results != results.DEFAULT:
        return False  # under `dvc repro` DVC says so itself; dvc.yaml speaks of the default config alone
    if not dvc.PIPELINE.exists():
        return False
    measures = [paths.fingerprint(path) for _, path in measure_files(config)]
    if not all(Path(path).exists() for path in (config.results.headlines, *measures)):
        return False
    seen = stamps.read(SEEN)
    if seen.get(dvc.STAGE) == plan.workflow_signature():
        return False
    dvc.commit()
    stamps.write(SEEN, {**seen, dvc.STAGE: plan.workflow_signature()})
    return True
