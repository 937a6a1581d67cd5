"""Causal language models of a few hundred numbers, built from the configurations of three architectures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from heirloom.runtime.streams import Stream

_SIZES = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}

ARCHITECTURES: dict[str, dict[str, Any]] = {
    "llama": {"model_type": "llama", **_SIZES, "intermediate_size": 16, "tie_word_embeddings": True},
    "opt": {
        "model_type": "opt",
        **_SIZES,
        "ffn_dim": 16,
        "word_embed_proj_dim": 8,
        "bos_token_id": 2,
        "eos_token_id": 2,
        "pad_token_id": 1,
    },
    "gpt_neox": {"model_type": "gpt_neox", **_SIZES, "intermediate_size": 16, "bos_token_id": 0, "eos_token_id": 0},
    "gpt2": {"model_type": "gpt2", "n_embd": 8, "n_layer": 1, "n_head": 2, "bos_token_id": 3, "eos_token_id": 3},
}

LLAMA_LIKE = {name: {"model_type": name, **_SIZES, "intermediate_size": 16} for name in ("mistral", "qwen2", "qwen3")}


def row_losses(model: Any, tokens: NDArray[Any]) -> NDArray[np.float64]:
    """Return the nats of each row, summed over its predicted tokens."""
    from heirloom.families.lm.scoring import position_losses

    nats: NDArray[np.float64] = position_losses(model, tokens).sum(axis=1)
    return nats


def pretrained(name: str, vocab_size: int, context: int = 16, **changed: Any) -> Any:
    """Return a random model of an architecture: the stand-in for one from a hub."""
    from transformers import AutoConfig

    from heirloom.families.lm.library.model import build

    settings = {**(ARCHITECTURES | LLAMA_LIKE)[name], "vocab_size": vocab_size, "max_position_embeddings": context, **changed}
    return build(AutoConfig.for_model(**settings), Stream((0, name)))
