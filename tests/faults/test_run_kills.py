"""kill -9 of a run that make has called: of all that it has started, of make alone, of Snakemake alone; one more `make` ends it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

import kill_lab
from heirloom.runtime.streams import Stream
from helpers import ROOT, environment, make_workspace

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="a worker needs Linux")]

COMMAND = ("env", "-u", "MAKEFLAGS", "-u", "MAKELEVEL", "-u", "MFLAGS", "make", "run", "record")
VICTIMS = ("group", "make", "snakemake")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of one small Gaussian, in git and ready for `make run`; only ever copied."""
    folder = make_workspace(tmp_path_factory.mktemp("runs") / "project")
    raw = yaml.safe_load((folder / "config.yaml").read_text())
    steps = {**raw["experiments"]["steps"], "generations": 1}
    (folder / "config.yaml").write_text(yaml.safe_dump(raw | {"experiments": {"steps": steps}}))
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "tools/install.py", ".gitattributes", "data/README.md"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (folder / ".venv").mkdir()
    (folder / ".venv/.installed").touch()
    for command in (["init", "-q"], ["add", "-A"], ["-c", "user.name=me", "-c", "user.email=me", "commit", "-q", "-m", "a version"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


def test_a_run_that_is_killed_with_make_is_ended_by_one_more_make(project: Path) -> None:
    assert kills(project, 1) == {"kills": 1, "different": [], "orphans": 0}


@pytest.mark.faults
def test_runs_that_are_killed_by_turns_are_ended_by_one_more_make(project: Path) -> None:
    assert kills(project, 20) == {"kills": 20, "different": [], "orphans": 0}


def kills(project: Path, number: int) -> dict[str, object]:
    """Kill so many runs, by turns with all that they have started, their make alone and their Snakemake alone; return what came of it."""
    work = project.with_name("work")
    draws = Stream((number, "kills", "run")).generator()
    kill_lab.copy(project, work)
    since = time.monotonic()
    assert _made(work).wait() == 0, (work.parent / kill_lab.OUTPUT).read_text()
    seconds, expected = time.monotonic() - since, _fingerprints(work)
    assert expected
    killed, orphans = 0, 0
    different: list[str] = []
    while killed < number:
        victim = VICTIMS[killed % len(VICTIMS)]
        kill_lab.copy(project, work)
        run = _made(work)
        time.sleep(draws.uniform(0, seconds))
        if not _kill(run, victim, work):
            run.wait()
            continue
        killed += 1
        run.wait()
        orphans += bool(kill_lab.wait_for_children(work, 30 + 4 * seconds))
        status = _made(work).wait()
        if status or _fingerprints(work) != expected:
            different.append(f"{victim}: status {status}: {(work.parent / kill_lab.OUTPUT).read_text()[-2000:]}")
    return {"kills": killed, "different": different, "orphans": orphans}


def _made(work: Path) -> subprocess.Popen[bytes]:
    """Start make in a group of its own."""
    with (work.parent / kill_lab.OUTPUT).open("w") as output:
        return subprocess.Popen(COMMAND, cwd=work, env=environment(), stdout=output, stderr=output, process_group=0)


def _kill(run: subprocess.Popen[bytes], victim: str, work: Path) -> bool:
    """Kill what there is of a run; return whether there was something."""
    if run.poll() is not None:
        return False
    if victim == "group":
        os.killpg(run.pid, signal.SIGKILL)
        return True
    processes = [run.pid] if victim == "make" else _snakemakes(work)
    for process in processes[:1]:
        os.kill(process, signal.SIGKILL)
    return bool(processes)


def _snakemakes(work: Path) -> list[int]:
    return [place for place in kill_lab.processes_in(work) if b"/snakemake\0" in Path(f"/proc/{place}/cmdline").read_bytes()]


def _fingerprints(work: Path) -> dict[str, str]:
    """Return path → sha256 of all artefacts, and the md5 of all lineages in DVC's pointers and of the ledger's lines."""
    notes = {
        file.relative_to(work).as_posix(): json.loads(file.read_text())["sha256"] for file in (work / "data").rglob("*.fingerprint.json")
    }
    pointers = kill_lab.digests(work, ("results/lineage.tsv", *(f"data/steps/{name}.dvc" for name in ("origin/seed=0", "real"))))
    return notes | pointers
