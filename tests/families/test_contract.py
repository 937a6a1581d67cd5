"""What every family promises: one suite over the registry."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from safetensors.numpy import load_file

from heirloom.artefacts.fingerprints import fingerprint
from heirloom.data.dataset import Dataset
from heirloom.data.rows import text_table, vector_table
from heirloom.families import family, rowless
from heirloom.families.base import Measuring, Sets
from heirloom.runtime.streams import Stream
from heirloom.specs.base import NoTraining
from heirloom.specs.causal_lm import CausalTraining
from heirloom.specs.external import ExternalSampling, ExternalTraining
from heirloom.specs.family import SPECS
from heirloom.specs.gaussian import GaussianTraining
from heirloom.specs.gmm import GmmTraining
from heirloom.specs.kde import KdeTraining
from heirloom.specs.language_model import Schedule
from heirloom.specs.linear_regression import LinearRegressionTraining
from heirloom.specs.ngram import NgramFit
from heirloom.specs.prior import RateTraining, ShareTraining
from heirloom.specs.transformer import Architecture, TransformerFit
from heirloom.specs.vae import VaeFit
from helpers import ROOT
from small_models import ARCHITECTURES, pretrained

VOCABULARY, WIDTH, CHUNK = 20, 6, 4


class Case(NamedTuple):
    fit: Any
    rows: Dataset
    prompts: np.ndarray | None
    measuring: Measuring
    start: Callable[[], Any] = lambda: None
    sampling: Any = None


def text(fit: Any, start: Callable[[], Any] = lambda: None) -> Case:
    tokens = Stream((0, "rows")).generator().integers(0, VOCABULARY, (12, WIDTH)).astype(np.int32)
    rows = Dataset.of(text_table(tokens, [" one two three "] * 12, first_row=0))
    return Case(fit, rows, tokens, Measuring(CHUNK, VOCABULARY), start)


def vectors(fit: Any, truth: dict[str, Any], x_RNW: np.ndarray) -> Case:
    return Case(fit, Dataset.of(vector_table(x_RNW.astype(float))), None, Measuring(1, truth=truth))


def images(fit: VaeFit) -> Case:
    pixels = Stream((0, "rows")).generator().integers(0, 256, (1, 12, 64), dtype=np.uint8)
    return Case(fit, Dataset.of(vector_table(pixels)), None, Measuring(1, truth={}))


def programs(x_RNW: np.ndarray) -> Case:
    """The case of the programs in ``examples/vectors``."""
    fit = ExternalTraining(command=("python", str(EXAMPLE / "train.py"), "{train}", "{checkpoint}", "{settings}"), settings={"ridge": 0.0})
    sampling = ExternalSampling(command=("python", str(EXAMPLE / "sample.py"), "{checkpoint}", "{num_rows}", "{synthetic}", "{seed}"))
    return vectors(fit, {"mean": [0.0, 0.0], "covariance": [[1.0, 0.0], [0.0, 1.0]]}, x_RNW)._replace(sampling=sampling)


NOISE = Stream((0, "rows")).generator().standard_normal((3, 12, 3))

FINE_TUNING = CausalTraining(epochs=2, learning_rate=0.01, batch_rows=4, best_epoch="last")

EXAMPLE = ROOT / "examples/vectors"

CASES = {
    "gaussian": vectors(GaussianTraining(), {"mean": [0.0, 0.0], "covariance": [[1.0, 0.0], [0.0, 1.0]]}, NOISE[..., :2]),
    "gmm": vectors(GmmTraining(estimator="em"), {"mean": [0.0, 0.0], "covariance": [[1.0, 0.0], [0.0, 1.0]]}, NOISE[..., :2]),
    "kde": vectors(KdeTraining(), {"mean": [0.0, 0.0], "covariance": [[1.0, 0.0], [0.0, 1.0]]}, NOISE[..., :2]),
    "external": programs(NOISE[:1, :, :2]),
    "discrete": vectors(NoTraining(), {"kind": "uniform", "types": 9}, np.abs(2 * NOISE[..., :1]).round()),
    "bernoulli": vectors(ShareTraining(), {"probability": 0.5}, NOISE[..., :1] > 0),
    "poisson": vectors(RateTraining(), {"rate": 1.0}, np.abs(NOISE[..., :1]).round()),
    "linear_regression": vectors(LinearRegressionTraining(), {"weights": [0.0, 0.0]}, NOISE),
    "vae": images(
        VaeFit(latent=2, channels=3, epochs=2, start="scratch", batch_rows=5, optimiser="adam", learning_rate=0.01, weight_decay=0.0)
    ),
    "ngram": text(NgramFit(order=3, vocab_size=VOCABULARY)),
    "transformer": text(
        TransformerFit(
            architecture=Architecture(hidden_size=8, num_layers=1, num_heads=2, intermediate_size=16),
            vocab_size=VOCABULARY,
            context_tokens=WIDTH,
            schedule=Schedule(epochs=1, learning_rate=0.01, batch_rows=4),
            start="scratch",
            weight_decay=0.01,
            warmup_share=0.0,
            clip_norm=1.0,
        )
    ),
    **{f"causal_lm/{name}": text(FINE_TUNING, partial(pretrained, name, VOCABULARY)) for name in ARCHITECTURES},
}


def test_every_family_has_a_case() -> None:
    assert {key.split("/")[0] for key in CASES} == set(SPECS)


@pytest.fixture(params=sorted(CASES))
def key(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def name(key: str) -> str:
    return key.split("/", maxsplit=1)[0]


@pytest.fixture
def case(key: str) -> Case:
    return CASES[key]


def trained(name: str, case: Case, stream: str = "train") -> Any:
    return family(name).train(case.rows, case.fit, case.start(), Stream((0, stream)))


def sampled(name: str, case: Case, model: Any, prompts: np.ndarray | None, rows: int = 12, first_chunk: int = 0) -> np.ndarray:
    module = family(name)
    chunks = None if prompts is None else [prompts[i : i + CHUNK] for i in range(0, len(prompts), CHUNK)]
    return np.concatenate(list(module.sample(model, chunks, rows, case.sampling or module.Sampling(), Stream((0, "sample")))))


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
    shape = case.rows.by_replica().shape if case.prompts is None else (12, WIDTH)
    assert values.shape == shape
    assert np.array_equal(values, sampled(name, case, model, case.prompts))
    if case.prompts is not None:
        assert 0 <= values.min() <= values.max() < VOCABULARY


def test_a_row_of_text_does_not_depend_on_which_other_rows_are_written(name: str, case: Case) -> None:
    if case.prompts is None:
        pytest.skip("vector rows have no prompts")
    model = trained(name, case)
    all_rows = sampled(name, case, model, case.prompts)
    other_prompts = case.prompts.copy()
    other_prompts[1:CHUNK] = 0
    assert np.array_equal(sampled(name, case, model, other_prompts)[0], all_rows[0])
    assert np.array_equal(sampled(name, case, model, case.prompts[:CHUNK]), all_rows[:CHUNK])


def test_inputs_are_left_as_they_were(name: str, case: Case, tmp_path: Path) -> None:
    digest = case.rows.digest()
    model = trained(name, case)
    first = saved(name, model, tmp_path / "one")
    sampled(name, case, model, case.prompts)
    family(name).train(case.rows, case.fit, model, Stream((0, "again")))
    assert saved(name, model, tmp_path / "two") == first
    assert case.rows.digest() == digest


def test_measures_are_finite_numbers_and_the_same_every_time(name: str, case: Case) -> None:
    model = trained(name, case)
    sets = Sets(case.rows, case.rows, case.rows, case.rows)
    first = family(name).evaluate(model, sets, model, case.measuring, Stream((0, "evaluate")))
    assert first == family(name).evaluate(model, sets, model, case.measuring, Stream((0, "evaluate")))
    assert first
    assert all(name in first or f"{name}.mean" in first for name in SPECS[name].headlines)
    assert all(isinstance(value, float) and np.isfinite(value) for value in first.values())


def test_a_family_that_can_do_without_rows_has_the_same_model_and_measures_from_statistics(name: str, case: Case, tmp_path: Path) -> None:
    if "statistics" not in SPECS[name].abilities:
        pytest.skip("needs its rows")
    module, model = rowless(name), trained(name, case)
    statistics = module.summarise(case.rows)
    assert saved(name, module.fitted(statistics, case.fit), tmp_path / "one") == saved(name, model, tmp_path / "two")
    twice = Dataset([*case.rows.pieces, *case.rows.pieces])
    module.save(module.fitted(module.merge([statistics, statistics]), case.fit), tmp_path / "three")
    module.save(module.train(twice, case.fit, None, Stream(())), tmp_path / "four")
    merged, of_four = (load_file(tmp_path / folder / "model.safetensors") for folder in ("three", "four"))
    for key, values in of_four.items():
        np.testing.assert_allclose(merged[key], values, rtol=1e-12, atol=1e-15)  # sums in another order
    sets = Sets(case.rows, case.rows, case.rows, case.rows)
    assert module.measure(model, model, case.measuring).items() <= module.evaluate(model, sets, model, case.measuring, Stream(())).items()
    drawn_statistics = module.draw(model, 12, module.Sampling(), Stream((0, "sample")))
    again = module.draw(model, 12, module.Sampling(), Stream((0, "sample")))
    assert saved(name, module.fitted(drawn_statistics, case.fit), tmp_path / "five") == saved(
        name, module.fitted(again, case.fit), tmp_path / "six"
    )
