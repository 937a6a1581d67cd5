"""Every closed form stands beside what was simulated, in a table that a page can hold."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from heirloom import results, theory
from heirloom.config import Config, parse
from heirloom.errors import HeirloomError
from heirloom.report import agreement, files
from heirloom.report.doubt import doubt
from heirloom.runtime.streams import Stream

ROW = {
    "experiment": "toy",
    "variant": "",
    "family": "gaussian",
    "regime": "keep",
    "measure": "variance",
    "generation": 6,
    "chains": 50,
    "note": "",
}
NUMBERS = {"expected": 0.5, "mean": 0.54, "se": 0.02, "z": 2.0}


def test_z_is_the_distance_in_standard_errors_and_none_without_an_error() -> None:
    assert agreement.Check(1.0, 1.5, 0.25).z == 2.0
    assert agreement.Check(1.0, 1.5, float("nan")).z is None
    assert agreement.Check(1.0, 1.5, 0.0).z is None


def arm(precision: str = "float64", absorbed: float = 0.0, mean_log: float = -0.2, se: float = 0.01) -> dict[str, agreement.Check]:
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
    values_of_metrics = {"covariance_trace.mean": 1.0, "covariance_trace.mean_log": mean_log, "absorbed.mean": absorbed}
    values_of_metrics |= {f"{measure}.{what}": se for measure in ("covariance_trace", "log_determinant") for what in ("se", "median")}
    rows = [{"regime": "replace", "generation": 10, "metric": name, "value": value} for name, value in values_of_metrics.items()]
    rows.append({"regime": "replace", "generation": 10, "metric": "log_determinant.mean", "value": -0.1})
    return agreement.check(pd.DataFrame(rows), "replace", config.experiments["e"], config)


def test_a_mean_that_rare_chains_carry_is_not_compared_but_that_of_the_logarithm_is() -> None:
    # 200 chains: a standard error of 5 % is that of logarithms with the variance ln(1 + 200 · 0.05²) = 0.405, which is
    # 2 (ln 0.895 - E ln) at E ln = -0.313; from ln(200) / 2 = 2.65 on, E ln = -1.33, the two are not compared at all
    assert arm(mean_log=-0.312)["covariance_trace"].z == pytest.approx((1.0 - 0.99**11) / 0.01)
    assert arm(mean_log=-0.314)["covariance_trace"].note.startswith("few chains carry the mean: its error is 5 %")
    assert arm(mean_log=-1.33)["covariance_trace"].note == agreement.RARE
    assert [arm(mean_log=mean_log)["covariance_trace"].z for mean_log in (-0.314, -1.33)] == [None, None]
    assert arm(mean_log=-1.33)["log_determinant"].z is not None


def test_a_z_takes_chains_enough_for_the_skewness_of_its_measure() -> None:
    assert doubt("log_determinant", -3.0, 5.0, 99) == "99 chains; a z of this measure needs 100"
    assert doubt("log_determinant", -3.0, 5.0, 100) == ""
    assert doubt("mean_squared_error", 2.0, 0.01, 499) == "499 chains; a z of this measure needs 500"
    assert doubt("squared_error", 2.0, 0.100, 500) == ""
    few = "few chains carry the mean: its error is 5.1 % of it; a z needs 5 % at most"
    assert doubt("squared_error", 2.0, 0.102, 500) == few
    assert doubt("diversity", 0.998, 0.00009, 100) == ""
    assert doubt("diversity", 0.998, 0.00011, 100).endswith("5.5 % of it; a z needs 5 % at most")


def test_a_share_has_a_z_where_forty_chains_have_and_lack_what_it_counts() -> None:
    is_believed = [doubt("absorbed", p, 0.01, 1000) == "" for p in (0.039, 0.04, 0.5, 0.96, 0.961)]
    assert is_believed == [False, True, True, True, False]
    assert doubt("variance", 0.01, 0.0001, 1000, alive=0.04) == ""
    few = "39 chains are expected to make the difference; a z needs 40"
    assert doubt("variance", 0.01, 0.0001, 1000, alive=0.039) == few


def test_far_scores_of_log_normal_chains_are_not_shown() -> None:
    generator = Stream(("test", "z")).generator()
    far, shown_far = 0, 0
    for _ in range(2000):  # v = 2: beyond 4 in several of a hundred samples of 100 chains
        logs = generator.normal(-1.0, 2**0.5, 100)
        check = agreement.Check(1.0, float(np.exp(logs).mean()), float(np.exp(logs).std(ddof=1) / 10))
        far += abs(check.z or 0.0) > 4
        shown_far += abs(check.z or 0.0) > 4 and not doubt("covariance_trace", 1.0, check.se, 100, -2 * float(logs.mean()))
    assert far > 20
    assert shown_far == 0


@pytest.mark.parametrize("given", [{"precision": "float16"}, {"absorbed": 0.01}])
def test_rounded_arithmetic_is_not_compared_with_a_form_of_the_exact(given: dict[str, Any]) -> None:
    check = arm(**given)
    assert [check[measure].z for measure in ("covariance_trace", "log_determinant")] == [None, None]
    assert check["covariance_trace"].mean == 1.0


def test_the_table_has_a_row_an_arm_and_measure_with_the_form_of_the_last_generation(run: Path, config: Config) -> None:
    files.write(config)
    table = agreement.load(results.DEFAULT)
    assert list(table.columns) == ["experiment", "variant", *agreement.COLUMNS]
    assert set(table["experiment"] + "/" + table["variant"]) == {"toy/", "crossed/biased", "crossed/unbiased"}
    (row,) = table.query("experiment == 'toy' and regime == 'keep' and measure == 'covariance_trace'").to_dict("records")
    assert (row["family"], row["generation"], row["chains"]) == ("gaussian", 6, 50)
    assert row["expected"] == pytest.approx(theory.keep(10, 7, 1).variance[-1])
    assert row["mean"] == pytest.approx(0.9**2.8)
    assert (math.isnan(row["z"]), row["note"]) == (True, "50 chains; a z of this measure needs 100")


def test_a_variant_is_named_in_the_markdown_and_a_missing_z_has_its_reason() -> None:
    frame = pd.DataFrame([ROW | NUMBERS, ROW | NUMBERS | {"variant": "wide", "z": float("nan"), "note": "few chains"}])
    assert agreement.markdown(frame).splitlines()[2:] == [
        "| gaussian | `toy` | keep | `variance` | 6 | 50 | 0.5 | 0.54 (0.02) | +2.0 |",
        "| gaussian | `toy__wide` | keep | `variance` | 6 | 50 | 0.5 | 0.54 (0.02) | few chains |",
    ]


def test_a_page_keeps_what_stands_around_the_table() -> None:
    page = f"# Title\n\n{agreement.BEGIN}\nold\n{agreement.END}\n\nThe rest.\n"
    renewed = agreement.page_with_table(page, "new\n")
    assert renewed == f"# Title\n\n{agreement.BEGIN}\n\nnew\n\n{agreement.END}\n\nThe rest.\n"
    assert agreement.page_with_table(renewed, "new\n") == renewed
    with pytest.raises(HeirloomError, match="no place for the table"):
        agreement.page_with_table("# Title\n", "new\n")


def test_a_folder_without_a_run_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(HeirloomError, match=r"results/theory\.csv: missing; run snakemake"):
        agreement.load(results.DEFAULT)
