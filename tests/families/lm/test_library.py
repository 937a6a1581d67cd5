"""Any causal language model: the recipe's numbers, sampling by keyed draws, adapters, and what is refused."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from transformers import AutoModelForCausalLM

from heirloom.artefacts.fingerprints import fingerprint
from heirloom.data.dataset import Dataset
from heirloom.data.rows import text_table
from heirloom.errors import HeirloomError
from heirloom.families import causal_lm
from heirloom.families.base import Measuring, Sets
from heirloom.families.lm import adamw, scoring, state, weights
from heirloom.families.lm.library import lora
from heirloom.families.lm.library.model import CausalLM
from heirloom.families.lm.schedules import cosine_by_epoch
from heirloom.measures.perplexity import batch_mean_perplexity
from heirloom.runtime import memory
from heirloom.runtime.streams import Stream
from heirloom.specs.causal_lm import CausalSampling, CausalTraining, Lora
from heirloom.tasks.examination import whole_model
from small_models import ARCHITECTURES, pretrained, row_losses

VOCABULARY, WIDTH = 20, 6
FIT = CausalTraining(epochs=2, learning_rate=0.02, batch_rows=8, best_epoch="last")


def tokens(rows: int = 16, name: str = "rows") -> NDArray[np.int32]:
    return Stream((0, name)).generator().integers(0, VOCABULARY, (rows, WIDTH)).astype(np.int32)


def dataset(rows: NDArray[np.int32]) -> Dataset:
    return Dataset.of(text_table(rows, [" one two three "] * len(rows), first_row=0))


def trained(fit: CausalTraining, start: CausalLM, **more: Any) -> CausalLM:
    return causal_lm.train(dataset(tokens()), fit, start, Stream((0, "train")), **more)


def written(model: CausalLM, settings: CausalSampling, prompts: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.concatenate(list(causal_lm.sample(model, [prompts], len(prompts), settings, Stream((0, "sample")))))


def saved(model: CausalLM, folder: Path) -> str:
    causal_lm.save(model, folder)
    return str(fingerprint(folder)["sha256"])


def favouring(token: int, strength: float = 50.0) -> CausalLM:
    """Return an OPT whose logits are all but constant, one token's far above the others."""
    model = pretrained("opt", VOCABULARY, tie_word_embeddings=False)
    with torch.no_grad():
        norm = model.module.model.decoder.final_layer_norm
        norm.weight.zero_()
        norm.bias.fill_(1.0)
        model.module.lm_head.weight.zero_()
        model.module.lm_head.weight[token] = strength / 8
    return model


@pytest.mark.parametrize(
    ("epochs", "published"),
    [
        (5, [2.000e-5, 1.819e-5, 1.344e-5, 7.564e-6, 2.814e-6]),
        (10, [2.000e-5, 1.954e-5, 1.819e-5, 1.608e-5, 1.344e-5, 1.050e-5, 0.756e-5, 0.492e-5, 0.281e-5, 0.147e-5]),
    ],
)
def test_the_learning_rate_of_each_epoch_is_the_recipes(epochs: int, published: list[float]) -> None:
    fit = CausalTraining(epochs=epochs)
    rate = cosine_by_epoch(fit.learning_rate, fit.final_learning_rate, epochs)
    rates = [rate(3 * epoch + 2, 3 * epochs) for epoch in range(epochs)]  # the last of an epoch's three steps
    assert rates == pytest.approx(published, rel=4e-3)
    torch_rates = torch.optim.lr_scheduler.CosineAnnealingLR
    optimiser = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=2e-5)
    schedule = torch_rates(optimiser, epochs, 1e-6)
    for number in rates:
        assert number == pytest.approx(optimiser.param_groups[0]["lr"], rel=1e-12)
        optimiser.step()
        schedule.step()


