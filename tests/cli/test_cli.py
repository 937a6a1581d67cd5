"""The command line as a person meets it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import typer

from heirloom.cli import commands
from heirloom.errors import BAD_INPUT
from helpers import Run, run_in

ROOT = Path(__file__).parents[2]


def test_bad_input_is_one_line_on_stderr_and_exit_code_2(run: Run, workspace: Path) -> None:
    (workspace / "config.yaml").write_text("regimes: {}\nexperiments: {}\n")
    done = run("heirloom", "check", check=False)
    assert done.returncode == BAD_INPUT
    assert done.stdout == ""
    message = "Dictionary should have at least 1 item after validation, not 0"
    assert done.stderr == f"heirloom: config.yaml: (1) regimes: {message}; (2) experiments: {message}\n"


@pytest.mark.parametrize("source", ["name: files, paths: [rows/train.jsonl]", "name: hub, dataset: rows, splits: train"])
def test_a_bad_line_of_data_is_one_line_of_the_command(run: Run, workspace: Path, source: str) -> None:
    rows = [json.dumps({"text": f"the river and the castle {number}"}) for number in range(5)]
    (workspace / "rows").mkdir()
    (workspace / "rows/train.jsonl").write_text("\n".join([*rows, r'{"text": "half \ud83d"}']))
    config = (workspace / "config.yaml").read_text()
    (workspace / "config.yaml").write_text(config.replace("name: files, paths: [corpus/*.txt]", source))
    done = run("heirloom", "check", "--thorough", check=False)
    assert done.returncode == BAD_INPUT
    line = "source.text_column: rows/train.jsonl:6: 'text' holds half a character (a lone surrogate)"
    assert re.fullmatch(rf"heirloom: experiments\.\w+: {re.escape(line)}\n", done.stderr)


def test_check_says_what_a_config_holds(run: Run) -> None:
    assert run("heirloom", "check", "--thorough").stdout == "config.yaml: 5 experiments, 9 lineages\n"


def test_every_command_explains_itself() -> None:
    command = commands.tree()
    assert isinstance(command, typer.core.TyperGroup)
    assert {"train", "record", "trace", "diff", "export"} <= set(command.commands)
    assert {name for name, subcommand in command.commands.items() if not subcommand.help} == set()


def test_the_schema_command_agrees_with_the_file() -> None:
    assert run_in(ROOT, "heirloom", "schema").returncode == 0
