"""How many files a job leaves: disks of clusters have a quota of files as well as of bytes."""

from __future__ import annotations

from heirloom.artefacts import kinds
from heirloom.artefacts.kinds import Kind
from heirloom.config import Config
from heirloom.workflow.step import Job
from heirloom.workflow.steps import STEPS

_NOTES = 2
"""Files beside an artefact: its manifest and its fingerprint."""
_RECORDS = 1 + _NOTES
"""Snakemake's records of an artefact's job: one for the artefact, and one for each note."""
_LOGS = 2
"""Files of a job under ``logs/``: its log, and what it cost."""
_MODEL_FILES = 2
"""Files of a checkpoint: weights and their shape. Models of a library have a few more."""
_SAMPLED = (kinds.SYNTHETIC, kinds.TRAIN, kinds.CHECKPOINT)
"""What a chain leaves of each generation of which it keeps a snapshot."""


def files(config: Config, job: Job) -> int:
    """Return about how many files a job leaves, Snakemake's own among them; DVC's cache has one more for each file under ``data/``."""
    step, experiment = STEPS[job.step], config.experiments[job.experiment]
    made = [kind for role, kind in step.makes.items() if role not in step.optional or experiment.is_text]
    left = [kinds.REPLICAS, *len(experiment.snapshots) * _SAMPLED] if step.leaves else []
    artefacts = sum(_files_of(kind) for kind in (*made, *left))
    notes_of_unit = step.is_asked or step.place == kinds.REAL_FOLDER  # where the records of a unit's jobs are kept: provenance.jsonl
    return artefacts + _RECORDS * len(made) + _LOGS + notes_of_unit


def _files_of(kind: Kind) -> int:
    return _NOTES + (_MODEL_FILES if kind.is_folder else 1)
