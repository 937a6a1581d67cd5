"""Blend: repair a generation's model after its training, by a point on the line between it and another model of its lineage."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from heirloom.artefacts import kinds
from heirloom.artefacts.files import replacing
from heirloom.artefacts.kinds import Key, Kind
from heirloom.families import family
from heirloom.families.abilities import Repairable
from heirloom.steps import slices
from heirloom.steps.common import Paths, finish, naming

if TYPE_CHECKING:
    from heirloom.config import Config


class Slice(slices.GenerationSlice):
    """What a repaired model depends on: the base, and its share.

    Attributes
    ----------
    base
        Which model is the base: ``origin`` or ``previous``.
    base_share
        b in b base + (1 - b) trained.
    """

    name = "blend"

    family: str
    base: str
    base_share: float


def slice_of(config: Config, key: Key) -> Slice:
    """Return the slice of a generation's repair, of a regime that has one."""
    experiment, repair = config.experiments[key.experiment], config.regimes[key.regime].repair
    assert repair is not None
    code = slices.family_code(experiment, ("blended", "load", "save"))
    return Slice(
        **slices.common(config, Slice, "heirloom.steps.blend:run", *code),
        **slices.place(config, key),
        **slices.package(config.experiments[key.experiment]),
        family=experiment.family.name,
        base=repair.base,
        base_share=repair.base_share,
    )


def run(step: Slice, inputs: Paths, outputs: Paths) -> None:
    """Write the repaired model.

    Parameters
    ----------
    inputs
        ``checkpoint``: the generation's model as it was trained. ``base``: the model that it is moved along with.
    outputs
        ``repaired``: the folder to write.
    """
    module = family(step.family)
    trained, base = (module.load(Path(inputs[role])) for role in ("checkpoint", "base"))
    model = repaired(step, trained, base, step.generation)
    with replacing(outputs["repaired"]) as temporary:
        module.save(model, temporary)
    finish(step, inputs, [outputs["repaired"]])


def repaired(step: Slice, trained: Any, base: Any, generation: int) -> Any:
    """Return b base + (1 - b) trained with the slice's share b, as the family adds its models."""
    module = cast("Repairable", family(step.family))
    with naming(generation):
        return module.blended(trained, base, step.base_share)


def models(step: Slice | None, trained: Any, bases: Mapping[str, Any], generation: int) -> dict[Kind, Any]:
    """Return a generation's models by kind: the trained one, and behind it the repaired one where a slice is given.

    Parameters
    ----------
    bases
        Name → model: ``origin``, and ``previous``, the model that wrote the generation's synthetic rows.
    """
    checkpoint = {kinds.CHECKPOINT: trained}
    return checkpoint | ({kinds.REPAIRED: repaired(step, trained, bases[step.base], generation)} if step else {})
