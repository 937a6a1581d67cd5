"""What a run is doing and how long it still takes, by the files that it leaves."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from heirloom.artefacts import kinds, paths
from heirloom.artefacts.files import dumps
from heirloom.config import Config
from heirloom.lineage import provenance, running
from heirloom.planning import changes, status
from heirloom.planning.times import words
from heirloom.workflow.step import Job
from heirloom.workflow.steps import STEPS
from small_lineages import declared

DONE = Job("chain", "normal", "keep", 0)
RUNNING = Job("evaluate", "text", "replace", 0, 3)


def note(process: int, since: float, host: str = socket.gethostname()) -> None:
    running.NOTE.parent.mkdir(exist_ok=True)
    running.NOTE.write_text(dumps({"host": host, "process": process, "since": since}))


@pytest.fixture
def under_way(made: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """A run that began 100 s ago, has done the chain and one mix, and has one evaluation running for 7 s."""
    now = time.time()
    for path in made.rglob("*.manifest.json"):
        os.utime(path, (now - 1000, now - 1000))
    for job in (DONE, Job("mix", "text", "keep", 0, 1)._replace(regime="replace")):
        os.utime(paths.manifest(STEPS[job.step].main.at(job.key)), (now - 10, now - 10))
    mark = made / provenance.INCOMPLETE / base64.urlsafe_b64encode(kinds.METRICS.path("text", "replace", 0, 3).encode()).decode()
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()
    os.utime(mark, (now - 7, now - 7))
    note(os.getpid(), now - 100)
    monkeypatch.setattr(time, "time", lambda: now)
    return declared()


def test_a_run_says_what_is_running_what_is_done_and_how_long_the_rest_takes_at_its_speed(under_way: Config, made: Path) -> None:
    first, *others = status.lines(under_way)
    pending = changes.pending(under_way)
    assert others[0] == "  evaluate of text/replace/0/3, for 7 s"
    assert others[1:] == ["text: 0 of 6 generations", "normal: 3 of 3 generations"]
    done = status.done_since(under_way, pending, time.time() - 100)
    assert [*done] == [Job("mix", "text", "replace", 0, 1), DONE]
    expected = changes.expected_seconds(under_way, {**done, **pending})
    left = 100 * sum(expected[job] for job in pending) / sum(expected[job] for job in done)
    assert status.seconds_left(under_way, pending, time.time() - 100, time.time()) == pytest.approx(left)
    assert first == f"running for 1.7 min: 2 jobs done, 8 to do, about {words(left)} left"


def test_before_the_first_job_has_ended_nobody_knows_how_long_it_takes(under_way: Config) -> None:
    note(os.getpid(), time.time() - 5)
    assert status.lines(under_way)[0].endswith("0 jobs done, 8 to do, how long it takes is not known before a job has ended")


def test_a_run_that_was_killed_is_none_and_one_of_another_machine_may_still_run(under_way: Config) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    note(process.pid, time.time() - 100)
    assert status.lines(under_way)[0] == "no run is under way; the last one was killed"
    note(1, time.time() - 100, "elsewhere")
    assert status.lines(under_way)[0].startswith("running on elsewhere, if it still runs there for 1.7 min: ")
    running.NOTE.write_text("{")
    assert status.lines(under_way)[:2] == ["no run is under way", changes.total(under_way, changes.pending(under_way))]


def test_a_run_takes_its_note_away_when_it_ends_and_a_process_that_it_forks_does_not(tmp_path: Path) -> None:
    code = (
        "import os; from heirloom.lineage import running; running.begin(); child = os.fork();\n"
        "if child: os.waitpid(child, 0); print(running.read().process == os.getpid())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
    assert not (tmp_path / running.NOTE).exists()
