"""Low-rank adapters: a model whose whole weights stay as they are, beside small matrices that learn.

Hu et al. (2021), LoRA: Low-Rank Adaptation of Large Language Models, equation 3, by the `peft` library.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from heirloom import streams
from heirloom.errors import HeirloomError
from heirloom.specs.causal_lm import Lora
from heirloom.streams import Stream


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what `peft` still calls by an old name from warning the user, who can do nothing about it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


def wrapped(module: Any, settings: Lora, stream: Stream) -> Any:
    """Return a module with new adapters, which alone can be trained.

    Raises
    ------
    HeirloomError
        If no layer has one of the names in ``targets``.
    """
    import peft

    wanted = peft.LoraConfig(
        task_type="CAUSAL_LM",
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=settings.targets if isinstance(settings.targets, str) else list(settings.targets),
        fan_in_fan_out=any(type(layer).__name__ == "Conv1D" for layer in module.modules()),
    )
    try:
        with streams.torch_noise(stream), quiet():
            return peft.get_peft_model(module, wanted)
    except ValueError as error:
        raise HeirloomError(f"family.training.lora.targets: {' '.join(str(error).split())}") from None


def merged(module: Any) -> Any:
    """Return the whole model that an adapted one amounts to; a module without adapters as it is."""
    return module.merge_and_unload() if hasattr(module, "peft_config") else module
