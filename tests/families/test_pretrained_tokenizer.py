"""By which road a pretrained model's tokenizer reads text, and that the other road is compared with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors

from by_hand import slice_of
from heirloom import config as configuration
from heirloom.artefacts import kinds, paths
from heirloom.artefacts.files import read_json
from heirloom.data import tokenization
from heirloom.errors import HeirloomError
from heirloom.families import causal_lm, pretrained, pretrained_tokenizer
from heirloom.families.pretrained_tokenizer import Reader
from heirloom.specs.pretrained import Pretrained
from heirloom.steps import real
from small_models import pretrained as model
from small_tokenizers import BYTES, TEXTS, fitted, folder_of


def read(place: Path, **more: Any) -> Reader:
    return pretrained_tokenizer.read(Pretrained(path=str(place), **more))


DIGITS = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), BYTES])
CLASSES = ["GPT2Tokenizer", "GPTNeoXTokenizer"]


def changed(part: str, value: Any) -> Tokenizer:
    tokenizer = fitted()
    setattr(tokenizer, part, value)
    return tokenizer


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize(
    ("tokenizer", "text", "tokens", "otherwise"),
    [
        (changed("pre_tokenizer", DIGITS), "1843", ["1", "8", "4", "3"], "'20'"),
        (changed("normalizer", normalizers.Lowercase()), "MILL", ["mil", "l"], "'I'"),
    ],
    ids=["digits", "lower case"],
)
def test_text_is_read_by_tokenizer_json_as_it_stands_whatever_the_class(
    kind: str, tokenizer: Tokenizer, text: str, tokens: list[str], otherwise: str, tmp_path: Path
) -> None:
    reader = read(folder_of(tmp_path / "model", tokenizer, kind))
    assert reader.road == "tokenizer.json"
    assert reader.tokenizer.encode(text).tokens == tokens
    (note,) = reader.notes
    assert f"text is read by tokenizer.json, and {kind} of transformers would read it otherwise: {otherwise} is [" in note
    assert "\n" not in note


def test_the_text_that_is_trained_on_is_read_by_that_road_and_the_manifest_and_the_log_say_which(
    tmp_path: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    causal_lm.save(model("gpt2", 300, context=64), tmp_path / "weights")
    place = folder_of(tmp_path / "model", changed("pre_tokenizer", DIGITS), chat_template="{{ messages }}")
    for file in ("config.json", "model.safetensors"):
        (tmp_path / "weights" / file).rename(place / file)
    (corpus / "digits.txt").write_text("1843 " * 40)
    family = {"name": "causal_lm", "model": {"path": str(place)}, "training": {"batch_rows": 8}, "sampling": {"beams": 1}}
    source = {"name": "files", "paths": [str(corpus / "digits.txt")], "lines": True, "text": {"row_tokens": 10}}
    source |= {"paths": {split: [str(corpus / "digits.txt")] for split in ("train", "valid", "test")}}
    source["text"]["packing"] = {"documents": 1, "lead": "none"}  # type: ignore[index]
    experiment = {"family": family, "source": source, "regimes": ["replace"], "generations": 1, "rows": 8}
    config = configuration.parse({"regimes": {"replace": {}}, "experiments": {"lm": experiment}})
    outputs = {split: getattr(kinds, f"REAL_{split.upper()}").path("lm") for split in ("train", "valid", "test")}
    tokenizer = kinds.TOKENIZER.path("lm")
    with caplog.at_level("INFO"):
        real.run_text(slice_of("real", config, "lm"), {**outputs, "tokenizer": tokenizer, "documents": kinds.DOCUMENTS.path("lm")})
    digits = [fitted().token_to_id(token) for token in ("1", "8", "4", "3", "\u0120")]
    assert pq.read_table(outputs["train"])["tokens"][0].as_py() == digits * 2
    record = read_json(paths.manifest(tokenizer))["tokenizer"]
    assert (record["read_by"], record["chat_template"]) == ("tokenizer.json", "{{ messages }}")
    (note,) = record["notes"]
    assert f"{place}: {note}" in caplog.messages
    assert f"The text of {place} is read by tokenizer.json" in caplog.messages
    spec = Pretrained(path=str(place))
    assert pretrained.check_vocabulary(spec, spec) == (f"{place}: {note}",)


def test_a_class_that_leaves_the_file_alone_reads_as_it_does(tmp_path: Path) -> None:
    reader = read(folder_of(tmp_path / "model", changed("pre_tokenizer", DIGITS), "PreTrainedTokenizerFast"))
    assert (reader.road, reader.notes, reader.start_id) == ("tokenizer.json", (), 0)
    assert reader.names == {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<s>"}


def test_a_name_that_the_vocabulary_lacks_is_no_token(tmp_path: Path) -> None:
    place = folder_of(tmp_path / "model", fitted(), "GPT2Tokenizer")
    (place / "tokenizer_config.json").write_text('{"tokenizer_class": "GPT2Tokenizer", "pad_token": "<pad>"}')
    reader = read(place)
    assert (reader.names, reader.start_id) == ({"pad_token": "<pad>"}, None)  # the class says <|endoftext|>
    assert max(reader.tokenizer.get_vocab().values()) == fitted().get_vocab_size() - 1


def test_opts_leading_end_token_stands_before_each_text_without_a_tokenizer_json(tmp_path: Path) -> None:
    place = folder_of(tmp_path / "opt", fitted(), bos_token="</s>", add_bos_token=True)  # noqa: S106  no password
    spelled = json.loads((place / "tokenizer.json").read_text())["model"]
    (place / "vocab.json").write_text(json.dumps(spelled["vocab"]))
    (place / "merges.txt").write_text("#version: 0.2\n" + "\n".join(" ".join(pair) for pair in spelled["merges"]) + "\n")
    (place / "tokenizer.json").unlink()
    reader = read(place)
    assert reader.road == "GPT2Tokenizer"
    assert reader.tokenizer.encode("the mill").tokens == ["</s>", *fitted().encode("the mill").tokens]
    assert reader.tokenizer.encode("the mill", add_special_tokens=False).tokens == fitted().encode("the mill").tokens
    assert reader.start_id == 1


def doubled() -> Tokenizer:
    return changed("post_processor", processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)]))


@pytest.mark.parametrize(
    ("tokenizer", "wanted", "tokens"),
    [
        (fitted(), {"add_bos_token": True}, ["<s>", "a"]),
        (fitted(), {"add_bos_token": True, "add_eos_token": True}, ["<s>", "a", "</s>"]),
        (fitted(), {"add_bos_token": False}, ["a"]),
        (changed("post_processor", processors.ByteLevel()), {"add_eos_token": True}, ["a", "</s>"]),
        (doubled(), {"add_bos_token": True}, ["<s>", "a"]),
        (doubled(), {"add_eos_token": True}, ["<s>", "a", "</s>"]),
        (doubled(), {}, ["<s>", "a"]),
    ],
)
def test_add_bos_token_adds_it_once(tokenizer: Tokenizer, wanted: dict[str, Any], tokens: list[str], tmp_path: Path) -> None:
    reader = read(folder_of(tmp_path / "model", tokenizer, **wanted))
    assert reader.tokenizer.encode("a").tokens == tokens
    again = tokenization.from_json(reader.tokenizer.to_str())
    assert again.encode("a").tokens == tokens


def gguf(folder: Path, pre: str | None, kind: str = "gpt2", **more: int) -> Path:
    """Write the header of a GGUF file with a tokenizer that splits text as ``pre`` says."""
    from gguf import GGUFWriter

    folder.mkdir()
    spelled = json.loads(fitted().to_str())["model"]
    writer = GGUFWriter(folder / "model.gguf", "llama")
    writer.add_tokenizer_model(kind)
    if pre is not None:
        writer.add_tokenizer_pre(pre)
    writer.add_token_list(list(spelled["vocab"]))
    writer.add_token_merges([" ".join(pair) for pair in spelled["merges"]])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    for name, value in more.items():
        getattr(writer, name)(value)
    writer.add_tensor("token_embd.weight", np.zeros((len(spelled["vocab"]), 8), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return folder


@pytest.mark.parametrize(
    ("pre", "tokens"), [("smollm", ["1", "8", "4", "3"]), ("llama-bpe", ["18", "4", "3"]), ("gpt-2", ["18", "43"]), (None, ["18", "43"])]
)
def test_a_gguf_files_way_to_split_text_is_honoured_or_said(pre: str | None, tokens: list[str], tmp_path: Path) -> None:
    reader = read(gguf(tmp_path / "model", pre, add_add_bos_token=True), gguf="model.gguf")
    assert reader.road == "GGUF"
    assert reader.tokenizer.encode("1843").tokens == ["<s>", *tokens]
    said = (
        ["the file does not say how its tokenizer splits text (tokenizer.ggml.pre), so text is split like GPT-2's"] if pre is None else []
    )
    assert list(reader.notes) == said


def test_a_gguf_files_way_to_split_text_that_cannot_be_honoured_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        HeirloomError, match=r"model.gguf splits text in the way 'poro-chat' \(tokenizer.ggml.pre\), which cannot be"
    ) as caught:
        read(gguf(tmp_path / "model", "poro-chat"), gguf="model.gguf")
    assert "give source.text.tokenizer: {path: a folder with the model's tokenizer.json}" in str(caught.value)


def test_a_gguf_files_context_is_looked_at_before_any_job(tmp_path: Path) -> None:
    spec = Pretrained(path=str(gguf(tmp_path / "model", "gpt-2", add_context_length=16)), gguf="model.gguf")
    pretrained.check_reach(spec, 16)
    with pytest.raises(HeirloomError, match=r"model.gguf has a context of 16 tokens, and 17 are needed; lower source.text.row_tokens"):
        pretrained.check_reach(spec, 17)


def test_a_folder_with_tokenizer_model_alone_is_read(tmp_path: Path) -> None:
    import sentencepiece

    place = folder_of(tmp_path / "model", fitted(), "LlamaTokenizer", add_bos_token=True)
    (place / "config.json").write_text('{"model_type": "llama"}')
    (place / "tokenizer.json").unlink()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS * 20),
        model_prefix=str(place / "tokenizer"),
        vocab_size=60,
        model_type="bpe",
        minloglevel=2,
        byte_fallback=False,
        hard_vocab_limit=False,
    )
    theirs = sentencepiece.SentencePieceProcessor(model_file=str(place / "tokenizer.model"))
    reader = read(place)
    assert reader.road == "LlamaTokenizer"
    assert reader.tokenizer.encode("the mill of 1843").ids == [theirs.bos_id(), *theirs.encode("the mill of 1843")]


@pytest.mark.parametrize("content", [b"", b"damaged", b"IQ== 0\nIg== 1\n"])
def test_a_tokenizer_model_that_is_none_of_sentencepiece_is_one_line_that_asks_for_no_package(content: bytes, tmp_path: Path) -> None:
    place = folder_of(tmp_path / "model", fitted())
    (place / "tokenizer.json").unlink()
    (place / "tokenizer.model").write_bytes(content)
    with pytest.raises(HeirloomError, match=r"tokenizer.model is no SentencePiece model, the only kind that is read; copy the model's own"):
        pretrained_tokenizer.read(Pretrained(path=str(place)))


def test_a_tokenizer_that_is_no_json_is_one_line(tmp_path: Path) -> None:
    place = folder_of(tmp_path / "model", fitted())
    (place / "tokenizer.json").write_text("{")
    with pytest.raises(HeirloomError) as caught:
        read(place)
    assert "\n" not in str(caught.value)
    place = folder_of(tmp_path / "other", fitted())
    (place / "tokenizer_config.json").write_text("{")
    with pytest.raises(HeirloomError, match="other") as caught:
        read(place)
    assert "\n" not in str(caught.value)
