"""Tokenizers of some three hundred tokens, and folders of models as a hub has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

TEXTS = ["The mill of 1843 was sold in 1843 and 1843.\n", "IN THE YEAR 20 20 20 the mill", "the the sold sold 18 43"]
BYTES = pre_tokenizers.ByteLevel(add_prefix_space=False)


def fitted(pre_tokenizer: Any = BYTES, normalizer: Any = None) -> Tokenizer:
    """Return a byte-level tokenizer with GPT-2-like parts, or others."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizer, decoders.ByteLevel()
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(special_tokens=["<s>", "</s>", "<pad>"], initial_alphabet=alphabet, vocab_size=300, show_progress=False)
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


def folder_of(place: Path, tokenizer: Tokenizer, kind: str = "GPT2Tokenizer", **settings: Any) -> Path:
    """Write a GPT-2's folder as a hub has it, weights apart; the class is the one that its configuration names."""
    place.mkdir()
    (place / "config.json").write_text(json.dumps({"model_type": "gpt2", "vocab_size": 300, "bos_token_id": 0, "eos_token_id": 1}))
    tokenizer.save(str(place / "tokenizer.json"))
    names = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<s>"}
    (place / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": kind, **names, **settings}))
    return place
