"""Folders of models whose tokenizer is their own, opened by the library's automatic classes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tokenizers import pre_tokenizers

from heirloom.export import tokenizer_folder
from heirloom.families import causal_lm
from small_models import ARCHITECTURES, pretrained
from small_tokenizers import BYTES, fitted

NAMES = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<pad>"}
RECORD = {"read_by": "tokenizer.json", "names": NAMES, "chat_template": "{{ messages[0].content }}!"}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_model_of_any_configuration_opens_with_its_own_special_tokens_template_and_splits(name: str, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    causal_lm.save(pretrained(name, 300, context=24), tmp_path / "model")
    tokenizer = fitted()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), BYTES])
    tokenizer.save(str(tmp_path / "model/tokenizer.json"))
    tokenizer_folder.complete(tmp_path / "model", RECORD)
    theirs = AutoTokenizer.from_pretrained(tmp_path / "model")
    assert theirs("sold in 1843")["input_ids"] == tokenizer.encode("sold in 1843").ids
    assert {role: getattr(theirs, role) for role in NAMES} == NAMES
    assert theirs.model_max_length == 24
    assert theirs.apply_chat_template([{"role": "user", "content": "Hi"}], tokenize=False) == "Hi!"
    assert len(theirs) == tokenizer.get_vocab_size()  # no token of a class's own
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "model").get_input_embeddings().num_embeddings == 300


def test_several_templates_keep_their_names(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    causal_lm.save(pretrained("gpt2", 300), tmp_path)
    fitted().save(str(tmp_path / "tokenizer.json"))
    tokenizer_folder.complete(tmp_path, {**RECORD, "chat_template": {"default": "a", "tool_use": "b"}})
    assert AutoTokenizer.from_pretrained(tmp_path).chat_template == {"default": "a", "tool_use": "b"}


def test_without_a_record_the_ids_of_the_model_name_its_tokens_and_none_is_made_up(tmp_path: Path) -> None:
    token_ids = {"bos_token_id": 0, "eos_token_id": [1, 0], "pad_token_id": 2}
    for name, ids in (("ended", token_ids), ("endless", {"bos_token_id": None, "eos_token_id": None})):
        causal_lm.save(pretrained("llama", 300, context=16, **ids), tmp_path / name)
        fitted().save(str(tmp_path / name / "tokenizer.json"))
        tokenizer_folder.complete(tmp_path / name, {})
    ended, endless = (json.loads((tmp_path / name / "tokenizer_config.json").read_text()) for name in ("ended", "endless"))
    assert {role: ended[f"{role}_token"] for role in ("bos", "eos", "pad")} == {"bos": "<s>", "eos": "</s>", "pad": "<pad>"}
    assert "eos_token" not in endless
