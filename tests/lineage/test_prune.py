"""Pruning on real git and real DVC: listed first, removed on request, refused where it would be for good, brought back by a checkout."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
import yaml
from rich.filesize import decimal

from heirloom.config import Config, load
from heirloom.errors import HeirloomError
from heirloom.lineage import cache, dvc, running
from heirloom.lineage.prune import Leftover, leftovers, remove, total
from heirloom.lineage.record import RecordReport
from heirloom.lineage.verify import verify
from toy_project import CONFIG, LINEAGE, MODEL, UP_TO_DATE, Shell, commit, ledger, listed, planned, set_generations, write

pytestmark = pytest.mark.slow

GEN2 = f"{LINEAGE}/gen=2"


def without_the_toy() -> Config:
    """Return the config with its experiment under another name."""
    raw = yaml.safe_load(CONFIG.read_text())
    raw["experiments"] = {"other": raw["experiments"]["toy"]}
    Path("other.yaml").write_text(yaml.safe_dump(raw))
    return load("other.yaml")


def flip_unseen(place: Path) -> None:
    """Change one bit of a file that has been read before, as a disk would: in place, with its size and its times."""
    cache.damaged_files({place: cache.md5_of(place)})
    status, content = place.stat(), bytearray(place.read_bytes())
    content[0] ^= 1
    place.chmod(0o644)
    place.write_bytes(content)
    os.utime(place, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_what_the_config_names_is_no_leftover(recorded: RecordReport) -> None:
    assert leftovers([load(CONFIG)]) == []
    assert total([], removed=False) == "nothing to prune: the configs name all there is"


def test_where_nothing_could_be_brought_back_nothing_is_pruned(recorded: RecordReport) -> None:
    Path(".dvc/config").rename("config.away")
    with pytest.raises(HeirloomError, match=r"^nothing to be brought back here, and so nothing pruned: no \.dvc/config in this folder"):
        leftovers([load(CONFIG)])


def test_a_generation_too_many_is_listed_removed_and_brought_back(recorded: RecordReport, sh: Shell) -> None:
    files_before, lines = listed(LINEAGE), ledger()
    set_generations(1)
    (leftover,) = leftovers([load(CONFIG)])
    assert (leftover.path, leftover.at_risk) == (GEN2, "")
    assert leftover.line == f"{GEN2}  {decimal(leftover.size)}  recorded"
    assert MODEL.exists()
    remove([leftover])
    assert not Path(GEN2).exists()
    assert listed(LINEAGE) == {name for name in files_before if not name.startswith("gen=2/")}
    assert set(ledger()) == {path for path in lines if not path.startswith(GEN2)}
    assert leftovers([load(CONFIG)]) == []
    assert f"{LINEAGE}.dvc" not in sh("dvc", "status")
    sh("git", "checkout", "-q", ".")
    sh("heirloom", "restore")
    assert MODEL.exists()
    assert planned(sh) == {}
    assert sh("dvc", "status") == UP_TO_DATE


def test_a_generation_that_was_never_pulled_goes_and_the_absent_files_of_the_others_stay_recorded(recorded: RecordReport) -> None:
    model = LINEAGE / "gen=1/checkpoint/model.safetensors"
    files_before = listed(LINEAGE)
    for path in (model, MODEL):
        path.unlink()
    set_generations(1)
    remove(leftovers([load(CONFIG)]))
    assert listed(LINEAGE) == {name for name in files_before if not name.startswith("gen=2/")}


def test_a_whole_experiment_goes_with_its_pointers_and_its_folder(recorded: RecordReport) -> None:
    leftover_list = leftovers([without_the_toy()])
    assert [leftover.path for leftover in leftover_list] == ["data/toy/origin/seed=0", "data/toy/real", str(LINEAGE)]
    assert leftovers([without_the_toy(), load(CONFIG)]) == []  # another config names it
    remove(leftover_list)
    assert not Path("data/toy").exists()
    assert ledger() == {}


def test_a_size_is_in_its_largest_decimal_unit() -> None:
    assert Leftover("data/a", 999, "").line == "data/a  999 bytes  recorded"
    assert Leftover("data/a", 1_234_567, "lost").line == "data/a  1.2 MB  lost"


def test_the_command_lists_and_removes_only_when_told_to(recorded: RecordReport, sh: Shell) -> None:
    set_generations(1)
    size = decimal(sum(path.stat().st_size for path in Path(GEN2).rglob("*") if path.is_file()))
    line = f"{GEN2}  {size}  recorded\n"
    assert sh("heirloom", "prune") == f"{line}1 folder, {size}; heirloom prune --yes removes it\n"
    assert Path(GEN2).exists()
    assert sh("heirloom", "prune", "--yes").startswith(line)
    assert not Path(GEN2).exists()


def test_what_could_not_be_brought_back_is_refused_and_nothing_is_removed(recorded: RecordReport) -> None:
    set_generations(1)
    text = MODEL.read_text()
    MODEL.unlink()
    MODEL.write_text("another model")
    (leftover,) = leftovers([load(CONFIG)])
    assert leftover.at_risk == f"{MODEL} has changed since it was recorded"
    with pytest.raises(HeirloomError, match=rf"^nothing removed: {GEN2} is lost for good: {MODEL} has changed .*; else give --force$"):
        remove([leftover])
    assert MODEL.exists()
    MODEL.write_text(text)
    assert leftovers([load(CONFIG)])[0].at_risk == ""
    (MODEL.parent / "notes.txt").touch()
    assert leftovers([load(CONFIG)])[0].at_risk == f"{MODEL.parent}/notes.txt is not recorded; heirloom record keeps it"
    remove(leftovers([load(CONFIG)]), force=True)
    assert not Path(GEN2).exists()


def test_a_record_that_git_has_not_committed_is_at_risk(recorded: RecordReport, sh: Shell) -> None:
    set_generations(1)
    sh("git", "rm", "-q", "--cached", f"{LINEAGE}.dvc")
    commit_message = f"no commit has {LINEAGE}.dvc as it is; git commit it first"
    sh("git", "commit", "-q", "-m", "without the pointer")
    assert leftovers([load(CONFIG)])[0].at_risk == commit_message
    commit(sh)
    assert leftovers([load(CONFIG)])[0].at_risk == ""
    Path(f"{LINEAGE}.dvc").unlink()
    assert leftovers([load(CONFIG)])[0].at_risk == "not recorded; heirloom record keeps it"


@pytest.mark.parametrize("is_linked", [True, False])
def test_a_good_file_whose_bytes_in_the_cache_are_damaged_is_not_removed(recorded: RecordReport, is_linked: bool) -> None:
    set_generations(1)
    place = dvc.cache_path((dvc.listing(str(LINEAGE)) or {})[str(MODEL)])
    if not is_linked:
        content = MODEL.read_bytes()
        MODEL.unlink()
        MODEL.write_bytes(content)
    assert place.samefile(MODEL) == is_linked
    flip_unseen(place)
    (leftover,) = leftovers([load(CONFIG)])
    assert leftover.at_risk == f"{MODEL} is damaged in DVC's cache; heirloom repair {LINEAGE} repairs it"
    with pytest.raises(HeirloomError, match=rf"^nothing removed: {GEN2} is lost for good: {MODEL} is damaged"):
        remove([leftover])
    assert MODEL.exists()


def test_a_hidden_file_that_somebody_made_is_refused_and_named_and_leftovers_of_tools_go(recorded: RecordReport) -> None:
    tools = [f"{GEN2}/.snakemake_timestamp", f"{GEN2}/checkpoint/.model.safetensors.a1b2c3d4/model.safetensors"]
    for leftover in tools:
        Path(leftover).parent.mkdir(exist_ok=True)
        Path(leftover).touch()
    set_generations(1)
    assert leftovers([load(CONFIG)])[0].at_risk == ""
    assert [mismatch for report in verify() for mismatch in report.mismatches] == []
    for name in (".lab/notes.txt", ".why.txt", ".train.parquet.a1b2c3d4/notes.txt"):
        file = Path(GEN2, name)
        file.parent.mkdir(exist_ok=True)
        file.write_text("what I saw")
        assert leftovers([load(CONFIG)])[0].at_risk == f"{file} is hidden, and so no record has it; move it out of data/"
        extra = f"{file}: extra: a hidden file, which no record has; move it out of data/"
        assert [str(mismatch) for report in verify() for mismatch in report.mismatches] == [extra]
        file.unlink()
    for stray in (Path("data/toy/.plans/next.txt"), LINEAGE / ".lab/notes.txt"):
        stray.parent.mkdir()
        stray.touch()
    strays = ["data/toy/.plans/next.txt", f"{LINEAGE}/.lab/notes.txt"]
    assert [mismatch.path for report in verify() for mismatch in report.mismatches] == strays
    remove(leftovers([load(CONFIG)]))
    assert not Path(GEN2).exists()


def test_what_the_cache_has_lost_is_at_risk(recorded: RecordReport) -> None:
    set_generations(1)
    dvc.cache_path((dvc.listing(str(LINEAGE)) or {})[str(MODEL)]).unlink()
    assert leftovers([load(CONFIG)])[0].at_risk == f"DVC's cache lacks {MODEL}; dvc fetch {LINEAGE}.dvc first"


@pytest.fixture
def unmade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sh: Shell) -> None:
    """Make the toy project the working folder, before its first run; of generation 2 there is an empty folder."""
    write(tmp_path / "toy")
    monkeypatch.chdir(tmp_path / "toy")
    sh("git", "init", "-q")
    Path(GEN2).mkdir(parents=True)


def leave_scratch(name: str, content: str, *, age: float) -> Path:
    """Leave the folder of a writer that was killed, so many seconds ago."""
    folder = Path(GEN2, f".{name}.a1b2c3_d")
    folder.mkdir()
    (folder / content).write_text("half")
    for path in (folder / content, folder):
        os.utime(path, (time.time() - age, time.time() - age))
    return folder


@pytest.mark.usefixtures("unmade")
def test_what_a_killed_writer_has_left_is_removed_once_nobody_can_be_writing_there(sh: Shell) -> None:
    killed = leave_scratch("synthetic.parquet", "synthetic.parquet", age=3600)
    writing = leave_scratch("train.parquet", "train.parquet", age=0)
    mine = Path(GEN2, ".notes.a1b2c3_d")
    mine.mkdir()
    (mine / "diary").write_text("somebody's own")
    os.utime(mine, (0, 0))
    line = f"{killed}  4 bytes  left by a killed command\n"
    assert sh("heirloom", "prune") == f"{line}1 folder, 4 bytes; heirloom prune --yes removes it\n"
    assert sh("heirloom", "prune", "--yes") == f"{line}1 folder, 4 bytes removed\n"
    assert (killed.exists(), writing.exists(), mine.exists()) == (False, True, True)


@pytest.mark.usefixtures("unmade")
def test_what_killed_writers_have_left_stays_while_a_run_is_under_way() -> None:
    killed = leave_scratch("synthetic.parquet", "synthetic.parquet", age=3600)
    running.begin()
    assert leftovers([load(CONFIG)]) == []
    running.NOTE.unlink()
    assert [leftover.path for leftover in leftovers([load(CONFIG)])] == [str(killed)]


@pytest.mark.usefixtures("unmade")
def test_the_only_copy_of_an_earlier_version_is_not_removed_unless_it_is_asked_for() -> None:
    killed = leave_scratch("checkpoint", "old", age=3600)
    risk = f"holds what {MODEL.parent} was, which is not here; move it there first"
    with pytest.raises(HeirloomError, match=f"^nothing removed: .*: {risk};"):
        remove(leftovers([load(CONFIG)]))
    assert killed.exists()
    remove(leftovers([load(CONFIG)]), force=True)
    assert not killed.exists()
