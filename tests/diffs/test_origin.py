"""How surprising rows are to the origin: of every family that tells how likely rows are, by numbers that its own library gives."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import heirloom
import helpers
import small_lineages
from by_hand import slice_of
from heirloom import config as configuration
from heirloom.artefacts import kinds, manifest
from heirloom.config import Config
from heirloom.data.dataset import Dataset
from heirloom.diffs import origin, scores
from heirloom.diffs.cells import Ragged
from heirloom.diffs.result import DatasetDiff, Distribution
from heirloom.families import causal_lm, ngram
from heirloom.measures.text import row_perplexities
from heirloom.sources import memory
from heirloom.steps import sample, train
from small_models import pretrained

ORIGIN = kinds.CHECKPOINT.path("lm", "origin", 0, 0)
TRAIN = kinds.TRAIN.path("lm", "origin", 0, 0)
SCORES = Path(".heirloom/scores")
SYNTHETIC = kinds.SYNTHETIC.path("lm", "replace", 0, 1)


def declared(family: dict[str, object], **text: int) -> Config:
    source = small_lineages.SOURCE | {"text": {"row_tokens": 8, **text}}
    lm = {"family": family, "source": source, "regimes": ["replace"], "generations": 1, "rows": 30, "chunk_rows": 4}
    return configuration.parse({"regimes": {"replace": {}}, "experiments": {"lm": lm}})


def write_generation(config: Config) -> None:
    given = {"checkpoint": ORIGIN, "train": TRAIN, "prompts": TRAIN, "tokenizer": kinds.TOKENIZER.path("lm"), "judge": ""}
    sample.run(slice_of("sample", config, "lm", "replace", 0, 1), given, {"synthetic": SYNTHETIC})


@pytest.fixture
def ngrams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The config of an experiment whose real rows and origin, an n-gram model, lie in the working folder."""
    monkeypatch.chdir(tmp_path)
    helpers.write_corpus(Path("corpus"))
    config = declared({"name": "ngram"}, vocab_size=300)
    small_lineages.make_origin(config, "lm")
    return config


def law(found: object) -> Distribution:
    assert isinstance(found, DatasetDiff)
    assert found.distribution is not None
    return found.distribution


def quantiles(found: Distribution) -> list[tuple[float, float]]:
    return [(one.a, one.b) for one in found.measures if one.name.startswith("perplexity under the origin")]


def expected(a: NDArray[np.float64], b: NDArray[np.float64]) -> list[tuple[float, float]]:
    levels = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]
    return list(zip(np.quantile(a, levels).tolist(), np.quantile(b, levels).tolist(), strict=True))


def forget() -> None:
    """Let this process forget what it knows of an origin, as if it began."""
    origin._scored.cache_clear()
    origin._judge.cache_clear()


def rows(path: str) -> NDArray[np.int64]:
    return np.concatenate(list(Dataset.open(path).matrices("tokens"))).astype(np.int64)


