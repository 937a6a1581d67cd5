"""The profile of collapse: each definition is met where an arm is made to meet it, and by theory alone where only theory can say so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from heirloom.config import Config, parse
from heirloom.report import files
from heirloom.report.page import profile as on_page
from heirloom.report.profile import table as profile
from heirloom.report.profile.definitions import DEFINITIONS
from heirloom.report.summary_tables import profile_table
from heirloom.runtime.streams import Stream

SEEDS = list(range(6))
REGIMES = {
    "replace": {},
    "accumulate": {"original": {"share": 1.0, "draw": "fixed"}, "synthetic": "all", "budget": "grows"},
    "linear": {"growth": 1.0},
    "superlinear": {"growth": 1.5},
    "control": {"pool": 1.0, "synthetic": "none"},
}


def config(family: str = "gaussian", regimes: tuple[str, ...] = ("replace", "control"), divisor: str = "n-1", **extra: Any) -> Config:
    settings: dict[str, Any] = {"name": "gaussian", "training": {"divisor": divisor}}
    source: dict[str, Any] = {"name": "normal", "rows": 100}
    if family == "ngram":
        settings, source = {"name": "ngram"}, {"name": "wikipedia"}
    experiment = {"family": settings, "source": source, "regimes": list(regimes), "seeds": SEEDS, "generations": 4, "rows": 10, **extra}
    return parse({"regimes": REGIMES, "experiments": {"e": experiment}})


def frame(changes: dict[str, float], regime: str = "replace", variant: str = "", noise: float = 0.01) -> pd.DataFrame:
    """Return tidy rows in which a measure of an arm has, at the last generation, a multiple of the control's value of 1."""
    lines = []
    for metric, change in changes.items():
        for seed in SEEDS:
            for g in range(1, 5):
                wobble = noise * Stream((seed, metric, g)).generator().standard_normal(2)
                place = {"experiment": "e", "variant": variant, "seed": seed, "generation": g, "metric": metric}
                lines.append({**place, "regime": "control", "value": 1.0 + wobble[0]})
                lines.append({**place, "regime": regime, "value": change ** (g / 4) * (1.0 + wobble[1])})
    return pd.DataFrame(lines)


def verdicts(rows: pd.DataFrame, parsed_config: Config, regime: str = "replace") -> dict[str, str]:
    table = profile.table(rows, parsed_config)
    assert list(table["definition"].unique()) == list(DEFINITIONS)
    of_arm = table[table["regime"] == regime]
    return dict(zip(of_arm["definition"], of_arm["verdict"], strict=True))


@pytest.mark.parametrize(
    ("measure", "change", "definition", "verdict"),
    [
        ("wasserstein2_squared", 3.0, "catastrophic rise of risk", "met"),
        ("wasserstein2_squared", 1.5, "catastrophic rise of risk", "not met"),
        ("wasserstein2_squared", 2.0, "catastrophic rise of risk", "not measurable here"),
        ("wasserstein2_squared", 1.5, "any rise of risk", "met"),
        ("wasserstein2_squared", 1.0, "any rise of risk", "not met"),
        ("covariance_trace", 0.3, "diversity collapses", "met"),
        ("covariance_trace", 0.7, "diversity collapses", "not met"),
        ("mode_mixing", 1.5, "modes entangle", "met"),
        ("mode_mixing", 1.0, "modes entangle", "not met"),
        ("tail_mass_95", 0.5, "tails vanish", "met"),
        ("tail_mass_95", 1.5, "tails vanish", "not met"),
        ("tail_mass_99", 2.0, "improbable rows appear", "met"),
        ("tail_mass_99", 0.5, "improbable rows appear", "not met"),
    ],
)
def test_a_definition_is_met_beyond_its_edge_and_not_met_short_of_its_margin(
    measure: str, change: float, definition: str, verdict: str
) -> None:
    assert verdicts(frame({measure: change}), config())[definition] == verdict


