"""Records that a hand, an editor or a merge has changed: every command answers in one line, and none says that all is as recorded."""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from heirloom import cli, codehash, reading, slice_arguments
from heirloom.artefacts.files import replacing
from heirloom.errors import HeirloomError
from heirloom.lineage import costs, dvc, provenance, revisions, stamps
from heirloom.lineage.record import record
from toy_project import Shell

pytestmark = pytest.mark.slow

UNIT = "data/steps/replace/seed=0/gen=1"
ROWS = "steps/replace/0/1"
DEEP = 100_000


COMMANDS = {
    "verify": ["verify"],
    "trace": ["trace", ROWS],
    "trace of a row": ["trace", f"{ROWS}#3"],
    "trace of digits": ["trace", "abcdef12"],
    "why-not": ["why-not", ROWS, "steps/origin/0/0:train"],
    "repair -n": ["repair", "-n"],
    "show": ["show", ROWS],
    "curves": ["show", "steps/replace/0"],
    "prune": ["prune"],
    "plan": ["plan"],
    "summary": ["summary"],
    "theory": ["theory"],
    "record": ["record"],
}
KINDS = {
    f"{UNIT}/synthetic.fingerprint.json": ("verify", "trace", "show", "record"),
    f"{UNIT}/synthetic.manifest.json": ("verify", "trace", "why-not", "record"),
    f"{UNIT}/provenance.jsonl": ("verify", "record"),
    "data/steps/replace/seed=0.dvc": ("verify", "repair -n", "prune", "record"),
    "results/lineage.tsv": ("verify", "trace of digits", "repair -n", "prune", "record"),
    "results/provenance.jsonl": ("verify", "record"),
    "results/metrics.parquet": ("verify", "summary", "curves"),
    "results/metrics.fingerprint.json": ("verify", "curves"),
    "results/theory.csv": ("verify", "theory"),
    "results/onset.csv": ("verify", "summary"),
    "results/costs.parquet": ("verify", "trace", "plan"),
    "results/costs.fingerprint.json": ("verify", "plan"),
}
"""Record → the commands that rely on it."""
HARMLESS = {
    "results/provenance.jsonl: line removed",  # the figure is planned again
    "results/provenance.jsonl: CRLF",
    "results/metrics.fingerprint.json: CRLF",
    "results/costs.fingerprint.json: CRLF",
}
"""Edits after which the file says the same, or what it no longer says is made anew."""


