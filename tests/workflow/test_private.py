"""What Snakemake does not document, asked of the Snakemake that is installed."""

from __future__ import annotations

import inspect
from types import SimpleNamespace

import pytest
from snakemake.api import Workflow  # first, because these modules import one another
from snakemake.dag import DAG
from snakemake.scheduling.job_scheduler import JobScheduler
from snakemake.settings.types import DAGSettings

from heirloom.errors import HeirloomError
from heirloom.snakefile import private


def test_snakemakes_workflow_has_what_a_run_needs() -> None:
    fields = {*dir(Workflow), *Workflow.__dataclass_fields__} | set(vars_of(Workflow))
    assert set(private.NEEDED) <= fields


def vars_of(kind: type) -> list[str]:
    """Return the names of the attributes that a class's methods set on ``self``."""
    import re

    return re.findall(r"self\.(\w+)\s*(?::[^=\n]+)?=", inspect.getsource(kind))


def test_snakemakes_scheduler_has_a_rate_limit_a_subsample_and_an_executor() -> None:
    assert {"job_rate_limiter", "subsample", "_executor", "running"} <= {*vars_of(JobScheduler), *dir(JobScheduler)}


def test_snakemakes_dag_lists_the_jobs_of_a_submitted_job() -> None:
    assert "exclude_finished" in inspect.signature(DAG.needrun_jobs).parameters


def test_a_snakemake_that_lacks_what_a_run_needs_is_refused_in_a_line() -> None:
    known = dict.fromkeys(private.NEEDED)
    private.check(SimpleNamespace(**known))
    for name in private.NEEDED:
        with pytest.raises(HeirloomError, match=rf"no workflow\.{name}; install snakemake>=9"):
            private.check(SimpleNamespace(**{key: None for key in known if key != name}))


def test_what_only_makes_a_run_better_is_left_out_where_it_is_not_there() -> None:
    nothing = SimpleNamespace(local_exec=True, scheduler=None)
    private.ease_scheduler(nothing)
    assert private.run_name(nothing) == ""
    assert private.slurm_settings(nothing) is None
    assert private.finished_outputs(SimpleNamespace(dag=None)) == []


@pytest.mark.parametrize(("cores", "asked", "subsample"), [(2, None, 200), (64, None, 256), (64, 10, 10)])
def test_the_scheduler_chooses_among_some_of_the_ready_jobs_and_as_many_as_its_option_says(
    cores: int, asked: int | None, subsample: int
) -> None:
    scheduler = SimpleNamespace(job_rate_limiter="a second", subsample=asked)
    private.ease_scheduler(SimpleNamespace(local_exec=True, scheduler=scheduler, cores=cores))
    assert vars(scheduler) == {"job_rate_limiter": None, "subsample": subsample}


def test_a_run_of_some_targets_is_not_one_of_the_whole_workflow() -> None:
    def is_whole(**settings: object) -> bool:
        asked = {"targets": set(), "until": set(), "omit_from": set(), "batch": None, **settings}
        return private.is_whole(SimpleNamespace(dag_settings=SimpleNamespace(**asked)), ("all", "project"))

    assert is_whole()
    assert is_whole(targets={"all", "pages"})
    assert not is_whole(targets={"data/g/keep/seed=0/gen=1/train.parquet"})
    assert not is_whole(until={"mix"})
    assert not is_whole(targets={"all"}, omit_from={"evaluate"})
    assert {"targets", "until", "omit_from", "batch"} <= set(DAGSettings.__dataclass_fields__)
