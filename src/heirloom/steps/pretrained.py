"""Pretrained: bring the model that an experiment begins from into the workflow, where it has a fingerprint like everything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from heirloom.families import family, pretrained_files
from heirloom.families.base import Fetched
from heirloom.manifest import replacing
from heirloom.sources.input_files import reading
from heirloom.specs.pretrained import Pretrained
from heirloom.steps.common import finish


def run(step: Mapping[str, Any], checkpoint: str) -> None:
    """Write a pretrained model as a checkpoint.

    Parameters
    ----------
    checkpoint
        The folder to write.
    """
    module = cast("Fetched", family(step["family"]))
    spec = Pretrained.model_validate(step["model"])
    local = pretrained_files.model_files(spec)
    spec, fetched = pretrained_files.fetch_model(spec)
    with replacing(checkpoint) as temporary:
        with reading(local, step.get("files"), fetched) as inputs:
            model = module.fetch(spec)
        module.save(model, temporary)
    finish(step, {}, [checkpoint], sources=inputs, counts={"files": len(inputs)})
