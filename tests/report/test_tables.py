"""Many files of measures become one tidy table and a few headline numbers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from heirloom import results
from heirloom.artefacts.kinds import Key
from heirloom.config import Config
from heirloom.errors import HeirloomError
from heirloom.report import files, tables
from heirloom.workflow.jobs import measure_files


def test_measure_files_are_the_origin_once_a_seed_then_a_file_a_generation_or_a_lineage(config: Config) -> None:
    files = measure_files(config)
    assert files[0] == (Key("toy", "origin", 0, 0), "data/toy/origin/seed=0/gen=0/metrics.json")
    assert files[1] == (Key("toy", "replace", 0, None), "data/toy/replace/seed=0/trajectory.parquet")
    words = [path for key, path in files if key.experiment == "words"]
    assert words[:3] == [
        "data/words/origin/seed=0/gen=0/metrics.json",
        "data/words/origin/seed=1/gen=0/metrics.json",
        "data/words/replace/seed=0/gen=1/metrics.json",
    ]
    # 2 origins + 3 regimes x 2 seeds x 3 generations
    assert len(words) == len(set(words)) == 20
    assert [path for key, path in files if key.experiment == "crossed__unbiased"] == [
        "data/crossed__unbiased/origin/seed=0/gen=0/metrics.json",
        "data/crossed__unbiased/replace/seed=0/gen=1/metrics.json",
        "data/crossed__unbiased/replace/seed=0/gen=2/metrics.json",
    ]


def test_the_modules_that_the_snakefile_imports_load_neither_pandas_nor_altair() -> None:
    heavy = "{'pandas', 'altair', 'pyarrow', 'scipy', 'rich'}"
    code = f"import sys; from heirloom.report import tables; from heirloom.report.figures import draw; print({heavy} & set(sys.modules))"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "set()"


def test_the_table_has_exactly_the_tidy_columns_and_generation_0_once(run: Path, config: Config) -> None:
    frame = tables.gather(config)
    assert list(frame.columns) == ["experiment", "variant", "regime", "seed", "generation", "metric", "value"]
    keys = frame.drop(columns="value")
    assert not keys.duplicated().any()
    assert keys.equals(keys.sort_values(list(keys.columns), ignore_index=True))
    assert set(frame.loc[frame["generation"] == 0, "regime"]) == {"origin"}
    assert set(frame.loc[frame["regime"] == "origin", "generation"]) == {0}


def test_a_variant_is_a_column_and_empty_without_a_grid(run: Path, config: Config) -> None:
    frame = tables.gather(config)
    pairs = set(zip(frame["experiment"], frame["variant"], strict=True))
    assert pairs == {("toy", ""), ("words", ""), ("crossed", "biased"), ("crossed", "unbiased")}


def test_a_value_in_the_table_is_the_one_in_its_file(run: Path, config: Config) -> None:
    frame = tables.gather(config)
    row = frame.query("experiment == 'words' and regime == 'keep' and seed == 1 and generation == 2 and metric == 'distinct_3'")
    measured = json.loads(Path("data/words/keep/seed=1/gen=2/metrics.json").read_text())
    assert row["value"].tolist() == [measured["distinct_3"]]
    chain = frame.query("experiment == 'toy' and regime == 'keep' and generation == 4 and metric == 'covariance_trace.mean'")
    assert chain["value"].tolist() == [pytest.approx(0.9 ** (1 + 0.3 * 4))]


def test_a_missing_file_of_measures_is_named(run: Path, config: Config) -> None:
    Path("data/toy/keep/seed=0/trajectory.parquet").unlink()
    with pytest.raises(HeirloomError, match=r"data/toy/keep/seed=0/trajectory\.parquet: missing"):
        tables.gather(config)
    Path("data/toy/origin/seed=0/gen=0/metrics.json").unlink()
    with pytest.raises(HeirloomError, match=r"data/toy/origin/seed=0/gen=0/metrics\.json: missing"):
        tables.gather(config)


def test_the_parquet_file_reads_back_as_gathered_and_holds_no_library_metadata(run: Path, config: Config) -> None:
    files.write(config)
    assert pq.read_schema("results/metrics.parquet").metadata is None
    pd.testing.assert_frame_equal(tables.load(results.DEFAULT), tables.gather(config), check_dtype=False)


def test_writing_twice_gives_the_same_bytes(run: Path, config: Config) -> None:
    files.write(config)
    first = {path: path.read_bytes() for path in Path("results").rglob("*") if path.is_file()}
    files.write(config)
    assert first == {path: path.read_bytes() for path in Path("results").rglob("*") if path.is_file()}
    single = ["results/metrics.json", "results/metrics.parquet", "results/metrics.fingerprint.json", "results/theory.fingerprint.json"]
    single += ["results/onset.fingerprint.json", "results/profile.fingerprint.json", "results/profile.csv"]
    single += ["results/settings.json", "results/intervals.csv", "results/onset.csv", "results/attribution.csv", "results/theory.csv"]
    assert sorted(str(path) for path in first) == sorted([*single, *tables.plot_files(config)])


def test_headlines_are_the_last_generation_averaged_over_seeds(run: Path, config: Config) -> None:
    files.write(config)
    written = json.loads(Path("results/metrics.json").read_text())
    assert set(written) == {"toy", "words", "crossed__biased", "crossed__unbiased"}
    assert set(written["words"]) == {"replace", "keep", "control"}
    # 60 exp(0.2 * 3) averaged over seeds 0 and 1, which adds a half
    assert written["words"]["replace"]["test_perplexity"] == pytest.approx(109.826, abs=5e-4)
    assert written["toy"]["replace"]["covariance_trace.mean"] == pytest.approx(0.9**7, abs=5e-7)
    assert not [name for name in written["words"]["replace"] if "histogram" in name]


def test_plot_tables_have_a_row_a_metric_regime_and_generation_and_every_line_begins_at_the_origin(run: Path, config: Config) -> None:
    files.write(config)
    table = pd.read_csv("results/plots/words.csv")
    assert list(table.columns) == ["generation", "regime", "metric", "value"]
    first = table[(table["metric"] == "test_perplexity") & (table["regime"] == "replace")]
    assert first["generation"].tolist() == [0, 1, 2, 3]
    assert table.drop_duplicates(["regime", "metric"])["regime"].tolist()[:3] == ["control", "keep", "replace"]
    assert set(table.loc[(table["generation"] == 0) & (table["metric"] == "test_perplexity"), "value"]) == {60.497934}
    assert table["metric"].iloc[0] == "test_perplexity"
    assert len(table) == table["metric"].nunique() * 3 * 4


def test_the_plots_of_an_earlier_config_disappear(run: Path, config: Config) -> None:
    Path("results/plots").mkdir(parents=True)
    Path("results/plots/old.csv").write_text("generation\n")
    files.write(config)
    assert not Path("results/plots/old.csv").exists()


def test_results_of_another_config_are_refused_with_the_experiment_s_name(run: Path, config: Config) -> None:
    with pytest.raises(HeirloomError, match=r"results/metrics\.parquet: missing"):
        tables.load(results.DEFAULT)
    frame = tables.gather(config)
    with pytest.raises(HeirloomError, match="no measures of experiment 'other'"):
        tables.of_experiment(frame, "other", config.experiments["toy"])