def test_the_defaults_are_the_recipes() -> None:
    fit, recipe = CausalTraining(), {"epochs": 5, "batch_rows": 128, "weight_decay": 0.01, "precision": "float32", "clip_norm": None}
    assert recipe.items() <= fit.model_dump().items()
    assert (fit.learning_rate, adamw.Settings().betas, adamw.EPSILON) == (2e-5, (0.9, 0.999), 1e-8)
    assert not adamw.Settings().matrices_only
    assert pretrained("opt", VOCABULARY).module.config.dropout == 0.1


def test_generation_0_has_no_earlier_model_to_start_from() -> None:
    for start, first in (("scratch", "scratch"), ("pretrained", "pretrained"), ("origin", "pretrained"), ("previous", "pretrained")):
        fit = CausalTraining.model_validate({"start": start})
        assert [fit.fit_settings(g, None).start for g in (0, 1)] == [first, start]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_losses_are_those_of_the_library_and_rows_are_scored_alone(name: str) -> None:
    model, rows = pretrained(name, VOCABULARY), tokens(20)
    nats = row_losses(model, rows)
    ids = torch.from_numpy(rows.astype(np.int64))
    with torch.no_grad():
        theirs = [float(model.module(input_ids=row[None], labels=row[None]).loss) * (WIDTH - 1) for row in ids]
    np.testing.assert_allclose(nats, theirs, rtol=1e-5)
    np.testing.assert_allclose(row_losses(model, rows[::-1])[::-1], nats, rtol=1e-6)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_features_are_the_librarys_last_hidden_state_after_the_whole_row(name: str) -> None:
    model, rows = pretrained(name, VOCABULARY), tokens(20)
    with torch.no_grad():
        theirs = model.module.base_model(input_ids=torch.from_numpy(rows.astype(np.int64))).last_hidden_state[:, -1]
    np.testing.assert_allclose(scoring.features(model, rows), theirs, atol=1e-5)


def test_the_batch_mean_perplexity_weighs_a_short_last_batch_like_a_full_one() -> None:
    losses = [2.0, 4.0, 12.0]  # two batches, of two rows and of one, two tokens a row
    assert batch_mean_perplexity(losses, 2, 2) == pytest.approx(math.exp((1.5 + 6.0) / 2))
    assert batch_mean_perplexity(losses, 2, 3) == pytest.approx(math.exp(18.0 / 6))


def test_perplexity_is_reported_with_and_without_the_end_token() -> None:
    model = pretrained("opt", VOCABULARY)
    held_out = tokens()
    held_out[:, 2] = model.end_ids[0]
    held_out[:, 3:][held_out[:, 3:] == 2] = 5
    rows = dataset(held_out)
    measured = causal_lm.evaluate(model, Sets(rows, rows, rows, rows), model, Measuring(5), Stream(()))
    nats = scoring.position_losses(model, held_out)
    assert measured["test_perplexity"] == pytest.approx(math.exp(nats.mean()), rel=1e-6)
    ends = held_out[:, 1:] == 2
    assert measured["test_perplexity.end_tokens"] == pytest.approx(math.exp(nats[ends].mean()), rel=1e-6)
    assert measured["test_perplexity.other_tokens"] == pytest.approx(math.exp(nats[~ends].mean()), rel=1e-6)
    blocks = np.exp(nats.mean(axis=1))
    assert measured["test_block_perplexity.mean"] == pytest.approx(blocks.mean(), rel=1e-6)
    assert measured["test_block_perplexity.median"] == pytest.approx(np.median(blocks), rel=1e-6)
    assert measured["origin_perplexity.median"] == pytest.approx(np.median(blocks), rel=1e-6)
    assert measured["end_token_share"] == pytest.approx((held_out == 2).mean())


