"""What every family promises: one suite over the registry."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from heirloom.dataset import Dataset
from heirloom.families import FAMILIES, family
from heirloom.families.base import Measuring, Sets
from heirloom.manifest import fingerprint
from heirloom.rows import text_table, vector_table
from heirloom.specs.gaussian import GaussianTraining
from heirloom.specs.ngram import NgramFit
from heirloom.specs.transformer import Architecture, Schedule, TransformerFit
from heirloom.streams import Stream

VOCABULARY, WIDTH, CHUNK = 20, 6, 4


class Case(NamedTuple):
    fit: Any
    rows: Dataset
    prompts: np.ndarray | None
    measuring: Measuring


def text_rows(num_rows: int) -> Dataset:
    tokens = Stream((0, "rows")).generator().integers(0, VOCABULARY, (num_rows, WIDTH)).astype(np.int32)
    return Dataset.of(text_table(tokens, [" one two three "] * num_rows, first_row=0))


def vector_rows() -> Dataset:
    return Dataset.of(vector_table(Stream((0, "rows")).generator().standard_normal((3, 12, 2))))


FITS = {
    "gaussian": GaussianTraining(),
    "ngram": NgramFit(order=3, vocab_size=VOCABULARY),
    "transformer": TransformerFit(
        architecture=Architecture(hidden_size=8, num_layers=1, num_heads=2, intermediate_size=16),
        vocab_size=VOCABULARY,
        context_tokens=WIDTH,
        schedule=Schedule(epochs=1, learning_rate=0.01, batch_rows=4),
        start="scratch",
        weight_decay=0.01,
        warmup_share=0.0,
        clip_norm=1.0,
    ),
}


@pytest.fixture(params=sorted(FAMILIES))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def case(name: str) -> Case:
    if name == "gaussian":
        truth = {"mean": [0.0, 0.0], "covariance": [[1.0, 0.0], [0.0, 1.0]]}
        return Case(FITS[name], vector_rows(), None, Measuring(1, truth=truth))
    rows = text_rows(12)
    prompts = np.concatenate(list(rows.matrices("tokens")))
    return Case(FITS[name], rows, prompts, Measuring(CHUNK, VOCABULARY))


def trained(name: str, case: Case, stream: str = "train") -> Any:
    return family(name).train(case.rows, case.fit, None, Stream((0, stream)))


def sampled(name: str, case: Case, model: Any, prompts: np.ndarray | None, rows: int = 12, first_chunk: int = 0) -> np.ndarray:
    module = family(name)
    chunks = None if prompts is None else [prompts[i : i + CHUNK] for i in range(0, len(prompts), CHUNK)]
    return np.concatenate(list(module.sample(model, chunks, rows, module.Sampling(), Stream((0, "sample")))))


def saved(name: str, model: Any, folder: Path) -> str:
    family(name).save(model, folder)
    return str(fingerprint(folder)["sha256"])


def test_equal_inputs_give_equal_bytes(name: str, case: Case, tmp_path: Path) -> None:
    assert saved(name, trained(name, case), tmp_path / "one") == saved(name, trained(name, case), tmp_path / "two")


def test_a_checkpoint_is_safetensors_and_json_and_comes_back_the_same(name: str, case: Case, tmp_path: Path) -> None:
    model = trained(name, case)
    first = saved(name, model, tmp_path / "one")
    assert {path.suffix for path in (tmp_path / "one").iterdir()} <= {".safetensors", ".json"}
    loaded = family(name).load(tmp_path / "one")
    assert saved(name, loaded, tmp_path / "two") == first
    assert np.array_equal(sampled(name, case, loaded, case.prompts), sampled(name, case, model, case.prompts))


def test_sampling_is_deterministic_and_has_the_promised_shape(name: str, case: Case) -> None:
    model = trained(name, case)
    values = sampled(name, case, model, case.prompts)
    assert values.shape == ((3, 12, 2) if case.prompts is None else (12, WIDTH))
    assert np.array_equal(values, sampled(name, case, model, case.prompts))
    if case.prompts is not None:
        assert 0 <= values.min() <= values.max() < VOCABULARY


def test_a_row_of_text_does_not_depend_on_which_other_rows_are_written(name: str, case: Case) -> None:
    if case.prompts is None:
        pytest.skip("vector rows have no prompts")
    model = trained(name, case)
    whole = sampled(name, case, model, case.prompts)
    other = case.prompts.copy()
    other[1:CHUNK] = 0
    assert np.array_equal(sampled(name, case, model, other)[0], whole[0])
    assert np.array_equal(sampled(name, case, model, case.prompts[:CHUNK]), whole[:CHUNK])


def test_inputs_are_left_as_they_were(name: str, case: Case, tmp_path: Path) -> None:
    before = case.rows.digest()
    model = trained(name, case)
    first = saved(name, model, tmp_path / "one")
    sampled(name, case, model, case.prompts)
    family(name).train(case.rows, case.fit, model, Stream((0, "again")))
    assert saved(name, model, tmp_path / "two") == first
    assert case.rows.digest() == before


def test_measures_are_finite_numbers_and_the_same_every_time(name: str, case: Case) -> None:
    model = trained(name, case)
    sets = Sets(case.rows, case.rows, case.rows, case.rows)
    first = family(name).evaluate(model, sets, model, case.measuring, Stream((0, "evaluate")))
    assert first == family(name).evaluate(model, sets, model, case.measuring, Stream((0, "evaluate")))
    assert first
    assert all(isinstance(value, float) and np.isfinite(value) for value in first.values())