def test_what_seeds_disagree_about_is_not_measurable() -> None:
    rows = frame({"wasserstein2_squared": 1.0}, noise=0.0)
    is_last_of_arm = (rows["regime"] == "replace") & (rows["generation"] == 4)
    rows.loc[is_last_of_arm, "value"] = [0.5, 2.0, 0.5, 2.0, 0.5, 4.0]
    assert verdicts(rows, config())["any rise of risk"] == "not measurable here"


def test_a_low_diversity_that_no_longer_falls_is_no_collapse() -> None:
    rows = frame({"covariance_trace": 0.3}, noise=0.0)
    rows.loc[(rows["regime"] == "replace") & (rows["generation"] < 4), "value"] = 0.2
    assert verdicts(rows, config())["diversity collapses"] == "not met"


@pytest.mark.parametrize(
    ("regime", "divisor", "verdict"),
    [
        ("replace", "n-1", "met"),  # the squared error of the mean is t / n
        ("replace", "n", "not met"),  # what the variance loses, the mean gains
        ("accumulate", "n-1", "not met"),  # its sum 1 / (n i²) ends below pi² / (6 n)
        ("linear", "n-1", "met"),  # its sum 1 / (n i) has no end
        ("linear", "n", "not met"),  # as slowly as a logarithm, and yet below what the variance can lose
        ("superlinear", "n-1", "not met"),  # its sum 1 / (n i^1.5) ends at zeta(1.5) / n
    ],
)
def test_only_a_closed_form_says_that_a_risk_diverges(regime: str, divisor: str, verdict: str) -> None:
    parsed_config = config(regimes=(regime,), divisor=divisor)
    assert verdicts(frame({"mean_squared_error": 1.0}, regime), parsed_config, regime)["risk diverges"] == verdict


def test_a_finite_run_shows_no_divergence() -> None:
    assert verdicts(frame({"test_perplexity": 9.0}), config("ngram"))["risk diverges"] == "not measurable here"


def test_an_exponent_needs_a_grid_over_rows_with_four_sizes() -> None:
    def grid(sizes: tuple[int, ...], exponent: float) -> str:
        rows_axis = {"key": "rows", "values": {f"n{size}": size for size in sizes}}
        parsed_config = config(source={"name": "normal", "rows": 1000}, grid={"size": rows_axis})
        parts = [frame({"mean_squared_error": 8.0 * size**exponent}, variant=f"n{size}") for size in sizes]
        table = profile.table(pd.concat(parts), parsed_config)
        of_definition = table[table["definition"] == "scaling law changes"]
        assert of_definition["verdict"].nunique() == 1
        values = of_definition["value"].dropna()
        assert np.allclose(values, exponent, atol=0.02)
        return str(of_definition["verdict"].iloc[0])

    assert grid((10, 20, 40), 0.5) == "not measurable here"
    assert grid((10, 20, 40, 80), 0.5) == "met"
    assert grid((10, 20, 40, 80), -0.5) == "met"
    assert grid((10, 20, 40, 80), 0.0) == "not met"


def test_without_a_control_or_with_one_seed_nothing_but_theory_is_measurable() -> None:
    rows = frame({"mean_squared_error": 3.0, "tail_mass_95": 0.1})
    no_control = verdicts(rows, config(regimes=("replace",)))
    one_seed = verdicts(rows[rows["seed"] == 0], config(seeds=[0]))
    for found in (no_control, one_seed):
        assert {name for name, verdict in found.items() if verdict != "not measurable here"} == {"risk diverges"}


def test_the_profile_is_written_and_shown_in_the_summary_and_on_the_page(run: Path, config: Config) -> None:
    files.write(config)
    profiles = profile.load(config, "words")
    assert profiles is not None
    shown = on_page.context(config, "words")
    assert shown is not None
    assert [arm["name"] for arm in shown["arms"]] == ["replace", "keep"]
    assert shown["arms"][0]["control"] == "control"
    signs = {reading["definition"]: reading["sign"] for reading in shown["arms"][0]["readings"]}
    assert len(signs) == 8
    table = profile_table(profiles, "words")
    assert table is not None
    assert table.row_count == 2
    Path(config.results.profile).write_text("altered\n")
    with pytest.raises(Exception, match=r"profile\.csv: not the bytes"):
        profile.load(config, "words")
