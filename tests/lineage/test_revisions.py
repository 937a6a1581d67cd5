"""What a commit recorded: its bytes and manifests without touching the workspace, and its ancestry; on real git and DVC."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from heirloom.artefacts import paths
from heirloom.errors import HeirloomError
from heirloom.lineage import dvc, git, index, references, render, revisions
from heirloom.lineage.project import locate
from heirloom.lineage.record import RecordReport, record
from heirloom.lineage.trace import trace
from heirloom.lineage.why_not import explain, why_not
from toy_project import CONFIG, LINEAGE, Shell, change_rows, commit

pytestmark = pytest.mark.slow

MODEL = "toy/replace/0/2:checkpoint"
FILE = LINEAGE / "gen=2/checkpoint/model.safetensors"

TREE = """\
toy/replace/0/2:checkpoint  train {2}  commit {commit}
│    setting rows=10
└─ parent: toy/replace/0/1:checkpoint  train {1}  commit {commit}
   └─ parent: toy/origin/0/0:checkpoint  train {0}  commit {commit}
      └─ parent: toy/real:train  real {real}
              setting rows=50"""


def make_another_version(sh: Shell) -> None:
    """Run the jobs that another setting changes, and record them."""
    parent = "data/toy/real/train.parquet"
    for generation in range(3):
        checkpoint = references.find(f"toy/replace/0/{generation}:checkpoint")
        sh("python", "step.py", checkpoint, "rows=11", paths.fingerprint(parent))
        metrics = references.find(f"toy/replace/0/{generation}:metrics")
        sh("python", "step.py", metrics, "rows=1", paths.fingerprint(checkpoint))
        parent = checkpoint
    change_rows()
    record(CONFIG)
    commit(sh)


def lines_of_tree() -> dict[str, str]:
    found_index = index.build()
    names = {str(g): references.find(f"toy/replace/0/{g}:checkpoint") for g in range(3)} | {"real": references.find("toy/real")}
    return {name: found_index.sha256[path][:12] for name, path in names.items()}


def test_a_trace_says_exactly_what_was_made_from_what_and_at_which_commit(recorded: RecordReport, sh: Shell) -> None:
    first = sh("git", "rev-parse", "HEAD~1").strip()
    hashes = lines_of_tree()
    assert render.tree(trace(MODEL)) == TREE.format(*(hashes[str(g)] for g in range(3)), real=hashes["real"], commit=first[:10])


def test_an_old_version_is_traced_read_and_compared_without_touching_the_workspace(recorded: RecordReport, sh: Shell) -> None:
    old_bytes, hashes = FILE.read_bytes(), lines_of_tree()
    old = git.commit_of("HEAD")
    make_another_version(sh)
    assert FILE.read_bytes() != old_bytes
    artefact = locate(f"{MODEL}@HEAD~1")
    assert (artefact.data() / "model.safetensors").read_bytes() == old_bytes
    assert (artefact.name, artefact.path, artefact.project.commit) == (f"{MODEL}@HEAD~1", str(FILE.parent), old)
    digits = hashes["2"]  # of bytes that only the old commit has
    assert locate(f"{digits}@HEAD~1") == artefact
    with pytest.raises(HeirloomError, match="no artefact's fingerprint begins with these digits"):
        locate(digits)
    expected = TREE.replace("  commit {commit}", "").format(*(hashes[str(g)] for g in range(3)), real=hashes["real"])
    assert render.tree(trace(f"{MODEL}@HEAD~1")) == expected
    headline, *differences = explain(why_not(MODEL, f"{MODEL}@{old}")).splitlines()
    assert headline.startswith("toy/origin/0/0:checkpoint ")
    assert headline.endswith(f" and toy/origin/0/0:checkpoint@{old[:10]} {hashes['0']} (train) differ, 2 steps up")
    assert differences == ["  config key setting: rows=11 | rows=10"]
    assert sh("git", "status", "--short") == ""


def test_what_the_cache_lacks_comes_from_the_remote_or_one_line_says_what_fetches_it(recorded: RecordReport, sh: Shell) -> None:
    store = Path.cwd().parent / "store"
    Path(".dvc/config.local").write_text(f"[core]\n    remote = store\n['remote \"store\"']\n    url = {store}\n")
    sh("dvc", "push", "-q", f"{LINEAGE}.dvc")
    shutil.rmtree(".dvc/cache")
    measures, commit = references.find("toy/replace/0/2:metrics"), git.commit_of("HEAD")
    assert revisions.hold_alone(measures, commit).read_bytes() == Path(measures).read_bytes()
    for folder in (revisions.HELD, Path(".dvc/cache"), store):
        shutil.rmtree(folder, ignore_errors=True)
    message = r"of commit [0-9a-f]{10} is neither in DVC's cache nor on its default remote; dvc fetch --all-commits brings what another"
    with pytest.raises(HeirloomError, match=message) as caught:
        revisions.hold_alone(measures, commit)
    assert "Having any troubles" not in str(caught.value)
    assert str(caught.value).endswith("; dvc remote list shows where it was looked for)")


def test_an_unknown_revision_and_one_without_the_artefact_are_one_line(recorded: RecordReport) -> None:
    with pytest.raises(HeirloomError, match=r"^'nowhere': no such git revision here; git log --oneline lists them$"):
        trace(f"{MODEL}@nowhere")
    with pytest.raises(HeirloomError, match=r"^data/toy/replace/seed=0: not recorded in commit [0-9a-f]{10} \(.*\.dvc is not there\)$"):
        trace(f"{MODEL}@HEAD~1")
    with pytest.raises(HeirloomError, match=r"gen=7/checkpoint.*: not recorded in commit [0-9a-f]{10}$"):
        trace("toy/replace/0/7:checkpoint@HEAD")
    with pytest.raises(HeirloomError, match=r"^config\.yaml@HEAD: only what lies under data/ has revisions$"):
        locate("config.yaml@HEAD")


def test_damaged_bytes_of_an_old_version_are_not_read_but_brought_anew_or_named(recorded: RecordReport, sh: Shell) -> None:
    store, old = Path.cwd().parent / "store", FILE.read_bytes()
    sh("dvc", "remote", "add", "-q", "-d", "store", str(store))
    sh("dvc", "push", "-q")
    commit(sh)
    cached = dvc.cache_path(dvc.md5(FILE))
    make_another_version(sh)
    cached.chmod(0o644)
    for content in (b"rotten", old[:-1] + b"y"):  # before it is held, and through the link that is held
        cached.write_bytes(content)
        assert (locate(f"{MODEL}@HEAD~1").data() / "model.safetensors").read_bytes() == old
        assert cached.read_bytes() == old
        cached.chmod(0o644)
    cached.write_bytes(b"rotten")
    shutil.rmtree(store)
    shutil.rmtree(revisions.HELD)
    with pytest.raises(
        HeirloomError, match=r"not the bytes that its name says, and no remote has them, so .* cannot be read; git checkout"
    ):
        locate(f"{MODEL}@HEAD~1").data()
    sh("git", "checkout", "-q", "HEAD~1")
    output = sh("heirloom", "restore", status=2)
    what = f"{FILE} is damaged in DVC's cache; heirloom repair {LINEAGE} repairs it"
    assert output == f"heirloom: not restored: {what}\n"
    assert sh("heirloom", "repair").splitlines()[-1].endswith("1 artefact redone; 0 not repaired")
    assert FILE.read_bytes() == old
    assert "restored" in sh("heirloom", "restore")