@pytest.mark.parametrize("settings", [CausalSampling(beams=3), CausalSampling(), CausalSampling(beams=3, repetition_penalty=3.0)])
def test_the_end_token_is_never_written_unless_the_ban_is_lifted(settings: CausalSampling) -> None:
    model, prompts = favouring(2), tokens(4)
    assert written(model, settings, prompts).shape == (4, WIDTH)
    assert not (written(model, settings, prompts) == 2).any()
    free = written(model, settings.model_copy(update={"ban_end": False}), prompts)
    assert free.shape == (4, WIDTH)
    assert (free == 2).all()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_beams_are_those_of_the_librarys_own_call(name: str) -> None:
    model, prompts = trained(FIT, pretrained(name, VOCABULARY)), tokens(5)
    ids = torch.from_numpy(prompts.astype(np.int64))
    theirs = model.module.generate(
        ids, attention_mask=torch.ones_like(ids), num_beams=4, do_sample=False, min_new_tokens=WIDTH, max_new_tokens=WIDTH
    )
    ours = written(model, CausalSampling(beams=4), prompts)
    assert np.array_equal(ours, theirs[:, WIDTH:].numpy())


def test_greedy_takes_the_likeliest_token_of_the_librarys_own_call() -> None:
    model, prompts = trained(FIT, pretrained("gpt2", VOCABULARY)), tokens(5)
    ids = torch.from_numpy(prompts.astype(np.int64))
    theirs = model.module.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, min_new_tokens=WIDTH, max_new_tokens=WIDTH)
    assert np.array_equal(written(model, CausalSampling(temperature=0.0), prompts), theirs[:, WIDTH:].numpy())


def test_draws_follow_the_models_distribution() -> None:
    model = trained(FIT, pretrained("llama", VOCABULARY))
    prompts = np.tile(tokens(1), (3000, 1))
    drawn = written(model, CausalSampling(ban_end=False), prompts)[:, 0]
    with torch.no_grad():
        p = model.module(torch.from_numpy(prompts[:1].astype(np.int64))).logits[0, -1].softmax(-1).double().numpy()
    counts = np.bincount(drawn, minlength=VOCABULARY)
    z = (counts - 3000 * p) / np.sqrt(3000 * p * (1 - p))
    assert np.abs(z).max() < 4


def test_a_repetition_penalty_counts_the_prompt_too() -> None:
    model, prompts = favouring(7), np.full((4, WIDTH), 8, np.int32)
    with torch.no_grad():
        model.module.lm_head.weight[9] = 0.1  # the second choice
    prompts[:2, 0] = 7
    plain = written(model, CausalSampling(temperature=0.0), prompts)
    punished = written(model, CausalSampling(temperature=0.0, repetition_penalty=1e6), prompts)
    assert (plain == 7).all()
    assert punished[:, 0].tolist() == [9, 9, 7, 7]
    assert punished[2:, 1].tolist() == [9, 9]


def ended_llama(**changed: Any) -> CausalLM:
    return trained(FIT, pretrained("llama", VOCABULARY, bos_token_id=1, eos_token_id=2, **changed))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"temperature": 0.7, "top_k": 5},
        {"temperature": 0.0, "repetition_penalty": 3.0},
        {"beams": 4},
        {"beams": 4, "repetition_penalty": 2.0},
        {"prompts": "none"},
        {"ban_end": False, "beams": 3},
    ],
    ids=str,
)
@pytest.mark.parametrize("shape", [{}, {"num_key_value_heads": 1, "tie_word_embeddings": False}], ids=["tied", "grouped heads"])
def test_our_own_engine_writes_what_transformers_writes(settings: dict[str, Any], shape: dict[str, Any]) -> None:
    model, prompts = ended_llama(**shape), tokens(7)
    theirs, ours = (written(model, CausalSampling(engine=engine, **settings), prompts) for engine in ("transformers", "native"))
    assert theirs.tolist() == ours.tolist()
    assert len(np.unique(ours)) > 1


def test_our_own_engine_never_writes_the_end_token_unless_the_ban_is_lifted() -> None:
    model = ended_llama(tie_word_embeddings=False)
    with torch.no_grad():
        model.module.lm_head.weight[2] = (
            model.module.lm_head.weight.abs().sum(0) * 50 * model.module.model(torch.tensor([[3]])).last_hidden_state[0, 0].sign()
        )
    for settings in (CausalSampling(engine="native"), CausalSampling(engine="native", beams=3)):
        assert not (written(model, settings, tokens(9)) == 2).any()
        assert (written(model, settings.model_copy(update={"ban_end": False}), tokens(9)) == 2).any()


