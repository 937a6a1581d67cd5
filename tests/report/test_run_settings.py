"""Results whose numbers are of other settings than the config's say so, or are refused: the config is what describes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from heirloom.artefacts import paths
from heirloom.artefacts.files import dumps, write_text
from heirloom.artefacts.fingerprints import fingerprint
from heirloom.config import Config, parse
from heirloom.errors import HeirloomError
from heirloom.planning import changes
from heirloom.report import files, overview, run_settings
from heirloom.workflow.jobs import measure_files


def swap_arms(content: dict[str, Any]) -> None:
    regimes = content["regimes"]
    regimes["replace"], regimes["keep"] = regimes["keep"], regimes["replace"]


def raise_share(content: dict[str, Any]) -> None:
    content["regimes"]["keep"]["original"]["share"] = 0.9


def raise_replicas(content: dict[str, Any]) -> None:
    content["experiments"]["toy"]["num_replicas"] = 400


def add_seed(content: dict[str, Any]) -> None:
    content["experiments"]["words"]["seeds"] = [0, 1, 2]


@pytest.mark.parametrize("edit", [swap_arms, raise_share, raise_replicas, add_seed])
def test_numbers_of_other_settings_are_said_to_be_so_at_the_top(
    run: Path, config: Config, declaration: dict[str, Any], edit: Callable[[dict[str, Any]], None]
) -> None:
    files.write(config)
    assert run_settings.note(config) == ""
    edit(declaration)
    edited = parse(declaration)
    line = run_settings.note(edited)
    assert line.startswith("results: the numbers are of other settings: ")
    assert " ".join(overview.lines(edited)).startswith(line)
    with pytest.raises(HeirloomError, match="of other settings"):
        run_settings.check(edited)


def test_the_line_names_the_experiment_and_the_key_with_both_values(run: Path, config: Config, declaration: dict[str, Any]) -> None:
    files.write(config)
    raise_replicas(declaration)
    expected = "results: the numbers are of other settings: toy, num_replicas 50 → 400; snakemake makes them anew"
    assert run_settings.note(parse(declaration)) == expected


def test_results_that_do_not_say_of_which_settings_they_are_say_so(run: Path, config: Config) -> None:
    files.write(config)
    Path("results/settings.json").unlink()
    assert run_settings.note(config).startswith("results/settings.json: missing, so that nobody can tell")


def test_tables_of_other_measures_than_those_that_are_here_are_still_to_do(run: Path, config: Config) -> None:
    files.write(config)
    assert changes.total(config, {}).startswith("nothing to do")
    _, path = measure_files(config)[-1]
    Path(path).write_text("{}\n")
    write_text(paths.fingerprint(path), dumps(fingerprint(Path(path))))
    assert changes.total(config, {}) == "to do: the tables and figures in results, of other data than those here; snakemake makes them anew"
