"""Train: fit a generation's model to its training set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

from heirloom import processes, streams
from heirloom.dataset import Dataset
from heirloom.families import family
from heirloom.families.base import Resumable
from heirloom.manifest import replacing
from heirloom.steps import resume
from heirloom.steps.common import finish, naming


def run(step: Mapping[str, Any], train: str, start: str | None, checkpoint: str, valid: str | None = None) -> None:
    """Write the checkpoint of one generation.

    Parameters
    ----------
    train
        The training set.
    start
        Checkpoint whose weights the training begins from, or None.
    checkpoint
        The folder to write.
    valid
        Real rows that choose among the states of the training, or None.
    """
    module, inputs = family(step["family"]), {"train": train, "start": start or "", "valid": valid or ""}
    stream = streams.step(step["seed"], step["regime"], step["generation"], "train")
    begun = module.load(Path(start)) if start else None
    rows, fit = Dataset.open(train), module.Fit.model_validate(step["fit"])
    held = {"validation": Dataset.open(valid)} if valid else {}
    with resume.state(step, inputs, checkpoint) as state:
        can_resume = "resume" in module.Spec.abilities
        fitted: Callable[..., Any] = partial(cast("Resumable", module).resume, state=state) if can_resume else module.train
        with naming(step["generation"]):
            model = fitted(rows, fit, begun, stream, **held)
        if processes.rank() == 0:
            with replacing(checkpoint) as temporary:
                module.save(model, temporary)
            finish(step, inputs, [checkpoint])
