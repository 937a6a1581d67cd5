"""The engine room's contract: every feature for both networks, the native Llama and a model of `transformers`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from heirloom.artefacts.fingerprints import fingerprint
from heirloom.data.dataset import Dataset
from heirloom.data.rows import text_table
from heirloom.errors import HeirloomError
from heirloom.families import causal_lm, transformer
from heirloom.families.base import Measuring, Sets
from heirloom.families.lm import adamw, loop, scoring, state
from heirloom.families.lm.library.learner import Learner as LibraryLearner
from heirloom.families.lm.native.learner import Learner as NativeLearner
from heirloom.families.lm.rows import Rows
from heirloom.runtime.streams import Stream
from heirloom.specs.causal_lm import CausalTraining
from heirloom.specs.transformer import Architecture, TransformerFit
from small_models import pretrained

VOCABULARY, WIDTH = 20, 6
STREAM = Stream((0, "train"))


def tokens(rows: int = 16, name: str = "rows") -> NDArray[np.int32]:
    return Stream((0, name)).generator().integers(1, VOCABULARY, (rows, WIDTH)).astype(np.int32)


def dataset(rows: NDArray[np.int32]) -> Dataset:
    return Dataset.of(text_table(rows, [" one two three "] * len(rows), first_row=0))


HELD = dataset(tokens(8, "held"))


@dataclass(frozen=True)
class Side:
    """A network by its family, and how its trainings of one kind are asked for."""

    family: Any
    fit: Callable[..., Any]
    start: Callable[[], Any]

    def trained(self, rows: NDArray[np.int32] | Dataset | None = None, validation: Dataset | None = None, **more: Any) -> Any:
        data = rows if isinstance(rows, Dataset) else dataset(tokens() if rows is None else rows)
        return self.family.train(data, self.fit(**more), self.start(), STREAM, validation)

    def written(self, model: Any, rows: NDArray[np.int32], **settings: Any) -> NDArray[np.int32]:
        chunks = self.family.sample(model, [rows], len(rows), self.family.Sampling.model_validate(settings), Stream((0, "s")))
        return np.concatenate(list(chunks))

    def saved(self, model: Any, folder: Path) -> str:
        self.family.save(model, folder)
        return str(fingerprint(folder)["sha256"])


def native_fit(epochs: int = 2, learning_rate: float = 0.02, batch_rows: int = 8, **more: Any) -> TransformerFit:
    fixed = {"vocab_size": VOCABULARY, "context_tokens": WIDTH, "start": "scratch", "weight_decay": 0.01, "warmup_share": 0.0}
    schedule = {"epochs": epochs, "learning_rate": learning_rate, "batch_rows": batch_rows}
    architecture = Architecture(hidden_size=8, num_layers=1, num_heads=2, intermediate_size=16)
    return TransformerFit.model_validate({"architecture": architecture, "schedule": schedule, "clip_norm": 1e9, **fixed, **more})


def library_fit(epochs: int = 2, learning_rate: float = 0.02, batch_rows: int = 8, **more: Any) -> CausalTraining:
    schedule = {"epochs": epochs, "learning_rate": learning_rate, "batch_rows": batch_rows}
    return CausalTraining.model_validate({**schedule, "final_learning_rate": 0.0, "best_epoch": "last", **more})


SIDES = {
    "native": Side(transformer, native_fit, lambda: None),
    "llama": Side(causal_lm, library_fit, lambda: pretrained("llama", VOCABULARY)),
    "opt": Side(causal_lm, library_fit, lambda: pretrained("opt", VOCABULARY)),
}


@pytest.fixture(params=SIDES)
def side(request: pytest.FixtureRequest) -> Side:
    return SIDES[request.param]


def both_in_the_same_weights(folder: Path) -> tuple[Any, Any]:
    causal_lm.save(pretrained("llama", VOCABULARY, initializer_range=0.3), folder)
    return transformer.load(folder), causal_lm.load(folder)


@pytest.mark.parametrize("more", [{}, {"num_key_value_heads": 1}, {"tie_word_embeddings": False}], ids=str)
def test_both_networks_see_the_same_in_the_same_weights(more: dict[str, Any], tmp_path: Path) -> None:
    causal_lm.save(pretrained("llama", VOCABULARY, initializer_range=0.3, **more), tmp_path)
    ours, theirs = transformer.load(tmp_path), causal_lm.load(tmp_path)
    rows = tokens(40)
    np.testing.assert_allclose(scoring.position_losses(ours, rows), scoring.position_losses(theirs, rows), atol=1e-5)
    np.testing.assert_allclose(scoring.features(ours, rows), scoring.features(theirs, rows), atol=1e-5)
    with torch.no_grad():
        ids = torch.from_numpy(rows.astype(np.int64))
        torch.testing.assert_close(ours.logits(ids), theirs.logits(ids), atol=1e-5, rtol=0)


STRETCHED = {"rope_type": "llama3", "rope_theta": 1e4, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("llama", {"rope_parameters": {**STRETCHED, "original_max_position_embeddings": 16}, "max_position_embeddings": 64}),
        ("mistral", {"sliding_window": None}),
        ("qwen2", {}),
    ],
)
def test_the_native_engine_reads_models_that_are_nearly_llamas(kind: str, more: dict[str, Any], tmp_path: Path) -> None:
    theirs = llama_like(kind, **more)
    causal_lm.save(theirs, tmp_path / "theirs")
    ours = transformer.load(tmp_path / "theirs")
    rows = np.resize(tokens(40), (8, 24))
    np.testing.assert_allclose(scoring.position_losses(ours, rows), scoring.position_losses(theirs, rows), atol=1e-5)
    transformer.save(ours, tmp_path / "ours")
    again = causal_lm.load(tmp_path / "ours")
    assert type(again.module) is type(theirs.module)
    np.testing.assert_array_equal(scoring.position_losses(again, rows), scoring.position_losses(theirs, rows))
    for settings in ({"temperature": 0.0}, {"top_k": 4}, {"beams": 3}):
        one = SIDES["llama"].written(theirs, rows, **settings)
        other = SIDES["llama"].written(theirs, rows, **settings, engine="native")
        assert one.tolist() == other.tolist()


def llama_like(kind: str, **more: Any) -> Any:
    """Return a random model of a kind, in which biases, too, are not zero."""
    settings = {"hidden_size": 16, "num_attention_heads": 4, "num_key_value_heads": 2, "initializer_range": 0.3}
    model = pretrained(kind, VOCABULARY, **{"max_position_embeddings": 48, **settings, **more})
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in model.module.named_parameters():
            if name.endswith("bias"):
                weight.normal_(0.0, 0.5, generator=generator)
    return model


@pytest.mark.parametrize(
    ("kind", "more", "message"),
    [
        ("llama", {"rope_parameters": {"rope_type": "yarn", "factor": 2.0, "rope_theta": 1e4}}, "rope_parameters is .*yarn"),
        ("llama", {"attention_bias": True}, "attention_bias is True, and only False can be read"),
        ("mistral", {"sliding_window": 4}, "sliding_window is 4, and only None can be read"),
        ("qwen2", {"use_sliding_window": True, "sliding_window": 4, "max_window_layers": 0}, "use_sliding_window is True, and only False"),
        ("qwen3", {}, "model_type is 'qwen3', and only llama, mistral, qwen2 can be read"),
    ],
)
def test_the_native_engine_refuses_what_it_has_not_in_one_line(kind: str, more: dict[str, Any], message: str) -> None:
    with pytest.raises(HeirloomError, match=f"sampling.engine: native is for models of the Llama architecture; .*{message}"):
        SIDES["llama"].written(llama_like(kind, **more), tokens(2), engine="native")


def test_both_families_measure_the_same_in_the_same_weights(tmp_path: Path) -> None:
    ours, theirs = both_in_the_same_weights(tmp_path)
    rows, held, measuring = dataset(tokens(40)), dataset(tokens(40, "held")), Measuring(8, VOCABULARY, generation=1, divergence_rows=30)
    sets = Sets(sample=rows, scored=rows, held_out=held, original=rows)
    left = transformer.evaluate(ours, sets, ours, measuring, Stream(()))
    right = causal_lm.evaluate(theirs, sets, theirs, measuring, Stream(()))
    assert left["mauve"] < 1
    assert set(left) < set(right)
    assert left == pytest.approx({name: right[name] for name in left}, rel=1e-5)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("is_weighted", [False, True])
def test_both_networks_learn_the_same_from_the_same_rows(tmp_path: Path, precision: Any, is_weighted: bool) -> None:
    ours, theirs = both_in_the_same_weights(tmp_path)
    rows = Rows.blocks(tokens(12), np.linspace(0.1, 1.9, 12) if is_weighted else None)
    settings = loop.Settings(2, 5, lambda _, __: 0.01, adamw.Settings(), clip=0.5, micro_rows=2)
    learners = NativeLearner.of(ours, precision), LibraryLearner.of(theirs, library_fit(precision=precision), STREAM)
    one, other = (loop.train(loop.Training(learner, rows, settings, STREAM)) for learner in learners)
    tolerance = 1e-5 if precision == "float32" else 2e-2
    assert one.losses == pytest.approx(other.losses, rel=tolerance)
    left, right = (scoring.row_losses(learner.trained(), tokens(12)) for learner in learners)
    np.testing.assert_allclose(left, right, rtol=10 * tolerance)


def test_the_kept_epoch_has_the_lowest_validation_loss_and_the_last_one_is_saved_and_scored_beside_it(side: Side, tmp_path: Path) -> None:
    flat: dict[str, Any] = {"epochs": 4, "learning_rate": 0.05} | ({"final_learning_rate": 0.05} if side.family is causal_lm else {})
    both = side.trained(validation=HELD, best_epoch="real", last_epoch=True, **flat)
    last = side.trained(**flat)
    alone = side.trained(validation=HELD, best_epoch="real", **flat)
    assert both.epochs.best < 4 == both.epochs.last  # the rows have nothing in common
    side.saved(both, tmp_path / "both")
    side.saved(alone, tmp_path / "best")
    side.saved(last, tmp_path / "last")
    assert fingerprint(tmp_path / "both/last_epoch") == fingerprint(tmp_path / "last")
    assert (tmp_path / "both/model.safetensors").read_bytes() == (tmp_path / "best/model.safetensors").read_bytes()
    held = HELD.head("tokens", 8)
    assert scoring.row_losses(both, held).sum() < scoring.row_losses(last, held).sum()
    rows = dataset(tokens(40, "test"))
    sets, measuring = Sets(sample=rows, scored=rows, held_out=rows, original=rows), Measuring(8, VOCABULARY, generation=1)
    said, best_said, last_said = (
        side.family.evaluate(side.family.load(tmp_path / name), sets, last, measuring, Stream(())) for name in ("both", "best", "last")
    )
    assert said == best_said | {"best_epoch": both.epochs.best, "test_perplexity.last_epoch": last_said["test_perplexity"]}
    assert last_said["test_perplexity"] != best_said["test_perplexity"]


def test_synthetic_validation_trains_on_the_other_rows_and_needs_no_real_ones(side: Side, tmp_path: Path) -> None:
    held = np.sort(STREAM.child("validation").generator().permutation(16)[:8])
    left = side.trained(np.delete(tokens(), held, axis=0), epochs=1)
    chosen = side.trained(epochs=1, best_epoch="synthetic", validation_share=0.5)
    assert side.saved(chosen, tmp_path / "one") == side.saved(left, tmp_path / "two")


class BrokenOffError(Exception):
    """What stands in for a kill."""


@pytest.mark.parametrize("more", [{"last_epoch": True, "best_epoch": "real"}, {"best_epoch": "last"}], ids=str)
def test_a_training_broken_off_after_any_step_goes_on_to_the_same_bytes(
    side: Side, more: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, save = side.trained(validation=HELD, epochs=3, **more), state.save
    monkeypatch.setenv("HEIRLOOM_SAVE_SECONDS", "0")

    def save_and_break_off(*saved: Any) -> None:
        save(*saved)
        raise BrokenOffError

    monkeypatch.setattr(state, "save", save_and_break_off)
    given = dataset(tokens()), side.fit(epochs=3, **more), side.start(), STREAM, tmp_path / "state", HELD
    for _ in range(6):  # three epochs of two steps, none of which is made twice
        with pytest.raises(BrokenOffError):
            side.family.resume(*given)
    resumed = side.family.resume(*given)
    assert side.saved(resumed, tmp_path / "resumed") == side.saved(whole, tmp_path / "whole")


@pytest.mark.parametrize("name", ["native", "llama"])  # of OPT dropout draws otherwise for other shapes
def test_micro_batches_add_up_to_the_batch(name: str) -> None:
    side = SIDES[name]
    whole, parts = (side.trained(micro_rows=micro) for micro in (None, 3))
    np.testing.assert_allclose(scoring.row_losses(parts, tokens()), scoring.row_losses(whole, tokens()), rtol=1e-3)


def test_editing_draws_anew_what_the_judge_finds_too_easy_and_leaves_the_rest(side: Side) -> None:
    rows, judge, model = tokens(24), side.trained(), side.trained(tokens(24, "others"))
    probability = np.exp(-scoring.position_losses(judge, rows))
    above = float(np.median(probability))
    settings = side.family.Sampling()

    def edited(given: NDArray[np.int32], bound: float) -> NDArray[np.int32]:
        (chunk,) = side.family.edit(model, judge, [given], bound, settings, Stream((0, "edit")))
        return np.asarray(chunk)

    kept = np.column_stack([np.ones(24, bool), probability < above])
    assert np.array_equal(edited(rows, above)[kept], rows[kept])
    assert (edited(rows, above)[~kept] != rows[~kept]).mean() > 0.4
    assert np.array_equal(edited(rows, 0.999999), rows)
    assert np.array_equal(edited(np.roll(rows, 1, axis=0), 1e-9)[[0]], edited(rows[[-1] * 24], 1e-9)[[0]])


def test_both_networks_edit_to_the_same_tokens(tmp_path: Path) -> None:
    ours, theirs = both_in_the_same_weights(tmp_path)
    rows, free = tokens(50), causal_lm.Sampling(ban_end=False)
    (one,) = transformer.edit(ours, ours, [rows], 1e-9, transformer.Sampling(), Stream((0, "edit")))
    (other,) = causal_lm.edit(theirs, theirs, [rows], 1e-9, free, Stream((0, "edit")))
    assert one.tolist() == other.tolist()
    assert (one[:, 1:] != rows[:, 1:]).mean() > 0.5


def test_an_edited_token_is_never_the_end_token_unless_the_ban_is_lifted() -> None:
    model, rows = pretrained("llama", VOCABULARY, eos_token_id=2), tokens(200)
    (banned,) = causal_lm.edit(model, model, [rows], 1e-9, causal_lm.Sampling(), STREAM)
    (free,) = causal_lm.edit(model, model, [rows], 1e-9, causal_lm.Sampling(ban_end=False), STREAM)
    assert not (banned[:, 1:] == 2).any()
    assert (free[:, 1:] == 2).any()


@pytest.mark.parametrize("settings", [{"temperature": 0.0}, {"beams": 3}, {"top_k": 4}, {"prompts": "none"}], ids=str)
def test_both_networks_write_the_same(tmp_path: Path, settings: dict[str, Any]) -> None:
    ours, theirs = both_in_the_same_weights(tmp_path)
    if settings.get("prompts") == "none":
        theirs.module.generation_config.bos_token_id = 0
    one = SIDES["native"].written(ours, tokens(9), **settings)
    other = SIDES["llama"].written(theirs, tokens(9), **settings, ban_end=False)
    assert one.tolist() == other.tolist()


@pytest.mark.parametrize(
    ("name", "training", "message"),
    [
        ("transformer", {"lora": {}}, "lora"),
        ("transformer", {"model": {"path": "somewhere"}}, "model"),
        ("transformer", {"last_epoch": True}, "with `best_epoch: last` it is the only one"),
        ("causal_lm", {"last_epoch": True, "best_epoch": "last"}, "with `best_epoch: last` it is the only one"),
        ("causal_lm", {"warmup_share": 0.1}, "warmup_share"),
    ],
)
def test_what_a_network_cannot_have_is_refused_when_the_config_is_read(name: str, training: dict[str, Any], message: str) -> None:
    from heirloom.specs.family import SPECS

    with pytest.raises(ValueError, match=message):
        SPECS[name].model_validate({"name": name, "training": training} | ({"model": {"path": "x"}} if name == "causal_lm" else {}))


def test_the_native_engine_with_adapters_alone_is_refused_when_the_config_is_read() -> None:
    adapters = {"training": {"lora": {"checkpoint": "adapter"}}, "sampling": {"engine": "native"}}
    with pytest.raises(ValueError, match=r"native reads whole weights; use lora.checkpoint: merged, or engine: transformers"):
        causal_lm.Spec.model_validate({"name": "causal_lm", "model": {"path": "x"}, **adapters})


def test_rows_must_fit_the_network(side: Side) -> None:
    with pytest.raises(HeirloomError, match=r"training rows hold tokens .* to 24, but the model has 0 to 19: source.text.tokenizer must"):
        side.trained(tokens() + 5)
    with pytest.raises(HeirloomError, match=r"training rows have 1 token: each must have at least 2"):
        side.trained(tokens()[:, :1])
    with pytest.raises(HeirloomError, match="best_epoch: real needs the real validation split"):
        side.trained(best_epoch="real")


def test_generation_0_may_have_a_schedule_of_its_own_in_both_families() -> None:
    own = {"epochs": 3, "learning_rate": 0.5, "batch_rows": 2}
    fits = [CausalTraining.model_validate({"epochs": 1, "origin": own}).fit_settings(g, None) for g in (0, 1)]
    assert [(fit.epochs, fit.learning_rate, fit.batch_rows) for fit in fits] == [(3, 0.5, 2), (1, 2e-5, 128)]
    assert fits[1] == CausalTraining(epochs=1)
    assert fits[0].origin is None


def test_a_frozen_network_and_one_that_does_not_change_are_refused() -> None:
    model = pretrained("llama", VOCABULARY)
    model.module.requires_grad_(False)
    with pytest.raises(HeirloomError, match="no weight of the model can be trained"):
        causal_lm.train(dataset(tokens()), library_fit(), model, STREAM)
    with pytest.raises(HeirloomError, match="learning_rate is too small"):
        SIDES["native"].trained(learning_rate=1e-30)
