"""Variables that launchers of processes leave behind: they count only where Heirloom itself has started several processes."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from heirloom.runtime import processes

FOREIGN = {
    "RANK": "1",
    "WORLD_SIZE": "3",
    "LOCAL_RANK": "1",
    "MASTER_ADDR": "nowhere",
    "PET_NNODES": "4",
    "OMPI_COMM_WORLD_SIZE": "3",
    "PMI_SIZE": "3",
    "SLURM_JOB_ID": "1",
    "SLURM_NODEID": "2",
}


@pytest.fixture
def leaked(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put variables of other launchers into the environment."""
    for name, value in FOREIGN.items():
        monkeypatch.setenv(name, value)
    yield
    assert processes.LAUNCHED not in os.environ


@pytest.mark.usefixtures("leaked")
def test_a_process_that_another_launcher_has_left_variables_for_is_alone() -> None:
    assert [processes.rank(), processes.local_rank(), processes.count(), processes.machine()] == [0, 0, 1, 0]
    assert processes.share(10) == slice(0, 10)


def test_world_size_without_rank_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("RANK", raising=False)
    assert [processes.rank(), processes.count()] == [0, 1]
    processes.launch(1)  # returns: one process is enough


@pytest.mark.usefixtures("leaked")
def test_a_process_that_heirloom_has_started_is_one_of_several(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as ours:
        ours.setenv(processes.LAUNCHED, "1")
        assert [processes.rank(), processes.local_rank(), processes.count()] == [1, 1, 3]
        assert processes.share(10) == slice(3, 6)
        assert processes.machine() == 0  # all on one machine, whatever Slurm job that machine is in
        ours.setenv(processes.LAUNCHED, "3")
        assert processes.machine() == 2


@pytest.mark.usefixtures("leaked")
def test_libraries_of_a_job_see_nothing_of_other_launchers() -> None:
    processes.forget_foreign_launchers()
    assert {name for name in FOREIGN if name in os.environ} == {"SLURM_JOB_ID", "SLURM_NODEID"}