def edits(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield what a hand, an editor or a merge does to a file."""
    middle, lines = len(content) // 2, content.splitlines(keepends=True)
    place = len(lines) // 2
    head, line, tail = b"".join(lines[:place]), lines[place], b"".join(lines[place + 1 :])
    yield "emptied", b""
    yield "cut", content[:middle]
    yield "conflict", head + b"<<<<<<< HEAD\n" + line + b"=======\n" + line.upper() + b">>>>>>> theirs\n" + tail
    yield "line removed", head + tail
    yield "line twice", head + line + line + tail
    yield "other", b"not what it was\n"
    yield "CRLF", content.replace(b"\n", b"\r\n")
    yield "BOM", b"\xef\xbb\xbf" + content
    yield "Latin-1", content[:middle] + b"\xe9" + content[middle:]
    yield "deep", b"[" * DEEP
    yield "number", b"9" * 5000
    yield "list", b"[1]\n"
    yield "null", b"null\n"
    yield "object", b"{}\n"
    digits = [place for place, letter in enumerate(content) if letter in b"0123456789"]
    if digits:
        place = digits[len(digits) // 2]
        yield "digit", content[:place] + (b"2" if content[place : place + 1] == b"1" else b"1") + content[place + 1 :]


def typed(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield a JSON object or a YAML mapping with values of other types, also as an earlier schema that had no digest."""
    if content.startswith(b"outs:"):
        yield "outs is null", b"outs: null\n"
        yield "number of 5,000 digits", re.sub(rb"nfiles: \d+", b"nfiles: " + b"9" * 5000, content)
    if not content.startswith(b"{\n"):
        return
    value = json.loads(content)
    for key in value:
        for other in (None, [1], {"a": None}, -1):
            yield f"{key} is {other!r}", (json.dumps({**value, key: other}) + "\n").encode()
            if "digest" in value:
                bare = {name: fields for name, fields in value.items() if name not in ("digest", "path")}
                yield f"schema 1, {key} is {other!r}", (json.dumps({**bare, "schema_version": 1, key: other}) + "\n").encode()


@pytest.fixture(scope="module")
def run(published: Path, tmp_path_factory: pytest.TempPathFactory, sh: Shell) -> Path:
    """Return a copy of a project that ran twice, to be edited one file at a time."""
    folder = tmp_path_factory.mktemp("edits") / "work"
    sh("cp", "-a", str(published / "work"), str(folder))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        record(Path("config.yaml"))  # the copies are other inodes
    return folder


def heirloom(*arguments: str) -> tuple[str, str]:
    """Return what a command prints in this process, and its traceback if it has one."""
    output = io.StringIO()
    reading._check_once.cache_clear()
    revisions.listing_of.cache_clear()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        patch.setattr(sys, "argv", ["heirloom", *arguments])
        try:
            cli.main()
        except SystemExit:
            pass
        except Exception:  # noqa: BLE001, that there is none is what is tested
            return output.getvalue(), traceback.format_exc()
    return output.getvalue(), ""


def put(file: Path, content: bytes) -> None:
    with replacing(file) as temporary:
        temporary.write_bytes(content)


def tracebacks(file: Path, commands: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the edits of a file after which a command ends in a traceback, and those after which `verify` finds nothing."""
    content, broken, unseen = file.read_bytes(), [], []
    cases = [(edit, commands) for edit in edits(content)] + [(edit, commands[:2]) for edit in typed(content)]
    for (name, edited), relying in cases:
        if edited == content:
            continue
        for command in relying:
            put(file, edited)
            output, trace = heirloom(*COMMANDS[command])
            broken += [f"{file}: {name}: {command}: {trace[-300:]}"] if trace else []
            unseen += [f"{file}: {name}"] if command == "verify" and "all as recorded" in output else []
            lines = output.splitlines()
            assert command == "verify" or not lines or len(lines[-1]) < 1000, (name, command, lines[-1])
    put(file, content)
    return broken, unseen


@pytest.mark.parametrize("name", KINDS)
def test_an_edited_record_is_named_and_no_command_ends_in_a_traceback(name: str, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run)
    monkeypatch.setattr(dvc, "_cache", lambda: Path(".dvc/cache"))
    broken, unseen = tracebacks(Path(name), KINDS[name])
    assert (broken, set(unseen) - HARMLESS) == ([], set())


READERS: dict[str, Callable[[Path], object]] = {
    ".heirloom/recorded.json": stamps.read,
    ".heirloom/code/*.json": codehash._read_hashes,
    "logs/costs/train/*/*/*/*.json": costs._row,
    "dvc.lock": dvc._stages,
    "dvc.yaml": lambda _: dvc.pipeline_files(),
    ".dvc/config": lambda _: dvc.settings(),
    ".snakemake/metadata/*": provenance._json,
}
"""Files that nobody compares with anything, and the one function that reads each."""


@pytest.mark.parametrize("pattern", READERS)
def test_an_edited_file_of_tools_is_read_named_or_made_anew(pattern: str, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run)
    file = next(path for path in Path().glob(pattern) if path.is_file())
    content, expected = file.read_bytes(), READERS[pattern](file)
    contents, refusals = set(), []
    for _, edited in edits(content):
        put(file, edited)
        try:
            contents.add(type(READERS[pattern](file)))
        except HeirloomError as error:
            refusals.append(str(error))
    put(file, content)
    assert contents <= {type(expected), type(None)}
    assert [refusal for refusal in refusals if file.name not in refusal] == []
    assert READERS[pattern](file) == expected


def test_a_slice_in_a_file_that_was_edited_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    argument = slice_arguments.write({"files": ["a" * slice_arguments.LONGEST]})
    file = Path(argument[1:])
    content = file.read_bytes()
    for _, edited in edits(content):
        put(file, edited)
        if edited != content:
            with pytest.raises(HeirloomError, match="missing or damaged; run snakemake again, which writes it"):
                slice_arguments.read(argument)
    assert slice_arguments.write({"files": ["a" * slice_arguments.LONGEST]}) == argument  # written anew
    assert slice_arguments.read(argument) == {"files": ["a" * slice_arguments.LONGEST]}