def test_an_origin_scores_with_the_threads_of_the_config_that_made_the_rows(ngrams: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    from threadpoolctl import threadpool_info, threadpool_limits

    write_generation(ngrams)
    counts: set[int] = set()
    likelihoods = ngram.log_likelihoods

    def counted(*arguments: Any) -> NDArray[np.float64]:
        counts.update(one["num_threads"] for one in threadpool_info())
        return likelihoods(*arguments)

    monkeypatch.setattr(ngram, "log_likelihoods", counted)
    with threadpool_limits(3):
        heirloom.diff("lm/replace/0/1", "lm/origin/0/0:train")
        assert {one["num_threads"] for one in threadpool_info()} == {3}
    assert counts == {ngrams.num_threads} == {1}


@pytest.mark.usefixtures("ngrams")
def test_perplexity_under_a_causal_lm_is_that_of_transformers() -> None:
    import torch
    from transformers import AutoModelForCausalLM

    causal_lm.save(pretrained("opt", 300, 16), Path("opt"))
    manifest.seal(["opt"], {})
    shutil.rmtree(ORIGIN)
    fit = {"epochs": 1, "learning_rate": 0.02, "batch_rows": 12, "best_epoch": "last"}
    config = declared({"name": "causal_lm", "model": {"path": "opt"}, "training": fit})
    train.run(slice_of("train", config, "lm", "origin", 0, 0), {"train": TRAIN, "start": "opt"}, {"checkpoint": ORIGIN})
    write_generation(config)

    model = AutoModelForCausalLM.from_pretrained(ORIGIN, dtype=torch.float32)
    threads = torch.get_num_threads()
    by_hand = []
    for path in (SYNTHETIC, TRAIN):
        with torch.no_grad():
            losses = [float(model(input_ids=row[None], labels=row[None]).loss) for row in torch.from_numpy(rows(path))]
        by_hand.append(np.exp(losses))
    found = law(heirloom.diff("lm/replace/0/1", "lm/origin/0/0:train"))
    for one, other in zip(quantiles(found), expected(by_hand[0], by_hand[1]), strict=True):
        assert one == pytest.approx(other, rel=1e-5)
    assert "perplexity" in {test.name for test in found.tests}
    unseen = "order, capitals, digits, punctuation and other signs are tested by perplexity alone"
    assert (found.tested, found.untested) == ("word counts and perplexity", unseen)
    assert torch.get_num_threads() == threads


def test_perplexity_under_an_n_gram_model_is_that_of_its_own_counts(ngrams: Config) -> None:
    write_generation(ngrams)
    model = ngram.load(Path(ORIGIN))
    by_hand = [row_perplexities(ngram.row_losses(model, rows(path)), 7) for path in (SYNTHETIC, TRAIN)]
    found = law(heirloom.diff("lm/replace/0/1", "lm/origin/0/0:train"))
    assert quantiles(found) == expected(by_hand[0], by_hand[1])


@pytest.mark.usefixtures("ngrams")
def test_an_origin_that_cannot_be_opened_leaves_its_perplexity_out_and_says_why() -> None:
    causal_lm.save(pretrained("opt", 300, 16), Path("opt"))
    manifest.seal(["opt"], {})
    shutil.rmtree(ORIGIN)
    fit = {"epochs": 1, "learning_rate": 0.02, "batch_rows": 12, "best_epoch": "last", "lora": {"rank": 2, "checkpoint": "adapter"}}
    config = declared({"name": "causal_lm", "model": {"path": "opt"}, "training": fit})
    train.run(slice_of("train", config, "lm", "origin", 0, 0), {"train": TRAIN, "start": "opt"}, {"checkpoint": ORIGIN})
    write_generation(config)
    assert quantiles(law(heirloom.diff("lm/replace/0/1", "lm/origin/0/0:train")))
    shutil.move("opt", "elsewhere")
    shutil.rmtree(SCORES)
    forget()
    found = law(heirloom.diff("lm/replace/0/1", "lm/origin/0/0:train"))
    assert not quantiles(found)
    assert found.notes == (f"perplexity under the origin is left out: {ORIGIN}: adapts opt, which is not here; fetch it with dvc pull",)


def test_scores_are_remembered_by_fingerprints_and_the_model_is_not_opened_again(ngrams: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    write_generation(ngrams)
    first = heirloom.diff("lm/replace/0/1", "lm/origin/0/0:train")
    assert len([*SCORES.iterdir()]) == 3  # A, B and held-out rows
    assert not [path for path in Path("data").rglob("*") if "scores" in path.name]
    opened: list[Path] = []
    load = ngram.load

    def noted(folder: Path) -> ngram.Model:
        opened.append(folder)
        return load(folder)

    monkeypatch.setattr(ngram, "load", noted)
    forget()
    assert heirloom.diff("lm/replace/0/1", "lm/origin/0/0:train").to_json() == first.to_json()
    assert not opened
    shutil.rmtree(SCORES)
    forget()
    assert heirloom.diff("lm/replace/0/1", "lm/origin/0/0:train").to_json() == first.to_json()
    assert opened == [Path(ORIGIN)]


def cut(score: Path) -> None:
    score.write_bytes(score.read_bytes()[:-20])


def edit(score: Path) -> None:
    score.write_text(score.read_text().replace("[-", "[-9", 1))


def take_anothers(score: Path) -> None:
    others = [path for path in score.parent.iterdir() if path != score]
    shutil.copyfile(others[0], score)


def write_no_scores(score: Path) -> None:
    asked = memory.recall(f"scores/{score.name}")["question"]
    memory.remember(f"scores/{score.name}", {"question": asked, "log_likelihoods": ["0", None]})


def write_fewer(score: Path) -> None:
    remembered = memory.recall(f"scores/{score.name}")
    memory.remember(f"scores/{score.name}", {**remembered, "log_likelihoods": remembered["log_likelihoods"][1:]})


@pytest.mark.parametrize("damage", [cut, edit, take_anothers, write_no_scores, write_fewer, Path.unlink])
def test_a_damaged_or_foreign_file_of_scores_is_not_believed(ngrams: Config, damage: Callable[[Path], None]) -> None:
    write_generation(ngrams)
    first = heirloom.diff("lm/replace/0/1", "lm/origin/0/0:train").to_json()
    sound = {path: path.read_bytes() for path in SCORES.iterdir()}
    for path, content in sound.items():
        damage(path)
        forget()
        assert heirloom.diff("lm/replace/0/1", "lm/origin/0/0:train").to_json() == first
        assert path.read_bytes() == content


def test_a_score_answers_one_model_these_rows_this_code_and_this_machine(ngrams: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    write_generation(ngrams)
    tokens = Ragged(np.array([1, 2, 3, 4]), np.array([0, 2, 4]))
    asked = scores.question("ngram", "a" * 64, tokens, 1)
    scores.remember(asked, np.array([-0.1, -1 / 3]))
    recalled = scores.recalled(asked)
    assert recalled is not None
    assert recalled.tolist() == [-0.1, -1 / 3]
    others = (
        scores.question("ngram", "b" * 64, tokens, 1),
        scores.question("ngram", "a" * 64, Ragged(tokens.values[::-1], tokens.offsets), 1),
        scores.question("ngram", "a" * 64, Ragged(tokens.values, np.array([0, 1, 4])), 1),
        scores.question("ngram", "a" * 64, tokens, 2),
        scores.question("transformer", "a" * 64, tokens, 1),
        replace(asked, code="another"),
    )
    assert all(scores.recalled(other) is None for other in others)
    scores._machine.cache_clear()
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")
    assert scores.recalled(asked) is None
    scores._machine.cache_clear()
