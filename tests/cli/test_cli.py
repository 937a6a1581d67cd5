"""The command line as a person meets it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
import typer

from heirloom.cli import commands, panels
from heirloom.errors import BAD_INPUT
from heirloom.workflow.steps import STEPS
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


def test_check_of_a_path_without_its_option_says_nothing_of_another_config(run: Run) -> None:
    done = run("heirloom", "check", "other.yaml", check=False)
    assert (done.returncode, done.stdout) == (BAD_INPUT, "")
    assert done.stderr == "heirloom: other.yaml: --profile stands before the path of a profile, and --config before that of a config\n"


def test_every_command_explains_itself() -> None:
    command = commands.tree()
    assert isinstance(command, typer.core.TyperGroup)
    assert {"train", "record", "trace", "diff", "export"} <= set(command.commands)
    assert {name for name, subcommand in command.commands.items() if not subcommand.help} == set()


@pytest.mark.parametrize(
    ("words", "outcome", "asks_pydantic"),
    [
        ("trace data/a", "heirloom: data/a: ", False),
        ("trace data/\xe4", "heirloom: data/\xe4: ", True),
        ("trace data/a --depth 1", "heirloom: data/a: ", True),
        ("trace data/a --depth one", "Error: Invalid value for '--depth': ", True),
        ("trace", "Error: Missing argument 'reference'.", False),
    ],
)
def test_plain_text_is_taken_as_typed_and_all_else_as_typer_reads_it(words: str, outcome: str, asks_pydantic: bool, tmp_path: Path) -> None:
    code = "import atexit, sys; atexit.register(lambda: print('pydantic' in sys.modules)); from heirloom.cli import main; main()"
    done = run_in(tmp_path, sys.executable, "-c", code, *words.split(), check=False)
    assert done.returncode == BAD_INPUT
    assert done.stderr.splitlines()[-1].startswith(outcome)
    assert done.stdout == f"{asks_pydantic}\n"


def test_every_command_that_is_shown_stands_in_a_panel_and_has_an_example() -> None:
    command = commands.tree()
    assert isinstance(command, typer.core.TyperGroup)
    for name, subcommand in command.commands.items():
        if subcommand.hidden:
            continue
        assert isinstance(subcommand, typer.core.TyperCommand | typer.core.TyperGroup)
        assert subcommand.rich_help_panel in panels.PANELS, name
        inner = subcommand.commands if isinstance(subcommand, typer.core.TyperGroup) else {"": subcommand}
        for inner_name, inner_command in inner.items():
            words = " ".join(filter(None, ("heirloom", name, inner_name)))
            assert (inner_command.epilog or "").startswith(f"Example: {words}"), words


def test_help_is_divided_into_panels_hides_the_steps_and_cuts_no_sentence(run: Run) -> None:
    lines = run("env", "COLUMNS=80", "heirloom", "--help").stdout.splitlines()
    assert [line.rstrip(":") for line in lines if line.rstrip(":") in panels.PANELS] == [*panels.PANELS]
    names = {line.split()[0] for line in lines if line.startswith("  ") and line.strip()}
    assert names.isdisjoint(STEPS)
    assert not any(line.endswith("...") for line in lines[1:])
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("name", ["a.parquet", "data/a", "./a", "/a/b"])
def test_a_file_that_is_not_there_is_called_that(run: Run, name: str) -> None:
    done = run("heirloom", "show", name, check=False)
    assert done.returncode == BAD_INPUT
    assert done.stderr.startswith(f"heirloom: {name}: no such file; a name is experiment/regime/seed/generation")


def test_the_schema_command_agrees_with_the_file() -> None:
    assert run_in(ROOT, "heirloom", "schema").returncode == 0
