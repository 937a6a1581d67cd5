"""Exports of a revision: what a commit recorded, while other bytes lie in the workspace; on real git and real DVC."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from by_hand import slice_of
from heirloom import config as configuration
from heirloom.artefacts.files import read_json
from heirloom.artefacts.fingerprints import fingerprint, recorded_sha256
from heirloom.export import crate, huggingface
from heirloom.lineage import dvc, revisions
from heirloom.lineage.record import record
from heirloom.steps import sample

pytestmark = [pytest.mark.slow, pytest.mark.system]

CONFIG = Path("config.yaml")
ROWS = Path("data/bell/keep/seed=0/gen=1/synthetic.parquet")


@pytest.fixture
def first(project: Path, sh: Callable[..., str]) -> str:
    """Record a first version in DVC and git, make other rows and another Snakefile after it, and return the first rows' hash."""
    record(CONFIG)
    sh("git", "add", "-A")
    sh("git", "commit", "-q", "-m", "recorded")
    sha256 = recorded_sha256(ROWS)
    slice_ = slice_of("sample", configuration.load(CONFIG), "bell", "keep", 0, 1)
    origin = "data/bell/origin/seed=0/gen=0"
    inputs = {"checkpoint": f"{origin}/checkpoint", "train": f"{origin}/train.parquet", "prompts": "", "tokenizer": "", "judge": ""}
    sample.run(slice_.model_copy(update={"rows": 4}), inputs, {"synthetic": str(ROWS)})
    (project / "Snakefile").write_text("# another\n")
    assert recorded_sha256(ROWS) != sha256
    return sha256


def test_a_revision_is_exported_as_it_was_recorded(first: str) -> None:
    assert huggingface.export("bell/keep/0/1@HEAD", Path("hub"), CONFIG) == "bell/keep/0/1@HEAD"
    assert fingerprint(Path("hub/data/train.parquet"))["sha256"] == first
    assert "# `bell/keep/0/1@HEAD`" in Path("hub/README.md").read_text()

    crate.export("bell/keep/0@HEAD", Path("crate"), config=CONFIG, limit=None)
    assert fingerprint("crate" / ROWS)["sha256"] == first
    assert Path("crate/Snakefile").read_text() != "# another\n"
    assert read_json(Path("crate") / ROWS.with_name("synthetic.manifest.json"))["slice"]["rows"] == 8

    shutil.rmtree(revisions.HELD)
    dvc.cache_path(dvc.md5(Path("crate") / ROWS)).unlink()
    crate.export("bell/keep/0@HEAD", Path("named"), config=CONFIG)
    assert not ("named" / ROWS).exists()
    assert (Path("named") / ROWS.with_name("synthetic.manifest.json")).is_file()

    crate.export("bell/keep/0", Path("now"), config=CONFIG, limit=None)
    assert fingerprint("now" / ROWS)["sha256"] == recorded_sha256(ROWS)
    assert Path("now/Snakefile").read_text() == "# another\n"
