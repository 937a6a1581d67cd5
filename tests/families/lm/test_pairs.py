"""Prompts and completions in both networks: the loss of a transformers loop, the answers of its generate, and where they stop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from data.test_pairs import END, rows_of
from heirloom.data import pairs
from heirloom.data.choice import joined
from heirloom.data.dataset import Dataset
from heirloom.data.pairs import Limit
from heirloom.families import causal_lm, ngram, transformer
from heirloom.families.base import Measuring, Sets
from heirloom.families.lm import pairs as lm_pairs
from heirloom.runtime.streams import Stream
from heirloom.specs.causal_lm import CausalSampling, CausalTraining
from heirloom.specs.decoding import Decoding
from heirloom.specs.language_model import Schedule
from heirloom.specs.ngram import NgramFit, NgramSampling
from heirloom.specs.transformer import Architecture, TransformerFit
from small_models import pretrained

VOCABULARY, CONTEXT = 60, 64
STOPS = [END, 7, 11, 13]
ARCHITECTURE = Architecture(hidden_size=16, num_layers=2, num_heads=2, intermediate_size=32)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Several threads wait for each other longer than such small models take."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def fit(epochs: int = 1, **changed: Any) -> TransformerFit:
    settings: dict[str, Any] = {
        "architecture": ARCHITECTURE,
        "vocab_size": VOCABULARY,
        "context_tokens": CONTEXT,
        "schedule": Schedule(epochs=epochs, learning_rate=0.01, batch_rows=16),
        "start": "scratch",
        "weight_decay": 0.0,
        "warmup_share": 0.0,
        "clip_norm": 1.0,
    }
    return TransformerFit(**{**settings, **changed})


def unequal(num_rows: int, seed: int = 0) -> Dataset:
    rng = Stream((seed, "unequal")).generator()
    sizes = rng.integers([1, 0], [24, 12], (num_rows, 2)).tolist()
    return rows_of([(rng.integers(1, VOCABULARY, p).tolist(), [*rng.integers(1, VOCABULARY, c).tolist(), END]) for p, c in sizes])


def counting(num_rows: int) -> Dataset:
    """Return pairs whose completion counts on from the prompt's last number, for one number or two."""
    made = []
    for number in range(num_rows):
        start, length = 1 + number % 20, 1 + number % 2
        made.append(([50 + length, start], [*range(start + 1, start + 1 + length), END]))
    return rows_of(made)


@pytest.fixture(scope="module")
def native() -> Any:
    return transformer.train(unequal(64), fit(2), None, Stream((0, "train")))


