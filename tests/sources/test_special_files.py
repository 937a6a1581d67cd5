"""Pipes, sockets and devices in the place of files: each is refused in a line, wherever a config can name one, and none is opened."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from heirloom import globs, sources
from heirloom.errors import HeirloomError
from heirloom.families import pretrained
from heirloom.specs import pretrained_size
from heirloom.specs.pretrained import Pretrained
from heirloom.specs.programs import code_file
from heirloom.specs.source import FilesSource, HubSource
from heirloom.specs.tasks import Tasks
from heirloom.specs.vector_source import TableSource
from heirloom.tasks import files as task_files


@pytest.fixture(autouse=True)
def _in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Work in an empty folder, and end a test that waits for the other end of a pipe."""
    monkeypatch.chdir(tmp_path)
    signal.alarm(60)
    yield
    signal.alarm(0)


def pipe(place: str) -> None:
    os.mkfifo(place)


def bound(place: str) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(place)


def device(place: str) -> None:
    Path(place).symlink_to("/dev/zero")


KINDS = {"a named pipe": pipe, "a socket": bound, "a device": device}


def files_source(paths: Any) -> FilesSource:
    return FilesSource.model_validate({"name": "files", "paths": paths})


@pytest.mark.parametrize(("kind", "make"), KINDS.items())
@pytest.mark.parametrize("paths", ["x.txt", "*.txt", "**/*.txt"])
def test_a_source_of_files_is_no_pipe_socket_or_device(kind: str, make: Callable[[str], None], paths: str) -> None:
    Path("a.txt").write_text("words")
    make("x.txt")
    with pytest.raises(HeirloomError, match=f"^x.txt: is {kind}; only regular files are read$"):
        sources.preflight(files_source([paths]))


@pytest.mark.parametrize(("kind", "make"), KINDS.items())
def test_a_table_a_folder_of_data_and_tasks_have_none(kind: str, make: Callable[[str], None]) -> None:
    Path("folder").mkdir()
    Path("folder/train.jsonl").write_text('{"text": "words"}\n')
    make("folder/test.jsonl")
    make("folder/t.csv")
    Path("tasks").mkdir()
    make("tasks/x.yaml")
    message = f"is {kind}; only regular files are read$"
    table = {"name": "table", "paths": ["folder/*.csv"], "columns": {"a": "number"}, "rows": 1, "test_rows": 1}
    with pytest.raises(HeirloomError, match=message):
        sources.preflight(TableSource.model_validate(table))
    with pytest.raises(HeirloomError, match=message):
        sources.preflight(HubSource.model_validate({"name": "hub", "dataset": "folder", "splits": "train"}))
    with pytest.raises(HeirloomError, match=message):
        task_files.check(Tasks(names=("x",), folder="tasks"))


@pytest.mark.parametrize(("kind", "make"), KINDS.items())
@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_model_s_folder_and_a_program_s_code_have_none(kind: str, make: Callable[[str], None], name: str) -> None:
    Path("model").mkdir()
    for file in {"model.safetensors", "tokenizer.json", "config.json"} - {name}:
        Path("model", file).write_text("{}")
    make(f"model/{name}")
    spec = Pretrained(path="model")
    assert pretrained_size.size_of(spec) is None
    with pytest.raises(HeirloomError, match=f"is {kind}; only regular files are read$|has no config.json"):
        pretrained.preflight(spec)
    with pytest.raises(HeirloomError, match=f"is {kind}; only regular files are read$"):
        code_file(Path("model", name), name, "family.code")


def test_a_folder_that_is_linked_into_itself_is_refused_and_a_link_to_another_is_read() -> None:
    Path("a").mkdir()
    Path("b").mkdir()
    for name in "xyz":
        Path("b", f"{name}.txt").write_text(name)
    Path("a/link").symlink_to("../b")
    assert [str(file.place) for file in sources.source_files(files_source(["a/**/*.txt"]))] == [f"a/link/{name}.txt" for name in "xyz"]
    Path("b/self").symlink_to(".")
    message = r"^source.paths: a/\*\*/\*.txt: a/link/self is a link to a folder that it stands in; remove it, or name other files$"
    with pytest.raises(HeirloomError, match=message):
        sources.preflight(files_source(["a/**/*.txt"]))
    with pytest.raises(HeirloomError, match=r"^source.dataset: b: b/self is a link to a folder that it stands in"):
        sources.preflight(HubSource.model_validate({"name": "hub", "dataset": "b", "splits": "train"}))


def test_a_glob_visits_a_bounded_number_of_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(globs, "MOST_PLACES", 10)
    for number in range(5):
        Path(f"d{number}/e").mkdir(parents=True)
        Path(f"d{number}/e/x.txt").write_text("x")
    assert len(sources.source_files(files_source(["d*/e/*.txt"]))) == 5
    with pytest.raises(HeirloomError, match=r"^source.paths: \*\*/x.txt: more than 10 files and folders stand there; name"):
        sources.preflight(files_source(["**/x.txt"]))
    monkeypatch.setenv("HEIRLOOM_PLACES", "inf")
    assert len(sources.source_files(files_source(["**/x.txt"]))) == 5
    monkeypatch.delenv("HEIRLOOM_PLACES")
    Path("d0/many").mkdir()
    for number in range(11):
        Path(f"d0/many/{number}").touch()
    with pytest.raises(HeirloomError, match=r"^source.paths: d0/many/\*/\*.txt: more than 10 files and folders stand there"):
        sources.preflight(files_source(["d0/many/*/*.txt"]))
