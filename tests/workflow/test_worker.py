"""A real run and its worker: a second run is refused, a killed one leaves nothing, and the next call makes the same bytes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from heirloom import config as configuration
from heirloom.workflow.jobs import jobs
from heirloom.workflow.steps import STEPS
from helpers import Run, environment

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="a worker needs Linux")]


def test_a_run_lets_no_second_in_and_killed_leaves_nothing_and_the_next_makes_the_bytes_of_the_steps_alone(
    workspace: Path, run: Run, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = yaml.safe_load((workspace / "config.yaml").read_text())
    raw["experiments"] = {"steps": raw["experiments"]["steps"]}
    (workspace / "config.yaml").write_text(yaml.safe_dump(raw))
    measures = "data/steps/accumulate_fixed/seed=0/gen=2/metrics.json"
    with (workspace / "output").open("w") as output:
        killed = subprocess.Popen(["snakemake", measures], cwd=workspace, env=environment(), stdout=output, stderr=output)
    while not (workspace / "data/steps/origin/seed=0/gen=0/train.fingerprint.json").exists():
        assert killed.poll() is None
        time.sleep(0.01)
    assert any("worker" in arguments for arguments in _processes(workspace))
    killed.send_signal(signal.SIGSTOP)  # so that it is not done before the second has spoken
    second = subprocess.run(["snakemake", measures], cwd=workspace, env=environment(), capture_output=True, text=True, check=False)
    assert (second.returncode, "Error: Directory cannot be locked" in second.stderr) == (1, True)
    killed.kill()
    assert killed.wait() == -signal.SIGKILL
    assert _nothing_is_left(workspace)
    assert not (workspace / measures).exists()
    run("snakemake", measures)  # the lock of the killed run is gone
    assert _nothing_is_left(workspace)
    made = _notes(workspace)
    logs = [log.read_text() for log in (workspace / "logs").rglob("*.log")]
    assert not any("starts for itself" in log for log in logs)

    monkeypatch.chdir(tmp_path_factory.mktemp("alone"))
    config = configuration.load(workspace / "config.yaml")
    for job in jobs(config):
        step = STEPS[job.step]
        module, fields = step.load(), step.slice(config, job.key).json_fields()
        inputs = {role: " ".join(several) for role, several in step.inputs(config, job.key).items()}
        outputs = {role: kind.at(job.key) for role, kind in step.makes.items() if Path(f"{workspace}/{kind.at(job.key)}").exists()}
        if outputs:  # a target above it was asked for
            module.run(module.Slice.model_validate(fields), inputs, outputs)
    alone = _notes(Path())
    assert made.keys() == alone.keys()
    assert {name: json.loads(text)["sha256"] for name, text in made.items()} == {
        name: json.loads(text)["sha256"] for name, text in alone.items()
    }


def _processes(folder: Path) -> list[list[str]]:
    """Return the arguments of all processes that work in a folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if (place / "cwd").readlink() == folder:
                found.append((place / "cmdline").read_text().split("\0"))
        except OSError:
            continue
    return [arguments for arguments in found if arguments != [""]]


def _nothing_is_left(folder: Path) -> bool:
    """Return whether no process works in a folder after some seconds."""
    for _ in range(500):
        if not _processes(folder):
            return True
        time.sleep(0.02)
    return False


def _notes(folder: Path) -> dict[str, str]:
    """Return note → text of all fingerprints and manifests."""
    files = [file for what in ("fingerprint", "manifest") for file in (folder / "data").rglob(f"*.{what}.json")]
    return {file.relative_to(folder).as_posix(): file.read_text() for file in files}
