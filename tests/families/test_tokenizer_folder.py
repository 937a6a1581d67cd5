"""Folders of models whose tokenizer is their own, opened by the library's automatic classes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import pre_tokenizers

from heirloom.artefacts.fingerprints import fingerprint
from heirloom.data import tokenization
from heirloom.families import causal_lm, tokenizer_folder, transformer
from heirloom.families.lm.native.model import Llama, LlamaShape, initialise
from heirloom.runtime.streams import Stream
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


def opened(checkpoint: Path, record: dict[str, Any], tokenizer: Path) -> tuple[Any, Any, list[str]]:
    """Return what the automatic classes make of a folder of links, and the names of its files."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with tokenizer_folder.links(checkpoint, tokenizer, record) as folder:
        files = sorted(file.name for file in folder.iterdir())
        return AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder), files


def test_a_checkpoint_of_our_own_engine_opens_by_links_with_an_end_and_a_padding_and_keeps_its_bytes(tmp_path: Path) -> None:
    tokenizer = tokenization.fit(["the mill was sold in the mill " * 3], 264)
    (tmp_path / "tokenizer.json").write_text(tokenizer.to_str(), encoding="utf-8")
    checkpoint = tmp_path / "checkpoint"
    shape = LlamaShape(vocab_size=264, hidden_size=8, num_layers=1, num_heads=2, intermediate_size=16, context_tokens=16)
    transformer.save(Llama(shape, initialise(shape, Stream((0, "links")))), checkpoint)
    (checkpoint / "last_epoch").mkdir()
    before = fingerprint(checkpoint)
    model, theirs, files = opened(checkpoint, {}, tmp_path / "tokenizer.json")
    assert files == ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
    assert (theirs.eos_token_id, theirs.pad_token_id, theirs.bos_token_id) == (tokenization.END_OF_DOCUMENT_ID,) * 2 + (None,)
    ids = model.generation_config
    assert (ids.eos_token_id, ids.pad_token_id) == (tokenization.END_OF_DOCUMENT_ID,) * 2
    assert theirs(["the mill", "the"], padding=True)["attention_mask"][1][-1] == 0
    assert fingerprint(checkpoint) == before


def test_ids_that_a_checkpoint_has_stay_and_those_that_it_lacks_are_written_beside_it(tmp_path: Path) -> None:
    causal_lm.save(pretrained("llama", 300, bos_token_id=None, eos_token_id=5, pad_token_id=None), tmp_path / "checkpoint")
    file = tmp_path / "checkpoint/generation_config.json"
    file.write_text(json.dumps({"eos_token_id": 5}))
    fitted().save(str(tmp_path / "tokenizer.json"))
    names = {"bos_token": "<s>", "eos_token": "</s>"}
    model, theirs, _ = opened(tmp_path / "checkpoint", {"names": names}, tmp_path / "tokenizer.json")
    ids = model.generation_config
    assert (ids.bos_token_id, ids.eos_token_id, ids.pad_token_id) == (0, 5, 1)
    assert theirs.pad_token == "</s>"
    assert json.loads(file.read_text()) == {"eos_token_id": 5}
