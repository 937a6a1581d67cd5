"""Every closed form stands beside what was simulated, in a table that a page can hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from heirloom import theory
from heirloom.config import Config, parse
from heirloom.errors import HeirloomError
from heirloom.report import agreement, tables

ROW = {"experiment": "toy", "variant": "", "family": "gaussian", "regime": "keep", "measure": "variance", "generation": 6, "chains": 50}
NUMBERS = {"expected": 0.5, "mean": 0.54, "se": 0.02, "z": 2.0}


def test_z_is_the_distance_in_standard_errors_and_none_without_an_error() -> None:
    assert agreement.Check(1.0, 1.5, 0.25).z == 2.0
    assert agreement.Check(1.0, 1.5, float("nan")).z is None
    assert agreement.Check(1.0, 1.5, 0.0).z is None


def arm(precision: str = "float64", absorbed: float = 0.0, mean_log: float = -1.0) -> dict[str, agreement.Check]:
    """Return the checks of 200 chains of 10 generations whose variance has the mean 1 at the last one."""
    experiment = {
        "family": {"name": "gaussian", "training": {"precision": precision}},
        "source": {"name": "normal", "rows": 100},
        "regimes": ["replace"],
        "generations": 10,
        "rows": 100,
        "num_replicas": 200,
        "granularity": "chain",
    }
    config = parse({"regimes": {"replace": {}}, "experiments": {"e": experiment}})
    said = {"covariance_trace.mean": 1.0, "covariance_trace.mean_log": mean_log, "absorbed.mean": absorbed}
    said |= {f"{measure}.{what}": 0.1 for measure in ("covariance_trace", "log_determinant") for what in ("se", "median")}
    rows = [{"regime": "replace", "generation": 10, "metric": name, "value": value} for name, value in said.items()]
    rows.append({"regime": "replace", "generation": 10, "metric": "log_determinant.mean", "value": -0.1})
    return agreement.check(pd.DataFrame(rows), "replace", config.experiments["e"], config)


def test_a_mean_that_rare_chains_carry_is_not_compared_but_that_of_the_logarithm_is() -> None:
    # 200 chains: the logarithm's variance may be ln(200) / 2 = 2.65, and 2 (ln 1 - E ln) is that at E ln = -1.32
    assert arm(mean_log=-1.32)["covariance_trace"].z is not None
    assert arm(mean_log=-1.33)["covariance_trace"].z is None
    assert arm(mean_log=-1.33)["log_determinant"].z is not None


@pytest.mark.parametrize("given", [{"precision": "float16"}, {"absorbed": 0.01}])
def test_rounded_arithmetic_is_not_compared_with_a_form_of_the_exact(given: dict[str, Any]) -> None:
    found = arm(**given)
    assert [found[measure].z for measure in ("covariance_trace", "log_determinant")] == [None, None]
    assert found["covariance_trace"].mean == 1.0


def test_the_table_has_a_row_an_arm_and_measure_with_the_form_of_the_last_generation(run: Path, config: Config) -> None:
    tables.write(config)
    found = agreement.load()
    assert list(found.columns) == ["experiment", "variant", *agreement.COLUMNS]
    assert set(found["experiment"] + "/" + found["variant"]) == {"toy/", "crossed/biased", "crossed/unbiased"}
    (row,) = found.query("experiment == 'toy' and regime == 'keep' and measure == 'covariance_trace'").to_dict("records")
    assert (row["family"], row["generation"], row["chains"]) == ("gaussian", 6, 50)
    assert row["expected"] == pytest.approx(theory.keep(10, 7, 1).variance[-1])
    assert row["mean"] == pytest.approx(0.9**2.8)
    assert row["z"] == pytest.approx((row["mean"] - row["expected"]) / 0.02, rel=1e-6)


def test_a_variant_is_named_in_the_markdown_and_a_missing_z_is_empty() -> None:
    frame = pd.DataFrame([ROW | NUMBERS, ROW | NUMBERS | {"variant": "wide", "z": float("nan")}])
    assert agreement.markdown(frame).splitlines()[2:] == [
        "| gaussian | `toy` | keep | `variance` | 6 | 50 | 0.5 | 0.54 (0.02) | +2.0 |",
        "| gaussian | `toy__wide` | keep | `variance` | 6 | 50 | 0.5 | 0.54 (0.02) |  |",
    ]


def test_a_page_keeps_what_stands_around_the_table() -> None:
    page = f"# Title\n\n{agreement.BEGIN}\nold\n{agreement.END}\n\nThe rest.\n"
    renewed = agreement.inserted(page, "new\n")
    assert renewed == f"# Title\n\n{agreement.BEGIN}\n\nnew\n\n{agreement.END}\n\nThe rest.\n"
    assert agreement.inserted(renewed, "new\n") == renewed
    with pytest.raises(HeirloomError, match="no place for the table"):
        agreement.inserted("# Title\n", "new\n")


def test_a_folder_without_a_run_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(HeirloomError, match=r"results/theory\.csv: missing; run snakemake"):
        agreement.load()
