"""Pretrained: bring the model that an experiment begins from into the workflow, where it has a fingerprint like everything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from heirloom.families import family
from heirloom.families.base import Fetched
from heirloom.manifest import replacing
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
    model = module.fetch(Pretrained.model_validate(step["model"]))
    with replacing(checkpoint) as temporary:
        module.save(model, temporary)
    finish(step, {}, [checkpoint])
