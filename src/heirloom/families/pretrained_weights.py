"""The weights of a pretrained model: every one found and of its shape, ties as the tensors have them, and no text read backwards."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from heirloom.errors import HeirloomError

PROBE_ROWS, PROBE_TOKENS = 4, 8
_LAYER_NUMBER = re.compile(r"\.\d+\.")
_NOISE = 1e-4  # as a share of the change after the changed token: float32 leaves 1e-6, a random BERT of two layers 3e-3


def open_folder(place: str | Path, **options: Any) -> Any:
    """Return the `transformers` model in a folder or on the hub, in float32, with every weight found.

    Raises
    ------
    HeirloomError
        If the folder has no safetensors, a weight is missing, left over or of another shape, or the model is not causal.
    """
    if Path(place).is_dir() and not options.get("gguf_file") and not any(Path(place).glob("*.safetensors")):
        raise HeirloomError(f"{place}: holds no .safetensors file, and weights in other files are never opened; convert them first")
    import torch
    import transformers

    safe = {} if options.get("gguf_file") else {"use_safetensors": True}
    quieten()
    module, report = transformers.AutoModelForCausalLM.from_pretrained(
        place,
        dtype=torch.float32,
        trust_remote_code=False,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # without, an error that names no weight; with, the report names each
        **safe,
        **options,
    )
    _check_complete(report, place)
    _check_nothing_left(module, report["unexpected_keys"], place)
    record_ties(module)
    return _plain(module) if options.get("gguf_file") else module


def record_ties(module: Any) -> None:
    """Set ``tie_word_embeddings`` of a model's configuration to what its tensors say.

    The library leaves the flag as it was where a file holds a head of its own beside it, and would save it so.
    """
    head, embedding = module.get_output_embeddings(), module.get_input_embeddings()
    if head is not None:
        module.config.get_text_config(decoder=True).tie_word_embeddings = head.weight is embedding.weight


def quieten() -> None:
    """Keep the library from printing bars, tables of weights and advice: what is wrong is said in a line."""
    import transformers

    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()


def num_parameters(config: Any) -> int:
    """Return how many numbers a model of a configuration has, without making one of them."""
    import torch
    from transformers import AutoModelForCausalLM

    quieten()
    with torch.device("meta"):
        return int(AutoModelForCausalLM.from_config(config).num_parameters())


def check_causal(module: Any, name: str) -> None:
    """Refuse a model in which a token changes what stands before it: its losses say nothing of what it can write.

    The proof is a forward pass over a few rows, and one over the same rows with another last token.

    Raises
    ------
    HeirloomError
        If an earlier logit changes, the logits are not finite, or the model cannot read rows of text alone.
    """
    import torch

    rows_BT = probe_rows(module)
    changed_BT = rows_BT.clone()
    changed_BT[:, -1] = rows_BT[:, -2]
    try:
        logits_BTV = probe_logits(module, rows_BT)
        changed_BTV = probe_logits(module, changed_BT)
    except Exception as error:  # noqa: BLE001  a model of any architecture fails in its own way
        reason = " ".join(str(error).split())[:160]
        raise HeirloomError(f"family.model: {name} ({type(module).__name__}) cannot read rows of tokens alone ({reason})") from None
    change_BT = (logits_BTV - changed_BTV).abs().amax(dim=-1)
    if not bool(torch.isfinite(change_BT).all()):
        raise HeirloomError(f"family.model: the logits of {name} are not finite: its weights are not usable")
    earlier, newest = float(change_BT[:, :-1].max()), float(change_BT[:, -1].max())
    if earlier > _NOISE * newest:
        raise HeirloomError(
            f"family.model: {name} ({type(module).__name__}) is no causal model: another last token changes earlier logits by "
            f"{earlier:.2g} (its own by {newest:.2g}), so that a token is predicted from itself; give a decoder, such as a GPT-2 or Llama"
        )


def probe_rows(module: Any) -> Any:
    """Return a few rows of tokens (B, T) from all over a model's vocabulary, each with another last token than the one before it."""
    import torch

    num_ids = module.get_input_embeddings().weight.shape[0]
    step = max(1, num_ids // (PROBE_ROWS * PROBE_TOKENS + 1))
    numbers_BT = torch.arange(PROBE_ROWS * PROBE_TOKENS, device=module.device).view(PROBE_ROWS, -1)
    return (numbers_BT * step + step) % num_ids


def probe_logits(module: Any, rows_BT: Any) -> Any:
    """Return a model's logits (B, T, V) after each token, without dropout."""
    import torch

    module.eval()
    with torch.no_grad():  # not inference_mode: positions that a model keeps would be lost to training
        return module(input_ids=rows_BT, attention_mask=torch.ones_like(rows_BT), use_cache=False).logits.float()


def _check_complete(report: Mapping[str, Any], place: str | Path) -> None:
    mismatches = sorted((str(name), tuple(stored), tuple(configured)) for name, stored, configured in report["mismatched_keys"])
    if mismatches:
        name, stored, configured = mismatches[0]
        raise HeirloomError(
            f"{place}: the weight {name} has shape {stored}, but the configuration asks for {configured} "
            f"(weights of another shape: {len(mismatches)}); give the config.json that belongs to the weights"
        )
    names = sorted(map(str, report["missing_keys"]))
    if names:
        raise HeirloomError(f"{place}: {len(names)} weights of the architecture are missing, such as {names[0]}")


def _check_nothing_left(module: Any, unread_names: Iterable[str], place: str | Path) -> None:
    """Refuse weights of the model's own layers that its configuration leaves out, such as further layers, biases and scales.

    Those of other parts, a head for another task or a tower for images, are no part of the model.
    """
    prefix = f"{module.base_model_prefix}."
    model_patterns = {_pattern(name, prefix) for name in module.state_dict()}
    layers = {pattern.rpartition(".")[0] for pattern in model_patterns}
    unread_patterns = {name: _pattern(name, prefix) for name in sorted(map(str, unread_names))}
    names = [name for name, pattern in unread_patterns.items() if pattern in model_patterns or pattern.rpartition(".")[0] in layers]
    if names:
        raise HeirloomError(
            f"{place}: the files hold {len(names)} weights of the model's layers that config.json leaves out, such as {names[0]}; "
            "give the config.json that belongs to the weights"
        )


def _pattern(name: str, prefix: str) -> str:
    """Return a weight's name without the model's prefix, and with one mark for the numbers of all layers."""
    return _LAYER_NUMBER.sub(".#.", f".{name.removeprefix(prefix)}")


def _plain(quantised: Any) -> Any:
    """Return a model read from GGUF as an ordinary one: marked as quantised, it could not be saved."""
    import copy

    from transformers import AutoModelForCausalLM, initialization

    config = copy.deepcopy(quantised.config)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    with initialization.no_init_weights():
        plain = AutoModelForCausalLM.from_config(config)
    plain.load_state_dict(quantised.state_dict())
    plain.tie_weights()
    plain.generation_config = quantised.generation_config
    return plain
