"""Record: after a run, one process writes down what came of it, beside the data, in git's results, and in DVC.

Never called from a job. What is already recorded is told by a hash over small files, so that a record of nothing new starts no DVC.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from heirloom import config as configuration
from heirloom import paths
from heirloom.errors import HeirloomError
from heirloom.lineage import costs, dvc, folders, ledger, plan, provenance, restore, stamps
from heirloom.report import tables

SEEN = Path(".heirloom/recorded.json")
DEFAULT_CONFIG = Path("config.yaml")


@dataclass(frozen=True)
class RecordReport:
    """What a record found and did.

    Attributes
    ----------
    recorded
        Lineage folders that DVC was given, sorted.
    left_out
        Units that are half made: running, interrupted or failed. What was recorded of them before stays recorded.
    new_costs
        Rows new in the cost table.
    committed
        Whether the stage `workflow` was brought up to date in dvc.lock.
    unrecorded
        Why DVC could not be used, in one line, or an empty string.
    """

    recorded: tuple[str, ...]
    left_out: tuple[str, ...]
    new_costs: int
    committed: bool
    unrecorded: str

    @property
    def line(self) -> str:
        """One line for people."""
        if self.unrecorded:
            return self.unrecorded
        what = f"recorded {len(self.recorded)} lineage folders" if self.recorded else "nothing new to record"
        return f"{what}; left out, not complete: {', '.join(self.left_out)}" if self.left_out else what


def record(config_file: Path, complete: bool = False) -> RecordReport:
    """Write provenance, ledger and costs, and give DVC the lineages that changed.

    Parameters
    ----------
    config_file
        The config that was run.
    complete
        Whether the whole workflow succeeded. If not, only generations that were carried through to their measures are recorded.

    Raises
    ------
    HeirloomError
        If the config file is missing, or DVC fails. A missing git repository or DVC is no error here but ``unrecorded`` in the report.
    """
    if not config_file.exists():
        raise HeirloomError(f"{config_file}: no such config file")
    restore.restore()  # before live records are read: after `dvc checkout` those of another version may lie there
    found = folders.lineages()
    marks = provenance.marks()
    whole = {
        lineage: [unit for unit in folders.whole(lineage, units, marks) if complete or folders.is_finished(unit)]
        for lineage, units in found.items()
    }
    live = provenance.live()
    for unit in (*(unit for units in whole.values() for unit in units), *({paths.RESULTS} - marks)):
        provenance.write(unit, live.get(unit, {}))
    half_made = [unit for lineage, units in found.items() for unit in units if folders.is_half_made(unit, whole[lineage])]
    new_costs = costs.gather()
    unrecorded = dvc.unavailable()
    recorded = _to_ledger_and_dvc(whole, half_made, unrecorded)
    restore.remember(restore.signatures())
    committed = complete and not unrecorded and _commit(config_file)
    return RecordReport(tuple(recorded), tuple(half_made), new_costs, committed, unrecorded)


def _to_ledger_and_dvc(whole: Mapping[str, list[str]], half_made: Collection[str], unrecorded: str) -> list[str]:
    """Write the ledger and, if DVC can be used, add what changed; return the lineages that were added."""
    seen = stamps.read(SEEN)
    now = {lineage: plan.signature(lineage, units) for lineage, units in whole.items() if units}
    changed = [lineage for lineage, signature in now.items() if seen.get(lineage) != signature]
    targets = {} if unrecorded else {lineage: plan.targets(lineage, whole[lineage], half_made) for lineage in changed}
    told = changed if seen.get(ledger.LEDGER.name) == plan.ledger_signature() else list(whole)
    ledger.write([unit for lineage in told for unit in whole[lineage]], [lineage for lineage in targets if targets[lineage] == [lineage]])
    if unrecorded:
        return []
    with dvc.hidden([unit for unit in half_made if targets.get(lineage := folders.lineage_of(unit) or unit) == [lineage]]):
        dvc.add([target for lineage in targets for target in targets[lineage]])
    in_part = {folders.lineage_of(unit) for unit in half_made}
    dvc.relink([lineage for lineage in targets if lineage not in in_part and plan.takes_twice(lineage, whole[lineage])])
    now |= {lineage: plan.signature(lineage, whole[lineage]) for lineage in changed}  # the .dvc file is in it
    stamps.write(SEEN, {**seen, **now, ledger.LEDGER.name: plan.ledger_signature()})
    return [lineage for lineage in targets if targets[lineage]]


def _commit(config_file: Path) -> bool:
    """Tell DVC that the workflow is up to date, if it is the default config that was run, and all of it; return whether that was news."""
    if "DVC_STAGE" in os.environ or config_file.resolve() != DEFAULT_CONFIG.resolve():
        return False  # under `dvc repro` DVC says so itself; dvc.yaml speaks of the default config alone
    measures = [paths.fingerprint(path) for _, path in tables.measure_files(configuration.load(config_file))]
    if not all(Path(path).exists() for path in (tables.HEADLINES_FILE, *measures)):
        return False
    seen = stamps.read(SEEN)
    if seen.get(dvc.STAGE) == plan.workflow_signature():
        return False
    dvc.commit()
    stamps.write(SEEN, {**seen, dvc.STAGE: plan.workflow_signature()})
    return True
