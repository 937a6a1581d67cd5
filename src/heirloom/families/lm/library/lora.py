"""Low-rank adapters: a model whose whole weights stay as they are, beside small matrices that learn.

Hu et al. (2021), LoRA: Low-Rank Adaptation of Large Language Models, equation 3, by the `peft` library.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from heirloom.errors import HeirloomError
from heirloom.families import pretrained_weights
from heirloom.runtime import streams
from heirloom.runtime.streams import Stream
from heirloom.specs.causal_lm import Lora

_NOISE = 1e-3  # share of the logits' spread by which float32 products of two orders may differ


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what `peft` still calls by an old name from warning the user, who can do nothing about it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        warnings.filterwarnings("ignore", message=".*(tie_word_embeddings|tied)", category=UserWarning)  # `merged` unties them
        warnings.filterwarnings("ignore", message=".*fan_in_fan_out", category=UserWarning)
        yield


def wrapped(module: Any, settings: Lora, stream: Stream) -> Any:
    """Return a module with new adapters, which alone can be trained.

    Raises
    ------
    HeirloomError
        If no layer has one of the names in ``targets``.
    """
    import peft

    adapters = peft.LoraConfig(
        task_type="CAUSAL_LM",
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=settings.targets if isinstance(settings.targets, str) else list(settings.targets),
        fan_in_fan_out=any(type(layer).__name__ == "Conv1D" for layer in module.modules()),
    )
    try:
        with streams.torch_noise(stream), quiet():
            return peft.get_peft_model(module, adapters)
    except ValueError as error:
        raise HeirloomError(f"family.training.lora.targets: {' '.join(str(error).split())}") from None


def merged(module: Any) -> Any:
    """Return the whole model that an adapted one amounts to; a module without adapters as it is.

    A weight that an adapted layer shares with another layer, as a tied head does with the embedding, becomes that layer's own first:
    what is added to it belongs to that layer alone.

    Raises
    ------
    HeirloomError
        If the whole model has other logits than the adapted one.
    """
    if not hasattr(module, "peft_config"):
        return module
    rows_BT = pretrained_weights.probe_rows(module)
    adapted_BTV = pretrained_weights.probe_logits(module, rows_BT)
    _untie(module)
    with quiet():
        model = module.merge_and_unload()
    pretrained_weights.record_ties(model)
    model_BTV = pretrained_weights.probe_logits(model, rows_BT)
    difference = float((model_BTV - adapted_BTV).abs().max())
    if not difference <= _NOISE * float(adapted_BTV.std()):
        raise HeirloomError(
            f"family.training.lora: with its adapters added to the weights the model is not the one that was trained (logits differ by "
            f"{difference:.2g}); use checkpoint: adapter, or other targets"
        )
    return model


def _untie(module: Any) -> None:
    """Give each adapted layer weights of its own where another layer has the same ones."""
    import torch
    from peft.tuners.tuners_utils import BaseTunerLayer

    owners = Counter(id(weight) for _, weight in module.named_parameters(remove_duplicate=False))
    for layer in module.modules():
        base: Any = layer.get_base_layer() if isinstance(layer, BaseTunerLayer) else None
        if base is not None and owners[id(base.weight)] > 1:
            base.weight = torch.nn.Parameter(base.weight.detach().clone(), requires_grad=base.weight.requires_grad)
