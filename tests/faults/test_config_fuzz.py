"""Hostile configs end in our own one-line message or are accepted: no traceback, nothing written, no program started, at once."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from faults import hostile_configs
from faults.watched_checks import Stray, outcome, watched
from heirloom import config as configuration
from heirloom import globs
from heirloom.errors import HeirloomError, printed

FEW = settings(
    max_examples=800,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
MANY = settings(FEW, max_examples=75_000)
MANY_TEXTS = settings(FEW, max_examples=27_000)
TEXT = """regimes: {replace: {}}
experiments:
  e:
    family: {name: ngram}
    source: {name: files, paths: PATHS}
    regimes: [replace]
    generations: 1
    rows: 4
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with what the hostile words name: a corpus, a table, a pipe, a folder that is linked into itself."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "corpus").mkdir()
    for name in "abc":
        (folder / f"corpus/{name}.txt").write_text(f"{name} one two three\n" * 50)
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to(".")
    (folder / "table.csv").write_text("a,b\n1,2\n3,4\n")
    (folder / "model").mkdir()
    (folder / "model/config.json").write_text("{}")
    return folder


@pytest.fixture(autouse=True)
def _in_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)


def check_mapping(project: Path, raw: Any) -> str:
    return outcome(project, lambda: configuration.parse(raw))


def check_text(project: Path, text: bytes) -> str:
    Path("config.yaml").write_bytes(text)
    return outcome(project, lambda: configuration.load("config.yaml"))


@FEW
@given(hostile_configs.mappings())
def test_hostile_values_at_any_place_end_in_a_line_or_are_accepted(project: Path, raw: Any) -> None:
    check_mapping(project, raw)


@FEW
@given(hostile_configs.texts())
def test_broken_texts_end_in_a_line_or_are_accepted(project: Path, text: bytes) -> None:
    check_text(project, text)


@pytest.mark.faults
@MANY
@given(hostile_configs.mappings())
def test_hostile_values_in_many_more_cases(project: Path, raw: Any) -> None:
    check_mapping(project, raw)


@pytest.mark.faults
@MANY_TEXTS
@given(hostile_configs.texts())
def test_broken_texts_in_many_more_cases(project: Path, text: bytes) -> None:
    check_text(project, text)


def test_the_watch_tells_of_a_file_and_a_program_and_of_what_takes_too_long(project: Path) -> None:
    with pytest.raises(Stray, match=r"open .*stray"), watched(project):
        Path("stray").write_text("x")
    with pytest.raises(Stray, match=r"subprocess\.Popen"), watched(project):
        subprocess.run([sys.executable, "--version"], check=False)
    with pytest.raises(Stray, match=r"no end within 2\.0 s"), watched(project):
        any(number < 0 for number in itertools.count())
    assert not Path("stray").exists()


def message(paths: Any) -> str:
    """Return the one line about a source of files."""
    with pytest.raises(HeirloomError) as caught:
        outcome_of(TEXT.replace("PATHS", paths))
    [line] = printed(caught.value)
    return line


def outcome_of(text: str) -> None:
    from heirloom import preflight

    Path("config.yaml").write_text(text)
    preflight.cheap(configuration.load("config.yaml"))


def test_aliases_that_stand_for_a_hundred_million_values_are_refused_at_once(project: Path) -> None:
    assert check_text(project, hostile_configs.aliases(9, 10).encode()) == "refused"
    with pytest.raises(HeirloomError, match="line 6: more than 200,000 values, those that aliases repeat included"):
        configuration.load("config.yaml")


@pytest.mark.parametrize("key", ["generations", "rows", "seeds", "num_replicas", "chunk_rows"])
def test_a_number_of_a_trillion_is_refused_at_once(project: Path, key: str) -> None:
    number = "[1000000000000000000]" if key == "seeds" else "1000000000000"
    lines = [line for line in TEXT.splitlines() if not line.strip().startswith(f"{key}:")]
    assert check_text(project, "\n".join([*lines, f"    {key}: {number}"]).encode()) == "refused"


def test_a_list_of_seeds_as_long_as_a_file_may_be_is_refused_at_once(project: Path) -> None:
    seeds = ", ".join(map(str, range(250_000)))
    assert check_text(project, f"{TEXT}    seeds: [{seeds}]".encode()) == "refused"


def test_a_misspelt_key_of_a_family_that_is_a_union_itself_is_told_in_a_line(project: Path) -> None:
    """The schema names the branches of `external` by another union, through which the search for allowed keys must go."""
    external = "{name: external, rows: vectors, train: {command: [a]}, sample: {command: [a]}, stray: 1}"
    assert check_text(project, TEXT.replace("{name: ngram}", external).encode()) == "refused"


def test_a_path_that_no_system_takes_is_refused_in_a_line(project: Path) -> None:
    assert "a path has at most 4095 bytes, and 255 in each name; this one has 301, and 301 in a name" in message(f"[{'9' * 300}a]")
    assert "the character U+000A stands in no path that is read" in message('["a\\nb.txt"]')
    assert "the character U+001B stands in no path that is read" in message('["\\e[31m.txt"]')


def test_a_pipe_a_device_and_a_folder_linked_into_itself_are_refused_in_a_line(project: Path) -> None:
    assert message("[pipe]") == "heirloom: experiments.e: pipe: is a named pipe; only regular files are read"
    assert message("[/dev/zero]") == "heirloom: experiments.e: /dev/zero: is a device; only regular files are read"
    line = message('["loop/**/*.txt"]')
    assert "loop is a link to a folder that it stands in; remove it, or name other files" in line


def test_a_glob_over_too_many_places_is_refused_at_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(globs, "MOST_PLACES", 2)
    advice = "name a folder further down, or set HEIRLOOM_PLACES to more"
    assert f"corpus/*: more than 2 files and folders stand there; {advice}" in message('["corpus/*"]')
    assert "has ** 3 times; at most 2 are read" in message('["**/a/**/b/**"]')


def test_looking_for_a_package_imports_none(project: Path) -> None:
    table = TEXT.replace("{name: files, paths: PATHS}", "{name: table, package: PACKAGE, paths: [a.csv], columns: {a: number}}")
    assert check_text(project, table.replace("ngram", "gaussian").replace("PACKAGE", "this.that").encode()) == "refused"
    assert "this" not in sys.modules


def test_an_image_that_would_be_more_than_one_word_to_a_shell_is_refused(project: Path) -> None:
    from pydantic import ValidationError

    from heirloom.specs.programs import Environment

    assert Environment(container="docker://owner/image:1.0@sha256").container == "docker://owner/image:1.0@sha256"
    for image in ("a; touch stray", "$(touch stray)", "-x", "a b", "a'b", "a\n"):
        with pytest.raises(ValidationError):
            Environment(container=image)
