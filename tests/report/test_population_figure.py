"""The figure of populations: means over members beside closed forms, and the effective size."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from heirloom import config as configuration
from heirloom.config import Config
from heirloom.report.figures import plan
from heirloom.report.population_curves import curves

GRID = {"migrants": {"key": "population.synthetic_from", "values": {"none": {"self": 1.0}, "even": {"all": 1.0}}}}


def declared(**keys: Any) -> Config:
    experiment = {
        "family": {"name": "discrete"},
        "source": {"name": "categorical", "law": {"kind": "uniform", "types": 5}, "rows": 80, "test_rows": 1},
        "rows": 20,
        "regimes": ["replace"],
        "generations": 2,
        "num_replicas": 10,
        **keys,
    }
    return configuration.parse({"regimes": {"replace": {}}, "experiments": {"e": experiment}})


def tidy(config: Config) -> pd.DataFrame:
    """Return made-up measures: diversity halves in each generation, and member m2 has twice that of m1."""
    rows = []
    for key, experiment in config.experiments.items():
        factor = 2.0 if key.endswith("2") else 1.0
        for generation in range(3):
            place = ("e", key.removeprefix("e__"), "replace" if generation else "origin", 0, generation)
            rows += [(*place, "diversity.mean", factor * 0.1 * 0.5**generation), (*place, "ancestry.founders", 1.0 + generation)]
        assert experiment.membership is not None
    return pd.DataFrame(rows, columns=["experiment", "variant", "regime", "seed", "generation", "metric", "value"])


def test_a_population_has_one_curve_of_its_members_mean_and_one_of_its_effective_size() -> None:
    config = declared(population={"members": 2}, grid=GRID)
    (figure,) = plan.figures(config)
    numbers = figure.kind.numbers(figure.subject, tidy(config))
    assert figure.kind.name == "population"
    assert list(dict.fromkeys(numbers["series"])) == ["none", "even"]
    last = numbers[(numbers["series"] == "even") & (numbers["generation"] == 2)].set_index("metric")
    assert last["value"].to_dict() == pytest.approx({"diversity.mean": 0.15 / 4, "ancestry.founders": 3.0, "effective_size": 2.0})
    assert last["expected"]["effective_size"] > 20, "two models who read each other drift more slowly than one"
    alone = numbers[(numbers["series"] == "none") & (numbers["metric"] == "effective_size")]
    assert alone["expected"].to_list() == pytest.approx([20.0, 20.0])


def test_members_of_several_kinds_have_a_curve_each() -> None:
    laws = {"law": {"key": "source.law.exponent", "values": {"kind1": 1.0, "kind2": 2.0}}}
    source = {"name": "categorical", "law": {"kind": "zipf", "types": 5, "exponent": 1.0}, "rows": 80, "test_rows": 1}
    config = declared(population={"members": laws}, source=source)
    (figure,) = plan.figures(config)
    numbers = curves(figure.subject, tidy(config))
    assert list(dict.fromkeys(numbers["series"])) == ["kind1", "kind2"]
    assert numbers["expected"].isna().all()