def test_our_own_engine_refuses_what_it_cannot_read() -> None:
    settings = CausalSampling(engine="native")
    with pytest.raises(HeirloomError, match=r"sampling.engine: native is for models of the Llama architecture; family.model lacks"):
        written(pretrained("opt", VOCABULARY), settings, tokens(1))
    rotary = {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}
    with pytest.raises(HeirloomError, match=r"sampling.engine: native is for .* rope_parameters is .* use engine: transformers"):
        written(pretrained("llama", VOCABULARY, rope_parameters=rotary), settings, tokens(1))
    adapter = trained(FIT.model_copy(update={"lora": Lora(checkpoint="adapter")}), pretrained("llama", VOCABULARY))
    with pytest.raises(HeirloomError, match=r"native reads whole weights; use lora.checkpoint: merged"):
        written(adapter, settings, tokens(1))


def test_rows_from_nothing_begin_after_the_models_own_start_token() -> None:
    model = trained(FIT, pretrained("opt", VOCABULARY))
    settings = CausalSampling(temperature=0.0, prompts="none")
    with torch.no_grad():
        logits = model.module(torch.tensor([[2]])).logits[0, -1]
        logits[2] = -torch.inf
    assert (written(model, settings, np.zeros((2, WIDTH), np.int32))[:, 0] == int(logits.argmax())).all()


def test_the_kept_epoch_has_the_lowest_validation_loss() -> None:
    start, held = pretrained("llama", VOCABULARY), dataset(tokens(8, "held"))
    fit = FIT.model_copy(update={"epochs": 4, "learning_rate": 0.05, "final_learning_rate": 0.05})
    each = [trained(fit.model_copy(update={"epochs": n}), start) for n in (1, 2, 3, 4)]
    losses = [row_losses(model, tokens(8, "held")).sum() for model in each]
    best = trained(fit.model_copy(update={"best_epoch": "real"}), start, validation=held)
    assert int(np.argmin(losses)) < 3  # the rows have nothing in common
    np.testing.assert_allclose(row_losses(best, tokens(8, "held")).sum(), min(losses), rtol=1e-5)


FLAT = FIT.model_copy(update={"epochs": 4, "learning_rate": 0.05, "final_learning_rate": 0.05})
BOTH_EPOCHS = FLAT.model_copy(update={"best_epoch": "real", "last_epoch": True})


@pytest.mark.parametrize("lora_kind", [None, "merged", "adapter"])
def test_the_last_epoch_is_saved_and_scored_beside_the_best_where_it_is_asked_for(lora_kind: str | None, tmp_path: Path) -> None:
    causal_lm.save(pretrained("llama", VOCABULARY), tmp_path / "base")
    start, held = causal_lm.load(tmp_path / "base"), dataset(tokens(8, "held"))
    more = {"lora": Lora.model_validate({"rank": 2, "checkpoint": lora_kind}) if lora_kind else None}
    each = [trained(FLAT.model_copy(update={"epochs": n, **more}), start) for n in (1, 2, 3, 4)]
    losses = [row_losses(model, tokens(8, "held")).sum() for model in each]
    best = 1 + int(np.argmin(losses))
    causal_lm.save(trained(BOTH_EPOCHS.model_copy(update=more), start, validation=held), tmp_path / "both")
    causal_lm.save(trained(BOTH_EPOCHS.model_copy(update={**more, "last_epoch": False}), start, validation=held), tmp_path / "best")
    causal_lm.save(each[-1], tmp_path / "last")
    both, rows = causal_lm.load(tmp_path / "both"), dataset(tokens(40, "test"))
    assert both.epochs is not None
    assert best < 4 == both.epochs.last
    assert fingerprint(tmp_path / "both/last_epoch") == fingerprint(tmp_path / "last")
    sets, measuring = Sets(sample=rows, scored=rows, held_out=rows, original=rows), Measuring(8, VOCABULARY, generation=1)
    said, best_said, last_said = (
        causal_lm.evaluate(causal_lm.load(tmp_path / name), sets, start, measuring, Stream(())) for name in ("both", "best", "last")
    )
    assert said == best_said | {"best_epoch": best, "test_perplexity.last_epoch": last_said["test_perplexity"]}
    assert last_said["test_perplexity"] != best_said["test_perplexity"]


