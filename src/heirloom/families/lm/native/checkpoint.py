"""A model on disk: an ordinary Hugging Face folder of a Llama, written and read without `transformers`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from heirloom.errors import HeirloomError
from heirloom.families.lm import epochs
from heirloom.families.lm.native.model import EMBEDDING, HEAD, INITIAL_SPREAD, Kind, Llama, LlamaShape, parameter_shapes
from heirloom.families.lm.native.rotary import Stretch
from heirloom.runtime import device

# Heirloom's name of a size -> the name in a Hugging Face Llama configuration.
_HF_NAMES = {
    "vocab_size": "vocab_size",
    "hidden_size": "hidden_size",
    "num_layers": "num_hidden_layers",
    "num_heads": "num_attention_heads",
    "intermediate_size": "intermediate_size",
    "context_tokens": "max_position_embeddings",
    "rms_norm_eps": "rms_norm_eps",
    "tie_word_embeddings": "tie_word_embeddings",
}
_STRETCH_NAMES = {
    "factor": "factor",
    "low": "low_freq_factor",
    "high": "high_freq_factor",
    "original_tokens": "original_max_position_embeddings",
}
_CLASSES: dict[Kind, str] = {"llama": "Llama", "mistral": "Mistral", "qwen2": "Qwen2"}
_ABSENT: dict[Kind, dict[str, Any]] = {
    "llama": {"attention_bias": False, "mlp_bias": False},
    "mistral": {"sliding_window": None},
    "qwen2": {"use_sliding_window": False},
}
"""What a model of each kind may have, and this engine has not."""


def save_folder(model: Llama, folder: Path) -> None:
    """Write ``config.json`` and ``model.safetensors``, as ``transformers`` reads them; equal weights give equal bytes.

    The last epoch's model is written beside the best one where the training was asked for both (`epochs`).
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    config = json.dumps(_to_config(model.shape), indent=2, sort_keys=True)
    (folder / "config.json").write_text(f"{config}\n", encoding="utf-8")
    tensors = {name: weight.detach().contiguous() for name, weight in model.weights.items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    epochs.write(model.epochs, folder, save_folder)


def load_folder(folder: Path) -> Llama:
    """Read a folder written by ``save_folder`` or by ``LlamaForCausalLM.save_pretrained``, as float32.

    Raises
    ------
    HeirloomError
        If a file is missing, the configuration is of another architecture, or a weight is missing or of another shape.
    """
    from safetensors.torch import load_file

    for name in ("config.json", "model.safetensors"):
        if not (folder / name).is_file():
            raise HeirloomError(f"{folder} holds no {name}: a checkpoint has config.json and model.safetensors")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    shape, stored = as_stored(shape_of(config, folder / "config.json"), load_file(folder / "model.safetensors"))
    for name, sizes in parameter_shapes(shape).items():
        if name not in stored or tuple(stored[name].shape) != sizes:
            stored_shape = tuple(stored[name].shape) if name in stored else "nothing"
            raise HeirloomError(f"{folder / 'model.safetensors'}: {name} must have shape {sizes}, found {stored_shape}")
    return Llama(shape, {name: stored[name].to(torch.float32) for name in parameter_shapes(shape)}, epochs.read(folder))


def as_stored(shape: LlamaShape, stored: Mapping[str, Tensor]) -> tuple[LlamaShape, Mapping[str, Tensor]]:
    """Return a shape and its weights with the head and the embedding that the tensors have, as `transformers` reads them.

    ``tie_word_embeddings`` is only a claim: a file that has both under the claim of one is read as two, unless they are equal, and one that
    has the head alone has the embedding, too.
    """
    if not shape.tie_word_embeddings or HEAD not in stored:
        return shape, stored
    if EMBEDDING not in stored:
        return shape, {**stored, EMBEDDING: stored[HEAD]}
    is_tied = torch.equal(stored[HEAD], stored[EMBEDDING])
    return replace(shape, tie_word_embeddings=is_tied), stored


def load(folder: Path) -> Llama:
    """Read a folder as `load_folder` does, onto the device where models live."""
    return load_folder(folder).on(device.current())


def _fixed_config(shape: LlamaShape) -> dict[str, Any]:
    """Return what the configuration of a model of this shape says beside its sizes."""
    config = {
        "architectures": [f"{_CLASSES[shape.kind]}ForCausalLM"],
        "model_type": shape.kind,
        "hidden_act": "silu",
        "head_dim": shape.head_size,
        "num_key_value_heads": shape.kv_heads,
        "rope_parameters": _rope_parameters(shape),
    }
    return config | _ABSENT[shape.kind]


def _rope_parameters(shape: LlamaShape) -> dict[str, Any]:
    if shape.stretch is None:
        return {"rope_theta": shape.rope_theta, "rope_type": "default"}
    stretch = {theirs: getattr(shape.stretch, ours) for ours, theirs in _STRETCH_NAMES.items()}
    return {"rope_theta": shape.rope_theta, "rope_type": "llama3", **stretch}


def _to_config(shape: LlamaShape) -> dict[str, Any]:
    sizes = {theirs: getattr(shape, ours) for ours, theirs in _HF_NAMES.items()}
    unused = {"bos_token_id": None, "eos_token_id": None, "dtype": "float32", "initializer_range": INITIAL_SPREAD}
    return sizes | unused | _fixed_config(shape)


def shape_of(config: Mapping[str, Any], where: object) -> LlamaShape:
    """Return the shape of a Llama from its Hugging Face configuration; ``where`` it stands is for the error.

    Raises
    ------
    HeirloomError
        If it is of another architecture, or uses what this engine has not: sliding windows, biases but Qwen2's, or positions that are
        stretched otherwise than by ``llama3``.
    """
    missing_keys = sorted(theirs for theirs in (*_HF_NAMES.values(), "rope_parameters") if theirs not in config)
    if missing_keys:
        raise HeirloomError(f"{where} lacks {', '.join(missing_keys)}: it must be the configuration of a Llama model")
    kind = config.get("model_type", "llama")
    if kind not in _CLASSES:
        raise HeirloomError(f"{where}: model_type is {kind!r}, and only {', '.join(_CLASSES)} can be read")
    sizes, rope = {ours: config[theirs] for ours, theirs in _HF_NAMES.items()}, config["rope_parameters"]
    kv_heads = config.get("num_key_value_heads", sizes["num_heads"])
    shape = LlamaShape(
        **sizes,
        rope_theta=rope.get("rope_theta", math.nan),
        num_kv_heads=kv_heads if kv_heads != sizes["num_heads"] else None,
        stretch=_stretch(rope),
        kind=kind,
    )
    for key, value in _fixed_config(shape).items():
        if config.get(key, value) != value:
            raise HeirloomError(f"{where}: {key} is {config[key]!r}, and only {value!r} can be read")
    return shape


def _stretch(rope: Mapping[str, Any]) -> Stretch | None:
    """Return how positions are stretched, where that is told in the way of Llama 3.1 and in whole."""
    if rope.get("rope_type") != "llama3" or not rope.keys() >= set(_STRETCH_NAMES.values()):
        return None
    return Stretch(**{ours: rope[theirs] for ours, theirs in _STRETCH_NAMES.items()})
