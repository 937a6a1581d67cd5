"""Another run on the page: a revision, a folder of results or a tidy table, with the settings that differ."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from heirloom.artefacts.files import write_text
from heirloom.config import Config
from heirloom.errors import HeirloomError
from heirloom.report.page import other_run
from report.test_headline import COLLAPSE, text_config, tidy

METRICS_OF = {"words": {"test_perplexity"}}
CONFIG_FILE = Path("config.yaml")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The config of a run whose table lies in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    write_run(0.1, 170.0)
    return text_config()


def git(*arguments: str) -> None:
    who = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.org")
    subprocess.run(["git", *who, *arguments], check=True)


def write_run(share: float, keep: float) -> None:
    write_text(CONFIG_FILE, f"regimes:\n  keep: {{original: {{share: {share}}}}}\n")
    Path("results").mkdir(exist_ok=True)
    tidy(COLLAPSE | {"keep": [keep]}).to_parquet("results/metrics.parquet")


def test_a_folder_and_a_table_give_the_curves_of_the_metrics_that_the_page_has(config: Config) -> None:
    for what in ("results", "results/metrics.parquet"):
        run = other_run.of(what, config, CONFIG_FILE, METRICS_OF)
        assert run["name"] == what
        (measure,) = run["experiments"]["words"]["measures"]
        assert measure["name"] == "test_perplexity"
        assert measure["arms"]["keep"] == {"g": [0, 1, 2], "v": [118.0, 170.0, 170.0]}
        assert [arm["name"] for arm in run["experiments"]["words"]["arms"]] == sorted(COLLAPSE)
    assert other_run.of("results", config, CONFIG_FILE, {"words": set()})["experiments"]["words"]["measures"] == []
    assert other_run.of("results", config, CONFIG_FILE, {})["experiments"] == {}


def test_a_revision_gives_its_own_numbers_and_settings(config: Config) -> None:
    git("init", "--quiet")
    git("add", "--all")
    git("commit", "--quiet", "--message", "a tenth")
    git("tag", "tenth")
    write_run(0.2, 150.0)
    run = other_run.of("tenth", config, CONFIG_FILE, METRICS_OF)
    assert run["experiments"]["words"]["measures"][0]["arms"]["keep"]["v"] == [118.0, 170.0, 170.0]
    assert run["settings"] == {"regimes.keep.original.share": "0.1"}
    assert other_run.this_run(CONFIG_FILE) == {"name": "config.yaml", "settings": {"regimes.keep.original.share": "0.2"}}


def test_what_is_no_run_is_refused_in_one_line(config: Config) -> None:
    Path("empty").mkdir()
    Path("damaged.parquet").write_bytes(b"nothing")
    for what, words in {"empty": "empty/metrics.parquet: missing", "damaged.parquet": "damaged", "v9": "no git repository"}.items():
        with pytest.raises(HeirloomError, match=words) as refusal:
            other_run.of(what, config, CONFIG_FILE, METRICS_OF)
        assert "\n" not in str(refusal.value)
