"""Steps by hand: the slices of their jobs, as Snakemake's rules ask for them."""

from __future__ import annotations

from typing import Any

from heirloom.artefacts.kinds import REAL, Key
from heirloom.config import Config
from heirloom.workflow.steps import STEPS


def slice_of(step: str, config: Config, experiment: str, regime: str = REAL, seed: int | None = None, generation: int | None = None) -> Any:
    """Return the slice of a job."""
    return STEPS[step].slice(config, Key(experiment, regime, seed, generation))


def fields_of(step: str, *key: Any, **more: Any) -> dict[str, Any]:
    """Return the slice of a job as JSON has it."""
    return dict(slice_of(step, *key, **more).json_fields())
