"""Where the results of a config lie: a folder per config, which the name of its file decides."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from heirloom import results
from heirloom.artefacts import kinds
from heirloom.errors import HeirloomError
from heirloom.workflow import folders
from helpers import ROOT


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_config_yaml_at_the_top_has_results_and_any_other_file_a_folder_in_it(project: Path) -> None:
    for spelled in ("config.yaml", "./config.yaml", "configs/../config.yaml", project / "config.yaml"):
        assert results.of(spelled) == results.DEFAULT
    assert results.DEFAULT.metrics == "results/metrics.parquet"
    assert results.of("configs/lm.yaml").metrics == "results/lm/metrics.parquet"
    assert results.of("configs/lm.yaml").diff == "results/lm/diffs/{experiment}.{regime}.html"
    assert results.of("tests/config.tiny.yml").folder == "results/config.tiny"
    assert results.of("mine/config.yaml").folder == "results/config"


def test_a_page_of_a_comparison_says_which_experiment_and_regime_it_is_of_where_names_have_underscores() -> None:
    groups = {name: f"(?P<{name}>{expression})" for name, expression in kinds.WILDCARDS.items()}
    pattern = results.DEFAULT.diff.replace(".", "[.]").format(**groups)
    for experiment, regime in (("transformer", "control_grows"), ("transformer_control", "grows")):
        match = re.fullmatch(pattern, results.DEFAULT.diff.format(experiment=experiment, regime=regime))
        assert match is not None
        assert match.groupdict() == {"experiment": experiment, "regime": regime}


def test_a_link_to_another_config_named_config_yaml_is_config_yaml(project: Path) -> None:
    (project / "lm.yaml").touch()
    (project / "config.yaml").symlink_to("lm.yaml")
    assert results.of("lm.yaml") == results.DEFAULT


@pytest.mark.parametrize("name", ["figures", "Plots", "diffs", "metrics.json", "lineage.tsv", "index.html", "a b", "-x", "é", ".hidden"])
def test_a_name_that_is_no_folder_s_or_that_results_has_is_refused(name: str) -> None:
    with pytest.raises(HeirloomError) as caught:
        results.of(f"configs/{name}.yaml")
    assert str(caught.value) == (
        f"configs/{name}.yaml: its results cannot lie in results/{name}/; rename the file: letters, digits, _, - and . make a name that is"
        " none of diffs, figures, plots and ends in none of .csv, .html, .json, .jsonl, .parquet, .tsv"
    )


def test_every_file_and_folder_of_a_config_is_of_its_own_results_alone() -> None:
    for places in (results.DEFAULT, results.of("lm.yaml")):
        files = [
            places.metrics,
            places.headlines,
            places.intervals,
            places.onset,
            places.attribution,
            places.theory,
            places.profile,
            places.plot("a"),
            places.figure_index,
            places.diff,
        ]
        for file in [*files, places.page, places.claims, f"{places.folder}/provenance.jsonl"]:
            assert folders.unit_of(file) == places.folder
    assert folders.unit_of("results/lineage.tsv") == "results"
    assert folders.unit_of("results/lm") == "results/lm"
    assert results.folder_of("data/a/real") is None
    assert results.folder_of("") is None


def test_folders_of_results_are_told_from_those_in_them(project: Path) -> None:
    assert results.folders() == []
    for name in ("results/figures", "results/lm/plots", "results/a-b", "results/.tmp"):
        (project / name).mkdir(parents=True)
    (project / "results/metrics.json").touch()
    assert results.folders() == ["results", "results/a-b", "results/lm"]
    assert [results.in_folder(folder).folder for folder in results.folders()] == results.folders()


def test_logs_and_advice_name_the_config() -> None:
    places = results.of("configs/lm.yaml")
    assert results.DEFAULT.log("plot") == "logs/plot.log"
    assert places.log("plot") == "logs/plot/lm.log"
    assert places.log("compare/{experiment}_{regime}") == "logs/compare/lm/{experiment}_{regime}.log"
    assert places.benchmark("plot") == "logs/benchmarks/plot/lm.jsonl"
    assert (results.DEFAULT.snakemake, results.DEFAULT.repair) == ("snakemake", "heirloom summarise writes it again")
    assert places.snakemake == "snakemake --configfile configs/lm.yaml"
    assert places.repair == "heirloom summarise --config configs/lm.yaml writes it again"


@pytest.mark.parametrize("config", ["", "config.yaml", "configs/lm.yaml", "tests/config.tiny.yaml"])
def test_make_puts_snakemake_s_report_where_the_other_results_lie(config: str) -> None:
    command = ["make", "--dry-run", "--assume-old", "env", "report", f"CONFIG={config}"]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert f" --report {results.of(config or 'config.yaml').folder}/snakemake-report.html " in output
