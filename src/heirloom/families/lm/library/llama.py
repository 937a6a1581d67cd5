"""A Llama of `transformers` as a model of the project's own engine: the same weights, and the same tokens up to rounding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heirloom.errors import HeirloomError
from heirloom.families import pretrained
from heirloom.families.lm.library.model import CausalLM
from heirloom.families.lm.native.checkpoint import as_stored, shape_of
from heirloom.families.lm.native.model import Llama, LlamaShape, parameter_shapes
from heirloom.specs.pretrained import Pretrained


def llama(model: CausalLM) -> Llama:
    """Return the model for the native engine; weights are shared, not copied.

    Raises
    ------
    HeirloomError
        If it is of another architecture, or an adapter.
    """
    if model.is_adapter:
        raise HeirloomError("sampling.engine: native reads whole weights; use lora.checkpoint: merged, or engine: transformers")
    config = model.module.config.to_dict() | {"architectures": [type(model.module).__name__]}
    shape, weights = as_stored(readable_shape(config), model.module.state_dict())
    return Llama(shape, {name: weights[name] for name in parameter_shapes(shape)})


def readable_shape(config: Mapping[str, Any]) -> LlamaShape:
    """Return the shape that a model's configuration tells.

    Raises
    ------
    HeirloomError
        If the engine cannot read such a model.
    """
    try:
        return shape_of(config, "family.model")
    except HeirloomError as error:
        raise HeirloomError(f"sampling.engine: native is for models of the Llama architecture; {error}; use engine: transformers") from None


def check_native(spec: Pretrained) -> None:
    """Check that the project's own engine can write with a model of this configuration.

    Raises
    ------
    HeirloomError
        If it is no Llama; or the configuration cannot be had.
    """
    settings = pretrained.configuration(spec).get_text_config().to_dict()
    readable_shape({key: value for key, value in settings.items() if value is not None})  # GGUF names no class
