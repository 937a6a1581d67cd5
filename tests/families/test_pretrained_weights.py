"""What a pretrained model's weights must be before any training: causal, complete, and tied as the tensors say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from by_hand import slice_of
from heirloom import config as configuration
from heirloom import preflight
from heirloom.artefacts import kinds
from heirloom.data.dataset import Dataset
from heirloom.data.rows import text_table
from heirloom.errors import HeirloomError
from heirloom.families import causal_lm, pretrained, pretrained_weights, transformer
from heirloom.families.lm import scoring as own_scoring
from heirloom.families.lm.library.model import CausalLM
from heirloom.runtime.streams import Stream
from heirloom.specs.causal_lm import CausalSampling, CausalTraining, Lora
from heirloom.specs.pretrained import Pretrained
from heirloom.steps import pretrained as pretrained_step
from small_models import ARCHITECTURES, row_losses
from small_models import pretrained as model
from small_tokenizers import fitted

EMBEDDING, HEAD = "model.embed_tokens.weight", "lm_head.weight"
SIZES = {"vocab_size": 300, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
ENCODERS = {
    "bert": ("BertForMaskedLM", SIZES),
    "roberta": ("RobertaForMaskedLM", {**SIZES, "pad_token_id": 1}),
    "t5": ("T5ForConditionalGeneration", {"vocab_size": 300, "d_model": 16, "d_ff": 16, "num_layers": 1, "num_heads": 2, "d_kv": 8}),
    "bart": (
        "BartForConditionalGeneration",
        {"vocab_size": 300, "d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16},
    ),
}
REFUSALS = {
    "bert": r"family.model: .*model \(BertLMHeadModel\) is no causal model: another last token changes earlier logits by 0.\d+ \(",
    "roberta": r"family.model: .*model \(RobertaForCausalLM\) is no causal model: another last token changes earlier logits by",
    "t5": r"family.model: .*model is an encoder-decoder \(t5\); give a decoder, such as a GPT-2, OPT or Llama",
    "bart": r"family.model: .*model is an encoder-decoder \(bart\); give a decoder",
}


def encoder(name: str, folder: Path) -> Path:
    """Write a model that reads from both sides, as its library does."""
    import transformers

    kind, sizes = ENCODERS[name]
    torch.manual_seed(0)  # noqa: TID251  no stream of the project's
    getattr(transformers, kind)(transformers.AutoConfig.for_model(name, **sizes)).save_pretrained(folder)
    return folder


def declared(folder: Path, corpus: Path) -> configuration.Config:
    family = {"name": "causal_lm", "model": {"path": str(folder)}, "training": {"batch_rows": 8}, "sampling": {"beams": 1}}
    source = {"name": "files", "paths": [str(corpus / "*.txt")], "text": {"row_tokens": 4}}
    experiment = {"family": family, "source": source, "regimes": ["replace"], "generations": 1, "rows": 20}
    return configuration.parse({"regimes": {"replace": {}}, "experiments": {"lm": experiment}})


@pytest.mark.parametrize("name", ENCODERS)
def test_what_reads_from_both_sides_is_refused_before_any_job_and_by_the_first_job(
    name: str, tmp_path: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import PreTrainedTokenizerFast

    monkeypatch.chdir(tmp_path)
    folder = encoder(name, tmp_path / "model")
    PreTrainedTokenizerFast(tokenizer_object=fitted()).save_pretrained(folder)
    config = declared(folder, corpus)
    with pytest.raises(HeirloomError, match=REFUSALS[name]) as caught:
        pretrained.check_causal(Pretrained(path=str(folder)))
    assert "\n" not in str(caught.value)
    with pytest.raises(HeirloomError, match=f"^experiments.lm: {REFUSALS[name]}"):
        preflight.thorough(config)
    begun = kinds.PRETRAINED.path("lm")
    with pytest.raises(HeirloomError, match=REFUSALS[name]):
        pretrained_step.run(slice_of("pretrained", config, "lm"), {}, {"checkpoint": begun})
    assert not Path(begun).exists()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_what_reads_from_left_to_right_passes(name: str) -> None:
    pretrained_weights.check_causal(model(name, 40).module, name)


def test_logits_that_are_no_numbers_are_refused() -> None:
    broken = model("llama", 40).module
    with torch.no_grad():
        broken.model.norm.weight[0] = torch.nan
    with pytest.raises(HeirloomError, match=r"^family.model: the logits of it are not finite: its weights are not usable$"):
        pretrained_weights.check_causal(broken, "it")


def stored(folder: Path, change: Callable[[dict[str, torch.Tensor]], object], **settings: Any) -> Path:
    """Write a small Llama whose file and configuration were changed by other hands."""
    causal_lm.save(model("llama", 20, tie_word_embeddings=False), folder)
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **settings}))
    return folder


def tokens(rows: int = 8) -> NDArray[np.int32]:
    return Stream((0, "tokens")).generator().integers(0, 20, (rows, 6)).astype(np.int32)


def written(whole: CausalLM, **settings: Any) -> list[list[int]]:
    chunks = causal_lm.sample(whole, [tokens()], 8, CausalSampling(**settings), Stream((0, "sample")))
    return [row.tolist() for chunk in chunks for row in chunk]


@pytest.mark.parametrize(
    ("change", "tied"),
    [
        (lambda weights: None, False),
        (lambda weights: weights.update({HEAD: weights[EMBEDDING].clone()}), True),
        (lambda weights: weights.pop(HEAD), True),
        (lambda weights: weights.pop(EMBEDDING), True),
    ],
    ids=["two of their own", "two alike", "no head", "no embedding"],
)
def test_both_engines_compare_head_and_embedding_and_do_not_believe_the_flag(
    change: Callable[[dict[str, torch.Tensor]], object], tied: bool, tmp_path: Path
) -> None:
    folder = stored(tmp_path / "model", change, tie_word_embeddings=True)
    theirs, ours = causal_lm.load(folder), transformer.load(folder)
    assert ours.shape.tie_word_embeddings == theirs.module.config.tie_word_embeddings == tied
    np.testing.assert_allclose(own_scoring.row_losses(ours, tokens()), row_losses(theirs, tokens()), rtol=1e-5)
    for settings in ({}, {"beams": 3}):
        assert written(theirs, engine="native", **settings) == written(theirs, **settings)
    causal_lm.save(theirs, tmp_path / "again")
    assert json.loads((tmp_path / "again/config.json").read_text())["tie_word_embeddings"] == tied


def test_a_head_that_is_claimed_and_equal_stays_apart_and_one_that_is_claimed_and_absent_is_refused(tmp_path: Path) -> None:
    alike = stored(tmp_path / "alike", lambda weights: weights.update({HEAD: weights[EMBEDDING].clone()}), tie_word_embeddings=False)
    assert not transformer.load(alike).shape.tie_word_embeddings
    assert written(causal_lm.load(alike), engine="native") == written(causal_lm.load(alike))
    absent = stored(tmp_path / "absent", lambda weights: weights.pop(HEAD), tie_word_embeddings=False)
    with pytest.raises(HeirloomError, match=r"1 weights of the architecture are missing, such as lm_head.weight"):
        causal_lm.load(absent)
    with pytest.raises(HeirloomError, match=r"lm_head.weight must have shape \(20, 8\), found nothing"):
        transformer.load(absent)


def test_a_weight_of_the_wrong_shape_is_one_line_that_names_it(tmp_path: Path) -> None:
    wrong = "model.layers.0.mlp.up_proj.weight"
    folder = stored(tmp_path / "model", lambda weights: weights.update({wrong: torch.zeros(15, 8)}))
    said = rf"model: the weight {wrong} has shape \(15, 8\), but the configuration asks for \(16, 8\) \(weights of another shape: 1\);"
    with pytest.raises(HeirloomError, match=said) as caught:
        causal_lm.fetch(Pretrained(path=str(folder)))
    assert "\n" not in str(caught.value)


LAYER = "model.layers.{}.self_attn.q_proj.{}"


@pytest.mark.parametrize(
    ("name", "is_read"),
    [
        (LAYER.format(1, "weight"), False),
        (LAYER.format(0, "bias"), False),
        (LAYER.format(0, "weight_scale_inv"), False),
        (LAYER.format(0, "rotary_emb.inv_freq"), True),
        ("score.weight", True),
    ],
)
def test_weights_of_the_models_layers_that_its_configuration_leaves_out_are_refused(name: str, is_read: bool, tmp_path: Path) -> None:
    folder = stored(tmp_path / "model", lambda weights: weights.update({name: torch.zeros(8, 8)}))
    if is_read:
        causal_lm.fetch(Pretrained(path=str(folder)))
        return
    with pytest.raises(HeirloomError, match=f"hold 1 weights of the model's layers that config.json leaves out, such as {name}; give"):
        causal_lm.fetch(Pretrained(path=str(folder)))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (None, "config.json: holds nothing; it must hold an object"),
        ({"num_attention_heads": 0}, "config.json: num_attention_heads is 0; allowed is a whole number from 1"),
        ({"hidden_act": "unheard"}, "cannot get .*KeyError: 'unheard'"),
        ({"vocab_size": "20"}, "config.json: vocab_size is '20'; allowed is a whole number from 1"),
        ({"vocab_size": 10**12}, "vocab_size is 1,000,000,000,000, and no tensor of the weights is larger than 20"),
        ({"max_position_embeddings": 10**12}, "max_position_embeddings is 1,000,000,000,000; allowed are up to 134,217,728 positions"),
        ({"num_hidden_layers": 10**7}, "num_hidden_layers asks for 10,000,000 layers, and the weights have 1"),
    ],
)
def test_a_configuration_that_does_not_fit_is_one_line_before_any_job(settings: Any, said: str, tmp_path: Path) -> None:
    folder = stored(tmp_path / "model", lambda weights: None)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(settings and {**config, **settings}))
    with pytest.raises(HeirloomError, match=said) as caught:
        pretrained.check_causal(Pretrained(path=str(folder)))
    assert "\n" not in str(caught.value)


def test_an_adapters_folder_is_refused_because_it_names_its_model_itself(tmp_path: Path) -> None:
    causal_lm.save(model("llama", 20), tmp_path / "model")
    (tmp_path / "model/adapter_config.json").write_text("{}")
    with pytest.raises(HeirloomError, match=r"model is an adapter, which names its model by a path of its own; merge it"):
        pretrained.preflight(Pretrained(path=str(tmp_path / "model")))


ADAPTED = [
    *((name, (head,)) for name, head in (("llama", "lm_head"), ("opt", "lm_head"), ("gpt2", "lm_head"))),
    *((name, (embedding,)) for name, embedding in (("llama", "embed_tokens"), ("opt", "embed_tokens"), ("gpt2", "wte"))),
    ("llama", ("lm_head", "embed_tokens", "q_proj")),
]


@pytest.mark.parametrize(("name", "targets"), ADAPTED)
def test_a_merged_checkpoint_of_a_tied_model_has_the_loss_that_was_trained(name: str, targets: tuple[str, ...], tmp_path: Path) -> None:
    causal_lm.save(model(name, 20, tie_word_embeddings=True), tmp_path / "base")
    start = causal_lm.load(tmp_path / "base")
    fit = CausalTraining(epochs=8, learning_rate=0.1, batch_rows=8, best_epoch="last")
    rows = Dataset.of(text_table(tokens(16), ["text"] * 16, first_row=0))
    losses = []
    for kind in ("adapter", "merged"):
        lora = Lora(rank=2, targets=targets, checkpoint=kind)
        trained = causal_lm.train(rows, fit.model_copy(update={"lora": lora}), start, Stream((0, "train")))
        causal_lm.save(trained, tmp_path / kind)
        losses += [row_losses(one, tokens(16)).mean() for one in (trained, causal_lm.load(tmp_path / kind))]
    np.testing.assert_allclose(losses, losses[0], rtol=1e-5)  # the first is the very model that was trained
    assert losses[0] < row_losses(start, tokens(16)).mean() - 0.05
    assert not json.loads((tmp_path / "merged/config.json").read_text())["tie_word_embeddings"]
