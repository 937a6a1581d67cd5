"""DVC after a kill: the list of its locks, which it writes in place, may be empty, cut or of another shape."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from heirloom.errors import HeirloomError
from heirloom.lineage import dvc

LOCKS = Path(".dvc/tmp/rwlock")
LINEAGE = "data/e/replace/seed=0"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lineage that is not recorded yet."""
    monkeypatch.chdir(tmp_path)
    for command in (["git", "init", "-q"], ["dvc", "init", "-q"]):
        subprocess.run(command, check=True)
    Path(LINEAGE).mkdir(parents=True)
    (Path(LINEAGE) / "rows.txt").write_text("a row")
    LOCKS.parent.mkdir(parents=True, exist_ok=True)


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("left", ["", '{"write": {"data', '{"write": []}', "[" * 3])
def test_a_list_of_locks_that_a_killed_dvc_has_left_unreadable_is_forgotten(left: str) -> None:
    LOCKS.write_text(left)
    dvc.add([LINEAGE])
    assert dvc.listing(LINEAGE) == {f"{LINEAGE}/rows.txt": "b117fdf4f613b12a7f03c57ccad631f7"}


@pytest.mark.usefixtures("project")
def test_a_lock_of_a_process_that_works_is_respected() -> None:
    lock = json.dumps({"write": {str(Path(LINEAGE).resolve()): {"pid": os.getpid(), "cmd": "dvc add"}}})
    LOCKS.write_text(lock)
    with pytest.raises(HeirloomError, match="is busy"):
        dvc.add([LINEAGE])
    assert LOCKS.read_text() == lock
