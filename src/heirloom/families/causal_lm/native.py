"""A Llama of `transformers` as a model of the project's own engine: the same weights, and the same tokens up to rounding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heirloom.errors import HeirloomError
from heirloom.families.causal_lm.model import CausalLM
from heirloom.families.transformer.checkpoint import as_stored, shape_of
from heirloom.families.transformer.model import Llama, LlamaShape, parameter_shapes


def llama(model: CausalLM) -> Llama:
    """Return the model for `families.transformer`; weights are shared, not copied.

    Raises
    ------
    HeirloomError
        If it is of another architecture, or an adapter.
    """
    if model.is_adapter:
        raise HeirloomError("sampling.engine: native reads whole weights; use lora.checkpoint: merged, or engine: transformers")
    told = model.module.config.to_dict() | {"architectures": [type(model.module).__name__]}
    shape, weights = as_stored(readable_shape(told), model.module.state_dict())
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