@pytest.fixture(scope="module")
def library(native: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The same model, opened by transformers."""
    folder = tmp_path_factory.mktemp("model") / "checkpoint"
    transformer.save(native, folder)
    return causal_lm.load(folder)


@pytest.fixture(params=["native", "library", "library, native engine"])
def network(request: pytest.FixtureRequest) -> tuple[Any, Any, Any]:
    """A family, a model, and settings that draw nothing."""
    if request.param == "native":
        return transformer, request.getfixturevalue("native"), Decoding(temperature=0.0)
    settings = CausalSampling(temperature=0.0, engine="native") if "engine" in request.param else CausalSampling(temperature=0.0)
    return causal_lm, request.getfixturevalue("library"), settings


def completed(network: tuple[Any, Any, Any], rows: Dataset, tokens: int = 12, chunk_rows: int = 32, **changed: Any) -> list[list[int]]:
    module, model, settings = network
    chunks = pairs.prompt_chunks(rows, chunk_rows, range(pairs.count_chunks(rows.num_rows, chunk_rows)))
    settings = settings.model_copy(update=changed)
    written = module.complete(model, chunks, Limit(STOPS, tokens), settings, Stream((0, "sample")))
    return [row for _, lists in pairs.in_order(written, rows, chunk_rows) for row in lists.to_pylist()]


def test_the_likelihood_of_a_completion_is_that_of_a_loop_with_masked_labels(network: tuple[Any, Any, Any], library: Any) -> None:
    rows = unequal(20, seed=1)
    ours = network[0].log_likelihoods(network[1], rows, 16)[0]
    for row, score in zip(rows.table().to_pylist(), ours, strict=True):
        ids = torch.tensor([row["prompt"] + row["tokens"]])
        labels = ids.clone()
        labels[:, : len(row["prompt"])] = -100
        with torch.inference_mode():
            loss = library.module(input_ids=ids, labels=labels).loss
        assert -score == pytest.approx(float(loss) * len(row["tokens"]), rel=1e-5)


@pytest.fixture(scope="module")
def answered(library: Any) -> list[list[int]]:
    """What generate of transformers answers to forty prompts, one by one and so without padding."""
    kept = []
    for prompt in unequal(40, seed=2).table(["prompt"])["prompt"].to_pylist():
        written = library.module.generate(
            torch.tensor([prompt]), max_new_tokens=8, do_sample=False, eos_token_id=STOPS, pad_token_id=END, use_cache=True
        )
        kept.append(written[0, len(prompt) :].tolist())
    return kept


def test_greedy_completions_are_those_of_generate_token_by_token(network: tuple[Any, Any, Any], answered: list[list[int]]) -> None:
    assert completed(network, unequal(40, seed=2), 8) == answered
    assert {row[-1] in STOPS for row in answered} == {True, False}


def edited(network: tuple[Any, Any, Any], judge: Any, rows: Dataset, above: float, chunk_rows: int = 16) -> list[list[int]]:
    module, model, settings = network
    chunks = pairs.answered_chunks(rows, chunk_rows, range(pairs.count_chunks(rows.num_rows, chunk_rows)))
    settings = settings.model_copy(update={"temperature": 1.0})
    written = module.edit_completions(model, judge, chunks, Limit([END], 24), above, settings, Stream((0, "edit")))
    return [row for _, lists in pairs.in_order(written, rows, chunk_rows) for row in lists.to_pylist()]


def test_editing_draws_anew_completion_tokens_that_the_judge_finds_too_easy_and_neither_moves_nor_makes_an_end(network: Any) -> None:
    rows, judge = unequal(40, seed=10), network[1]
    before, above = rows.table(["tokens"])["tokens"].to_pylist(), 1 / VOCABULARY
    after = edited(network, judge, rows, above)
    changed = {True: 0, False: 0}
    for prompt, old, new in zip(rows.table()["prompt"].to_pylist(), before, after, strict=True):
        (nats,) = network[0].completion_losses(judge, np.array([prompt]), np.array([old]))
        assert len(old) == len(new)
        assert (new[-1], END in new[:-1]) == (END, False)
        for probability, one, other in zip(np.exp(-nats)[:-1], old, new, strict=False):
            changed[bool(probability >= above)] += one != other
    assert changed[False] == 0 < 20 < changed[True]
    assert edited(network, judge, rows, 0.999999) == before
    assert edited(network, judge, rows, above, chunk_rows=7) == after


def test_both_networks_and_engines_edit_pairs_to_the_same_tokens(native: Any, library: Any) -> None:
    rows = unequal(40, seed=11)
    one = edited((transformer, native, Decoding()), native, rows, 1e-9)
    assert one == edited((causal_lm, library, CausalSampling()), library, rows, 1e-9)


def test_an_edited_token_follows_the_models_law_after_the_prompt_and_the_rows_own_tokens() -> None:
    num_rows = 6000
    rows = rows_of([([3, 5], [7, 9, END])] * num_rows)
    model = ngram.train(unequal(200, seed=12), NgramFit(order=3, vocab_size=VOCABULARY), None, Stream(()))
    after = np.array(edited((ngram, model, NgramSampling()), model, rows, 1e-9, chunk_rows=num_rows))
    for place, context in enumerate(([3, 5], [3, 5, 7])):
        contexts, every = np.tile(context, (VOCABULARY, 1)), np.arange(VOCABULARY)[:, None]
        law = np.exp(-ngram.completion_losses(model, contexts, every))[:, 0]
        law[(7, 9)[place]] += law[END]  # where an end is drawn, the token stays
        law[END] = 0.0
        expected = num_rows * law
        z = (np.bincount(after[:, place], minlength=VOCABULARY) - expected) / np.sqrt(np.maximum(expected * (1 - law), 1e-9))
        assert np.abs(z).max() < 4
    assert (after[:, 2] == END).all()


@pytest.fixture(scope="module")
def sharp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint whose next tokens are far from equally likely, so that a beam of low rank now and then turns out to be the best."""
    folder = tmp_path_factory.mktemp("sharp") / "checkpoint"
    causal_lm.save(pretrained("llama", VOCABULARY, CONTEXT, hidden_size=16, num_hidden_layers=2, initializer_range=0.3), folder)
    return folder


@pytest.fixture(scope="module", params=[{"beams": 2}, {"beams": 3, "repetition_penalty": 1.3}], ids=str)
def searched(request: pytest.FixtureRequest, sharp: Path) -> tuple[dict[str, Any], list[list[int]]]:
    """Settings of a beam search, and what generate finds by them for each of 24 prompts by itself."""
    settings, kept, module = request.param, [], causal_lm.load(sharp).module
    wanted = {"num_beams": settings["beams"], "repetition_penalty": settings.get("repetition_penalty", 1.0)}
    for prompt in unequal(24, seed=20).table(["prompt"])["prompt"].to_pylist():
        ids = torch.tensor([prompt])
        written = module.generate(ids, max_new_tokens=4, do_sample=False, eos_token_id=STOPS, pad_token_id=END, **wanted)
        tokens = written[0, len(prompt) :].tolist()
        ends = [place for place, token in enumerate(tokens) if token in STOPS]
        kept.append(tokens[: ends[0] + 1] if ends else tokens)
    return settings, kept


@pytest.mark.parametrize("module", [transformer, causal_lm])
def test_beams_of_unequal_prompts_are_those_of_generate_and_stop_at_the_end_token(module: Any, searched: Any, sharp: Path) -> None:
    (settings, kept), rows = searched, unequal(24, seed=20)
    assert len(set(map(len, kept))) > 1
    engines = [CausalSampling(), CausalSampling(engine="native")] if module is causal_lm else [Decoding()]
    for engine in engines:
        network = module, module.load(sharp), engine
        assert completed(network, rows, 4, **settings) == kept
        assert completed(network, rows, 4, chunk_rows=7, **settings) == kept


def test_what_a_row_becomes_is_drawn_by_its_id_alone(network: tuple[Any, Any, Any]) -> None:
    rows = unequal(30, seed=3)
    drawn = completed(network, rows, temperature=1.0)
    assert drawn == completed(network, rows, temperature=1.0, chunk_rows=7)
    assert drawn != completed(network, rows)


def test_both_networks_draw_the_same(native: Any, library: Any) -> None:
    rows = unequal(30, seed=4)
    own = completed((transformer, native, Decoding(temperature=0.8)), rows)
    assert own == completed((causal_lm, library, CausalSampling(temperature=0.8)), rows)


def test_a_model_trained_on_pairs_stops_though_its_padding_token_is_its_end_token() -> None:
    rows = counting(200)
    start = pretrained("llama", VOCABULARY, CONTEXT, hidden_size=32, eos_token_id=END, pad_token_id=END)
    settings = CausalTraining(epochs=10, learning_rate=0.02, batch_rows=8, best_epoch="last")
    tuned = causal_lm.train(rows, settings, start, Stream((0, "train")))
    assert shares((causal_lm, tuned, CausalSampling(temperature=0.0)), rows) > (0.95,)


def test_the_native_network_learns_to_stop() -> None:
    rows = counting(200)
    settings = fit(10, schedule=Schedule(epochs=10, learning_rate=0.02, batch_rows=8))
    model = transformer.train(rows, settings, None, Stream((0, "train")))
    assert shares((transformer, model, Decoding(temperature=0.0)), rows) > (0.95,)


def shares(network: tuple[Any, Any, Any], rows: Dataset) -> tuple[float, float]:
    """Return how many completions stop, and how many are those of the rows."""
    wanted = rows.table()["tokens"].to_pylist()
    module, model, settings = network
    chunks = pairs.prompt_chunks(rows, 40, range(pairs.count_chunks(rows.num_rows, 40)))
    written = module.complete(model, chunks, Limit([END], 4), settings, Stream((0, "sample")))
    answers_of_rows = [row for _, lists in pairs.in_order(written, rows, 40) for row in lists.to_pylist()]
    stopped = np.mean([answer[-1] == END for answer in answers_of_rows])
    return float(stopped), float(np.mean([answer == tokens for answer, tokens in zip(answers_of_rows, wanted, strict=True)]))


def test_parts_of_a_step_count_tokens_as_the_whole_step_does() -> None:
    rows = unequal(32, seed=5)
    whole, parts = (transformer.train(rows, fit(micro_rows=micro), None, Stream((0, "train"))) for micro in (None, 3))
    for name, weight in whole.weights.items():
        assert torch.allclose(weight, parts.weights[name], atol=2e-5), name


def test_a_loss_on_all_tokens_learns_the_prompt_too() -> None:
    rows = unequal(64, seed=6)
    blind, whole = (transformer.train(rows, fit(4, loss_on=loss), None, Stream((0, "train"))) for loss in ("completion", "all"))
    prompts = [row for row in rows.table()["prompt"].to_pylist() if len(row) > 8]
    nats = [sum(transformer.row_losses(model, np.array([row]))[0] for row in prompts) for model in (blind, whole)]
    assert nats[1] < nats[0]


def test_a_row_of_weight_two_is_two_rows() -> None:
    rows = unequal(16, seed=7)
    doubled = joined([rows.take(np.arange(1)).weighted(2.0), rows.take(np.arange(1, 16)).weighted(14 / 15)])
    with lm_pairs.mapped(doubled, "completion") as mapped:
        batch = mapped.batch(np.arange(16), np.arange(16), torch.device("cpu"))
    assert batch.weights is not None
    assert batch.weights.tolist() == pytest.approx([2.0, *[14 / 15] * 15])
    assert batch.is_label is not None
    assert int(batch.is_label.sum()) == batch.num_labels == pairs.lengths(rows, "tokens").sum()


def test_a_killed_training_of_pairs_goes_on_to_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = unequal(64, seed=8)
    monkeypatch.setenv("HEIRLOOM_SAVE_SECONDS", "0")
    whole = transformer.resume(rows, fit(2), None, Stream((0, "train")), tmp_path / "whole")
    again = transformer.resume(rows, fit(2), None, Stream((0, "train")), tmp_path / "whole")  # from the last step that was saved
    assert all(torch.equal(weight, again.weights[name]) for name, weight in whole.weights.items())


def test_a_prompt_and_its_answer_that_do_not_fit_the_context_are_refused(network: tuple[Any, Any, Any]) -> None:
    from heirloom.errors import HeirloomError

    rows = rows_of([([1] * 60, [2, END])])
    with pytest.raises(HeirloomError, match="context"):
        completed(network, rows)


def test_the_last_epoch_is_scored_beside_the_best_one_on_pairs_too(tmp_path: Path) -> None:
    rows, held = unequal(64, seed=8), unequal(12, seed=9)
    model = transformer.train(
        rows,
        fit(best_epoch="real", last_epoch=True, schedule=Schedule(epochs=8, learning_rate=0.1, batch_rows=16)),
        None,
        Stream((0, "train")),
        held,
    )
    transformer.save(model, tmp_path / "both")
    both = transformer.load(tmp_path / "both")
    measuring = Measuring(4, 50, completion_tokens=6, decode=lambda lists: [" ".join(map(str, ids)) for ids in lists])
    measures = transformer.evaluate(both, Sets(rows, held, held, rows), both, measuring, Stream((0, "evaluate")))
    assert both.epochs is not None
    assert measures["best_epoch"] == both.epochs.best
    assert both.epochs.best < 8
    last = transformer.load(tmp_path / "both/last_epoch")
    nats = -transformer.log_likelihoods(last, held, 4).sum() / pairs.lengths(held, "tokens").sum()
    assert measures["test_perplexity.last_epoch"] == pytest.approx(np.exp(nats))