def test_the_last_epoch_is_not_saved_twice_where_it_is_the_best(tmp_path: Path) -> None:
    start, held = pretrained("llama", VOCABULARY), dataset(tokens())  # the training rows themselves: the last epoch is the best
    causal_lm.save(trained(BOTH_EPOCHS.model_copy(update={"learning_rate": 0.02}), start, validation=held), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "epochs.json", "generation_config.json", "model.safetensors"]
    rows = dataset(tokens(8, "held"))
    sets, measuring = Sets(sample=rows, scored=rows, held_out=rows, original=rows), Measuring(8, VOCABULARY, generation=1)
    said = causal_lm.evaluate(causal_lm.load(tmp_path), sets, start, measuring, Stream(()))
    assert (said["best_epoch"], said["test_perplexity.last_epoch"]) == (4, said["test_perplexity"])


def saved_weights(model: CausalLM) -> list[int]:
    return weights.checksums(dict(model.module.named_parameters()))


class BrokenOffError(Exception):
    """What stands in for a kill."""


@pytest.mark.parametrize("more", [{"lora": {"rank": 2, "dropout": 0.2}}, {"start": "scratch", "best_epoch": "last"}])
def test_a_training_broken_off_after_any_step_goes_on_to_the_same_bytes(
    more: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = CausalTraining.model_validate(FIT.model_dump() | {"epochs": 3, "best_epoch": "real", **more})
    held, save = dataset(tokens(8, "held")), state.save
    given = (dataset(tokens()), fit, pretrained("opt", VOCABULARY), Stream((0, "train")))
    uninterrupted = causal_lm.train(*given, held)
    whole = saved_weights(uninterrupted)
    monkeypatch.setenv("HEIRLOOM_SAVE_SECONDS", "0")

    def save_and_break_off(*saved: Any) -> None:
        save(*saved)
        raise BrokenOffError

    monkeypatch.setattr(state, "save", save_and_break_off)
    for _ in range(6):  # three epochs of two steps, none of which is made twice
        with pytest.raises(BrokenOffError):
            causal_lm.resume(*given, tmp_path, held)
    resumed = causal_lm.resume(*given, tmp_path, held)
    assert saved_weights(resumed) == whole
    assert (resumed.epochs and resumed.epochs.best) == (uninterrupted.epochs and uninterrupted.epochs.best)


def test_dropout_draws_from_the_stream_and_leaves_torchs_generator_alone() -> None:
    start, before = pretrained("opt", VOCABULARY), torch.get_rng_state()
    one, two = trained(FIT, start), trained(FIT, start)
    other = causal_lm.train(dataset(tokens()), FIT, start, Stream((1, "train")))
    assert torch.equal(torch.get_rng_state(), before)
    assert saved_weights(one) == saved_weights(two) != saved_weights(other)


def test_weights_from_scratch_are_new_and_the_streams_own() -> None:
    start, fit = pretrained("llama", VOCABULARY), FIT.model_copy(update={"start": "scratch"})
    model = trained(fit, start)
    assert saved_weights(model) == saved_weights(trained(fit, pretrained("llama", VOCABULARY)))
    assert saved_weights(model) != saved_weights(trained(FIT, start))


def test_weighted_rows_count_by_their_weight() -> None:
    start, fit = pretrained("llama", VOCABULARY), FIT.model_copy(update={"epochs": 1, "batch_rows": 16})
    light, heavy = dataset(tokens()).weighted(0.0), dataset(tokens(16, "more")).weighted(2.0)
    both = Dataset([*light.pieces, *heavy.pieces])
    fit = fit.model_copy(update={"batch_rows": 32})
    model = causal_lm.train(both, fit, start, Stream((0, "train")))
    alone = causal_lm.train(dataset(tokens(16, "more")), fit.model_copy(update={"batch_rows": 16}), start, Stream((0, "train")))
    np.testing.assert_allclose(row_losses(model, tokens()), row_losses(alone, tokens()), rtol=1e-4)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_merged_adapters_are_a_whole_model_and_unmerged_ones_name_their_base(name: str, tmp_path: Path) -> None:
    causal_lm.save(pretrained(name, VOCABULARY), tmp_path / "base")
    start = causal_lm.load(tmp_path / "base")
    fits = [FIT.model_copy(update={"lora": Lora.model_validate({"rank": 2, "checkpoint": kind})}) for kind in ("merged", "adapter")]
    whole, adapter = (trained(fit, start) for fit in fits)
    causal_lm.save(whole, tmp_path / "merged")
    first = saved(adapter, tmp_path / "adapter")
    assert first == saved(trained(fits[1], start), tmp_path / "again")
    assert sorted(path.name for path in (tmp_path / "adapter").iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
        "base.json",
    ]
    told = json.loads((tmp_path / "adapter/base.json").read_text())
    assert told["sha256"] == fingerprint(tmp_path / "base")["sha256"]
    loaded = causal_lm.load(tmp_path / "adapter")
    assert saved(loaded, tmp_path / "twice") == first
    rows = tokens()
    np.testing.assert_allclose(row_losses(loaded, rows), row_losses(causal_lm.load(tmp_path / "merged"), rows), rtol=1e-4)
    assert not np.allclose(row_losses(loaded, rows), row_losses(start, rows), rtol=1e-3)
    with whole_model(tmp_path / "adapter") as folder:
        opened = AutoModelForCausalLM.from_pretrained(folder).eval()
        np.testing.assert_allclose(row_losses(CausalLM(opened), rows), row_losses(loaded, rows), rtol=1e-4)
    assert not folder.exists()
    with whole_model(tmp_path / "merged") as folder:
        assert folder == tmp_path / "merged"
    assert saved(loaded, tmp_path / "thrice") == first


def test_a_merge_that_gives_another_model_is_refused() -> None:
    class Dishonest(torch.nn.Linear):
        """A layer that does not use its weights as they are: what is added to them is not what was trained."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.linear(x, self.weight.tanh() * 5)

    model = pretrained("llama", VOCABULARY).module
    layer = model.model.layers[0].mlp
    layer.down_proj = Dishonest(16, 8, bias=False)
    adapted = lora.wrapped(model, Lora(rank=2, targets=("down_proj",)), Stream((0, "adapters")))
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            weight.add_(1.0 if "lora_" in name else 0.0)
    with pytest.raises(
        HeirloomError, match=r"family.training.lora: with its adapters added to the weights the model is not the one that was"
    ):
        lora.merged(adapted)


def test_an_adapter_is_never_put_on_other_weights(tmp_path: Path) -> None:
    causal_lm.save(pretrained("llama", VOCABULARY), tmp_path / "base")
    fit = FIT.model_copy(update={"lora": Lora(rank=2, checkpoint="adapter")})
    causal_lm.save(trained(fit, causal_lm.load(tmp_path / "base")), tmp_path / "adapter")
    (tmp_path / "base/config.json").write_text((tmp_path / "base/config.json").read_text() + "\n")
    with pytest.raises(HeirloomError, match="but it has other bytes now"):
        causal_lm.load(tmp_path / "adapter")
    (tmp_path / "base").rename(tmp_path / "moved")
    with pytest.raises(HeirloomError, match="which is not here; fetch it with dvc pull"):
        causal_lm.load(tmp_path / "adapter")


def test_bfloat16_products_stay_close_to_float32() -> None:
    start = pretrained("llama", VOCABULARY)
    exact, rounded = (trained(FIT.model_copy(update={"precision": precision}), start) for precision in ("float32", "bfloat16"))
    np.testing.assert_allclose(row_losses(rounded, tokens()), row_losses(exact, tokens()), rtol=0.05)
    assert saved_weights(exact) != saved_weights(rounded)
    assert {weight.dtype for weight in rounded.module.parameters()} == {torch.float32}
    assert written(exact, CausalSampling(precision="bfloat16", beams=2), tokens(4)).shape == (4, WIDTH)


def frozen() -> CausalLM:
    model = pretrained("llama", VOCABULARY)
    model.module.requires_grad_(False)
    return model


def broken() -> CausalLM:
    model = pretrained("llama", VOCABULARY)
    with torch.no_grad():
        model.module.model.norm.weight[0] = math.nan
    return model


@pytest.mark.parametrize(
    ("change", "start", "message"),
    [
        ({"batch_rows": 17}, pretrained, "the training set has 16 rows, fewer than family.training.batch_rows = 17; lower it"),
        (
            {"learning_rate": 1e-30, "final_learning_rate": 0.0},
            pretrained,
            "no weight changed in 4 steps, the first at",
        ),
        ({}, frozen, "no weight of the model can be trained: all are frozen"),
        ({}, broken, "at step 0 the loss is nan, at learning rate 0.02"),
        ({"best_epoch": "real"}, pretrained, "best_epoch: real needs the real validation split"),
        ({"best_epoch": "synthetic", "validation_share": 0.9}, pretrained, "holding out 14 of 16 rows for validation leaves fewer"),
        ({"lora": {"targets": ["nothing"]}}, pretrained, "family.training.lora.targets: .*nothing"),
    ],
)
def test_bad_training_is_refused_in_one_line(change: dict[str, Any], start: Any, message: str) -> None:
    fit = CausalTraining.model_validate(FIT.model_dump() | change)
    with pytest.raises(HeirloomError, match=message) as caught:
        trained(fit, start("llama", VOCABULARY) if start is pretrained else start())
    assert "\n" not in str(caught.value)


def test_rows_must_fit_the_models_vocabulary_and_context() -> None:
    with pytest.raises(HeirloomError, match=r"training rows hold tokens 0 to 19, but the model has 0 to 14: source.text.tokenizer must"):
        trained(FIT, pretrained("llama", 15))
    with pytest.raises(HeirloomError, match=r"training rows have 6 tokens, but the model's context is 4; lower source.text.row_tokens"):
        trained(FIT, pretrained("llama", VOCABULARY, context=4))
    with pytest.raises(HeirloomError, match=r"a prompt and its continuation have 12 tokens, but the model's context is 8"):
        written(pretrained("llama", VOCABULARY, context=8), CausalSampling(), tokens(2))
    with pytest.raises(HeirloomError, match="the logits of a new token are not finite"):
        written(broken(), CausalSampling(beams=2), tokens(2))
    with pytest.raises(HeirloomError, match=r"must be given the model of family\.model"):
        causal_lm.train(dataset(tokens()), FIT, None, Stream(()))


def test_out_of_memory_says_what_to_lower() -> None:
    with (
        pytest.raises(HeirloomError, match=r"^out of memory while training; lower micro_rows$"),
        memory.guard("training", "micro_rows"),
    ):
        torch.empty(2**60)
    with pytest.raises(RuntimeError, match="size"), memory.guard("training", "anything"):
        torch.zeros(2) @ torch.zeros(3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"start": "scratch", "lora": {}}, "lora needs trained weights to adapt"),
        ({"start": "origin", "lora": {"checkpoint": "adapter"}}, "adapter needs `start: pretrained`"),
    ],
)
def test_adapters_need_a_base(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        CausalTraining.model_validate(settings)


def test_beams_draw_nothing() -> None:
    with pytest.raises(ValidationError, match="beams draw nothing"):
        CausalSampling(beams=5, temperature=0.7)
