"""The commands of lineage as a shell calls them: completion, exit status, one line for bad input."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from heirloom.artefacts.files import dumps, write_text
from helpers import environment

UNIT = Path("data/text/replace/seed=0/gen=2")


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a project with the small files of two artefacts the working folder."""
    monkeypatch.chdir(tmp_path)
    for stem in ("synthetic", "checkpoint"):
        record = {"schema_version": 1, "sha256": "a" * 64, "size": 1}
        write_text(UNIT / f"{stem}.fingerprint.json", dumps(record))
        write_text(UNIT / f"{stem}.manifest.json", dumps({**record, "slice": {"step": "sample"}, "inputs": {}}))


def heirloom(*arguments: str, **variables: str) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "heirloom", *arguments]
    done = subprocess.run(command, env={**environment(), **variables}, text=True, capture_output=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(("words", "place"), [("heirloom trace text/", 2), ("heirloom verify text/", 2), ("heirloom why-not x text/", 3)])
def test_the_shell_completes_references(words: str, place: int) -> None:
    completion = {"_HEIRLOOM_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(place)}
    code = "import sys; sys.argv = ['heirloom']; from heirloom.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], env={**environment(), **completion}, text=True, capture_output=True, check=False)
    assert done.stdout.split() == ["text/replace/0/2", "text/replace/0/2:checkpoint"]


def test_completion_loads_no_heavy_library() -> None:
    code = (
        "import sys; from heirloom.cli.arguments import complete; complete('text');"
        "print([name for name in ('numpy', 'pyarrow', 'dvc', 'torch', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), text=True, capture_output=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_trace_in_each_format_and_a_wrong_format() -> None:
    status, tree, _ = heirloom("trace", "text/replace/0/2")
    assert (status, tree) == (0, "text/replace/0/2  sample aaaaaaaaaaaa\n")
    assert heirloom("trace", "text/replace/0/2", "--format", "mermaid")[1].startswith("flowchart TD\n")
    assert heirloom("trace", "text/replace/0/2", "--format", "png")[2] == (
        "heirloom: --format png: an artefact has tree, json, mermaid, dot\n"
    )
    assert heirloom("trace", "text/replace/0/2#1", "--format", "dot") == (2, "", "heirloom: --format dot: a row has tree, json\n")
    assert heirloom("trace", "text/replace/0/3")[2].endswith("did you mean text/replace/0/2 or text/replace/0/2:checkpoint?\n")


def test_verify_ends_with_status_1_and_why_not_with_0() -> None:
    status, output, _ = heirloom("verify", "--fast")
    assert (status, output.splitlines()) == (
        1,
        [
            f"{UNIT}/checkpoint: missing: its fingerprint is here",
            f"{UNIT}/synthetic.parquet: missing: its fingerprint is here",
            "4 files, 586 bytes: 2 mismatches; not compared with DVC (left out by --fast)",
        ],
    )
    status, output, _ = heirloom("why-not", "text/replace/0/2", "text/replace/0/2:checkpoint")
    assert (status, output.partition(" (sample): ")[2]) == (0, "equal, byte for byte\n")
