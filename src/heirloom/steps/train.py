"""Train: fit a generation's model to its training set."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from heirloom.artefacts.files import replacing
from heirloom.artefacts.kinds import Key
from heirloom.data.dataset import Dataset
from heirloom.families import family
from heirloom.families.abilities import Resumable
from heirloom.runtime import processes
from heirloom.steps import resume, slices
from heirloom.steps.common import Paths, finish, naming

if TYPE_CHECKING:
    from heirloom.config import Config


class Slice(slices.GenerationSlice):
    """What a training depends on: the settings of this generation's fit."""

    name = "train"

    family: str
    fit: slices.Settings
    num_processes: int = 1


def slice_of(config: Config, key: Key) -> Slice:
    """Return the slice of a generation's training."""
    experiment = config.experiments[key.experiment]
    assert key.generation is not None
    fit = experiment.family.training.fit_settings(key.generation, experiment.text)
    functions = ("train", "resume") if "resume" in experiment.family.abilities else ("train",)
    code = slices.family_code(experiment, (*functions, "load", "save"))
    process_fields: slices.Settings = {"num_processes": experiment.num_processes} if experiment.num_processes > 1 else {}
    return Slice(
        **slices.common(config, Slice, "heirloom.steps.train:run", *code),
        **slices.place(config, key),
        **slices.device(experiment),
        **slices.package(experiment),
        family=experiment.family.name,
        fit=slices.full_settings(fit),
        **process_fields,
    )


def run(step: Slice, inputs: Paths, outputs: Paths) -> None:
    """Write the checkpoint of one generation.

    Parameters
    ----------
    inputs
        ``train``: the training set. ``start``: the checkpoint whose weights the training begins from, if any. ``valid``: real rows that
        choose among the states of the training, if any do.
    outputs
        ``checkpoint``: the folder to write.
    """
    module, checkpoint = family(step.family), outputs["checkpoint"]
    start, valid = inputs.get("start"), inputs.get("valid")
    stream = step.stream(step.generation)
    parent = module.load(Path(start)) if start else None
    rows, fit = Dataset.open(inputs["train"]), module.Fit.model_validate(step.fit)
    held_out = {"validation": Dataset.open(valid)} if valid else {}
    with resume.state(step, inputs, checkpoint) as state:
        can_resume = "resume" in module.Spec.abilities
        train: Callable[..., Any] = partial(cast("Resumable", module).resume, state=state) if can_resume else module.train
        with naming(step.generation):
            model = train(rows, fit, parent, stream, **held_out)
        if processes.rank() == 0:
            with replacing(checkpoint) as temporary:
                module.save(model, temporary)
            finish(step, inputs, [checkpoint])
