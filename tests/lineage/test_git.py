"""What git tells: the commit, and one hash over whatever the tree holds beside it."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from heirloom import config as configuration
from heirloom.errors import HeirloomError
from heirloom.lineage import ending, git, unrecorded
from heirloom.lineage.record import RecordReport, record
from toy_project import CONFIG, Shell, commit, forget


def test_a_tree_is_known_by_its_commit_and_by_the_contents_of_files_that_no_commit_holds(toy: None, sh: Shell) -> None:
    head, changes = git.tree()
    assert head == sh("git", "rev-parse", "HEAD").strip()
    assert changes == ""

    untracked = Path("src/new.py")
    untracked.write_text("a = 1\n")
    first = git.tree()
    untracked.write_text("a = 2\n")
    second = git.tree()
    untracked.write_text("a = 1\n")
    assert (first[0], len(first[1])) == (head, 16)
    assert first != second
    assert git.tree() == first

    untracked.unlink()
    Path("data").mkdir(exist_ok=True)
    Path("data/made.txt").touch()
    assert git.tree() == (head, "")


def test_a_tracked_latin_1_file_that_was_edited_is_recorded_like_any_other(recorded: RecordReport, sh: Shell) -> None:
    Path("notes.txt").write_bytes("caf\xe9\n".encode("latin-1"))
    Path(os.fsdecode(b"na\xefve.txt")).write_bytes(b"\xff\n")  # nor is the name UTF-8
    commit(sh)
    Path("notes.txt").write_bytes("th\xe9\n".encode("latin-1"))
    Path(os.fsdecode(b"na\xefve.txt")).write_bytes(b"\xfe\n")
    first = git.tree()[1]
    Path(os.fsdecode(b"na\xefve.txt")).write_bytes(b"\xfd\n")
    assert len({first, git.tree()[1], ""}) == 3
    for file in Path("logs/costs").rglob("*.json"):
        os.utime(file)  # as if the jobs had just ended
    report = record(CONFIG, complete=True)
    assert (report.line, report.new_costs) == ("nothing new to record", 3)


def test_a_file_of_3_gb_that_no_commit_holds_is_known_by_size_and_time(toy: None) -> None:
    large = Path("src/corpus.bin")
    with large.open("wb") as file:
        file.truncate(3_000_000_000)
    began = time.process_time()
    first = git.tree()
    assert time.process_time() - began < 1
    os.utime(large, (1, 1))
    assert git.tree() != first


def refused(revision: str, **variables: str) -> str:
    """Return what is said where git is asked for a revision under some environment variables."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        try:
            return git.commit_of(revision)
        except HeirloomError as error:
            return str(error)


def test_gits_own_reason_is_the_message(toy: None, sh: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
    reason = f"git: detected dubious ownership in repository at '{Path.cwd()}'; git config --global --add safe.directory {Path.cwd()}"
    assert refused("HEAD", **foreign) == reason
    assert sh("heirloom", "record", "--if-possible", **foreign) == f"not recorded: {reason}\n"
    assert sh("heirloom", "record", status=2, **foreign) == f"heirloom: not recorded: {reason}\n"
    assert refused("HEAD", PATH="/nowhere") == "git: it is not installed, or not on PATH"
    assert refused("v9") == "'v9': no such git revision here; git log --oneline lists them"

    Path("src/code.py").write_text("a = 2\n")
    commit(sh)
    sh("git", "clone", "-q", "--depth", "1", f"file://{Path.cwd()}", str(tmp_path / "shallow"))
    with monkeypatch.context() as patch:
        patch.chdir(tmp_path / "shallow")
        assert refused("HEAD~1") == ("'HEAD~1': this clone is shallow, and lacks that git revision; git fetch --unshallow brings the rest")
    Path(".git/index").write_text("junk")
    assert git.unusable() == "git: .git/index: index file smaller than expected"
    with pytest.raises(HeirloomError, match="index file smaller than expected"):
        git.tree()  # and not: nothing has changed


def test_a_trace_or_a_warning_of_git_is_no_reason(toy: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TRACE", "1")
    assert git.show("HEAD", "absent.txt") is None
    assert refused("v9") == "'v9': no such git revision here; git log --oneline lists them"


def test_a_run_that_git_keeps_from_being_recorded_is_named_last_and_its_new_files_are_no_damage(
    recorded: RecordReport, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configuration.load(CONFIG)
    Path("data/toy/real/train.parquet").write_bytes(b"of another run")
    ending.name_missing(config)
    assert capsys.readouterr().err.startswith("heirloom: data/toy/real/train.parquet: has 14 bytes instead of ")
    unrecorded.mark()
    monkeypatch.setenv("PATH", "/nowhere")
    ending.name_missing(config)
    message = "git: it is not installed, or not on PATH; the next snakemake records it"
    assert capsys.readouterr().err == f"heirloom: this run is not recorded: {message}\n"


def test_without_a_commit_or_a_repository_there_is_no_tree_and_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sh: Shell) -> None:
    monkeypatch.chdir(tmp_path)
    assert (git.tree(), git.unusable(), git.tracked_files("data")) == (("", ""), "", [])
    assert refused("HEAD") == "'HEAD': this folder is no git repository, so it has no revisions"
    sh("git", "init", "-q")
    assert (git.tree(), git.unusable(), git.show("", "config.yaml")) == (("", ""), "", None)


def test_a_project_in_a_subfolder_of_a_repository_sees_its_own_files_alone(
    recorded: RecordReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sh: Shell
) -> None:
    forget()
    shutil.rmtree(".git")
    (tmp_path / "mono/models").mkdir(parents=True)
    (tmp_path / "toy").rename(tmp_path / "mono/models/toy")
    (tmp_path / "mono/README").write_text("another project\n")
    monkeypatch.chdir(tmp_path / "mono")
    sh("git", "init", "-q")
    commit(sh)
    monkeypatch.chdir("models/toy")
    head, changes = git.tree()
    assert changes == ""
    Path("../../README").write_text("changed\n")
    assert git.tree() == (head, "")
    Path("src/code.py").write_text("a = 2\n")
    assert git.tree()[1] != ""
    assert git.show("HEAD", "src/code.py") == b""
    assert git.files_of("HEAD", "rules") == git.tracked_files("rules") == ["rules/none.smk"]
    assert record(CONFIG, complete=True).line == "recorded 3 lineage folders"
    commit(sh)
    assert sh("heirloom", "verify").endswith("all as recorded\n")
    assert sh("heirloom", "prune", "--config", "config.yaml") == "nothing to prune: the configs name all there is\n"
