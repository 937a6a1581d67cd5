"""What happens to source files, and the jobs that follow: real Snakemake, git and DVC on files of 0.1 and of 2 MB.

The rows of the table in docs/dvc.md. Two experiments read a file each, so that a count says whose jobs they are; a mix stands for what
follows from real data.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from helpers import ROOT, make_workspace
from toy_project import Shell, commit, planned_totals

pytestmark = [pytest.mark.slow, pytest.mark.system]

TARGETS = [f"data/{name}/origin/seed=0/gen=0/train.parquet" for name in ("long", "short")]
"""One step beyond the real data of either experiment: what follows."""
LONG, SHORT = Path("corpus/long.txt"), Path("corpus/short.txt")
RENAMED = {"corpus/long.txt": "corpus/a-long.txt", "corpus/short.txt": "corpus/a-short.txt"}
CONFIG = """\
schema_version: 1
num_threads: 1
regimes:
  replace: {}
experiments:
  long: &experiment
    family: {name: ngram, training: {order: 2}}
    source: &source
      {name: files, paths: [corpus/long.txt], document_separator: '^#', max_documents: 40, text: {vocab_size: 257, row_tokens: 16}}
    regimes: [replace]
    generations: 1
    rows: 20
    origin_rows: 20
  short:
    <<: *experiment
    source: {<<: *source, paths: [corpus/short.txt]}
"""


def prose(num_bytes: int) -> str:
    """Return different documents, each with a title."""
    documents = (f"# {number}\n" + f"The mill of chapter {number} saw {number * number} boats. " * 20 + "\n" for number in range(9999))
    text = ""
    while len(text) < num_bytes:
        text += next(documents)
    return text


@pytest.fixture(scope="module")
def recorded_once(tmp_path_factory: pytest.TempPathFactory, sh: Shell) -> Path:
    """Return a finished, recorded and pushed project; the long file is DVC's, the short one git's. Only ever copied."""
    folder = tmp_path_factory.mktemp("sources")
    work = make_workspace(folder / "work")
    shutil.rmtree(work / "corpus")
    (work / "corpus").mkdir()
    (work / "config.yaml").write_text(CONFIG)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(work)
        LONG.write_text(prose(2_000_000))
        SHORT.write_text(prose(100_000))
        sh("git", "init", "-q", "-b", "main")
        sh("dvc", "remote", "add", "-q", "-d", "store", str(folder / "store"))
        sh("dvc", "add", "-q", str(LONG))
        sh("snakemake", *TARGETS)
        commit(sh)
        sh("git", "tag", "first")
        sh("dvc", "push", "-q")
    return folder


@pytest.fixture
def work(recorded_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sh: Shell) -> Path:
    """Make a copy of the finished project, time stamps and all, the working folder."""
    sh("cp", "-a", str(recorded_once / "work"), str(tmp_path / "work"))
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


@pytest.fixture
def clone(recorded_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sh: Shell) -> Path:
    """Make a clone without DVC's files the working folder."""
    sh("git", "clone", "-q", str(recorded_once / "work"), str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    return tmp_path / "clone"


def replace(path: Path, content: bytes, mtime: int) -> None:
    """Move another file in."""
    new = path.with_suffix(".new")
    new.write_bytes(content)
    os.utime(new, (mtime, mtime))
    new.replace(path)


def row(event: str) -> str:
    """Return what docs/dvc.md says of an event."""
    lines = (ROOT / "docs/dvc.md").read_text().splitlines()
    return next(line.split(" | ")[1].removesuffix(" |") for line in lines if line.startswith(f"| {event} | "))


def planned(sh: Shell) -> dict[str, int]:
    return planned_totals(sh, *TARGETS)


def test_time_stamps_and_moves_of_the_same_bytes_redo_nothing(work: Path, sh: Shell) -> None:
    for path in (LONG, SHORT):
        replace(path, path.read_bytes(), 1_500_000_000)
    LONG.touch()
    assert planned(sh) == {}
    assert {row("a source file touched"), row("the same bytes moved in (other time stamp, other inode)")} == {"none"}


def test_other_bytes_redo_what_depends_on_them_whatever_time_and_size_say(work: Path, sh: Shell) -> None:
    replace(LONG, LONG.read_bytes().replace(b"boats", b"ships"), 1_500_000_000)
    assert planned(sh) == {"real_text": 1, "mix": 1}
    status, content = SHORT.stat(), SHORT.read_bytes()
    SHORT.write_bytes(content.replace(b"boats", b"ships"))
    os.utime(SHORT, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (SHORT.stat().st_size, SHORT.stat().st_mtime_ns) == (len(content), status.st_mtime_ns)
    assert planned(sh) == {"real_text": 2, "mix": 2}
    events = ("an older file moved in (other bytes, older time stamp)", "other bytes of the same size and time stamp")
    assert {row(event) for event in events} == {"the real data of its experiments, and all that follows"}


def test_a_renamed_file_redoes_the_real_data_and_an_earlier_commit_brings_the_old_ones_back(work: Path, sh: Shell) -> None:
    config = Path("config.yaml")
    sh("dvc", "move", "-q", str(LONG), RENAMED[str(LONG)])
    sh("git", "mv", str(SHORT), RENAMED[str(SHORT)])
    for old, new in RENAMED.items():
        config.write_text(config.read_text().replace(old, new))
    output = sh("snakemake", *(f"data/{name}/real/train.parquet" for name in ("long", "short")))
    assert re.findall(r"(\d+) of (\d+) steps", output)[-1] == ("2", "2")
    assert planned(sh) == {}  # and these are the old ones
    commit(sh)
    sh("git", "checkout", "-q", "first")
    sh("dvc", "checkout", "-q")
    sh("heirloom", "restore")
    assert planned(sh) == {}
    assert row("`git checkout` of an earlier commit, `dvc checkout`, `heirloom restore`") == "none"
    assert row("a source file renamed, the same bytes") == "the real data; what follows where its bytes change"


def test_a_clone_without_the_corpus_goes_on_and_says_so_and_one_with_it_has_nothing_to_do(clone: Path, sh: Shell) -> None:
    sh("dvc", "pull", "-q", "-R", "data")
    assert not LONG.exists()
    output = sh("snakemake", "-n", *TARGETS)
    note = "heirloom: experiments.long: no source files on this machine; the run goes on with what was made from them"
    assert re.findall(r"^heirloom: .*", output, re.MULTILINE) == [note]
    assert "Nothing to be done" in output
    sh("dvc", "pull", "-q")
    assert planned(sh) == {}
    assert {row("clone and `dvc pull`, the corpus tracked by DVC"), row("clone and `dvc pull -R data`, without the corpus")} == {"none"}
