"""The DAG: what would run, counted by dry runs of real Snakemake."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from heirloom import config as configuration
from heirloom.artefacts import kinds, paths
from heirloom.artefacts.fingerprints import fingerprint
from heirloom.errors import BAD_INPUT
from heirloom.workflow.jobs import jobs
from helpers import Run

pytestmark = pytest.mark.slow

Change = Callable[[dict[str, Any]], object]


def planned(output: str) -> dict[str, int]:
    """Return the job counts of a dry run by rule, without the target rule and the report's."""
    counts = {rule: int(number) for rule, number in re.findall(r"^(\w+)\s+(\d+)$", output, re.MULTILINE)}
    return {rule: number for rule, number in counts.items() if rule not in {"all", "total", "summarise", "plot"}}


def dry_run(run: Run, *arguments: str) -> dict[str, int]:
    return planned(run("snakemake", "-n", *arguments).stdout)


def edit(workspace: Path, change: Change) -> None:
    raw = yaml.safe_load((workspace / "config.yaml").read_text())
    change(raw)
    (workspace / "config.yaml").write_text(yaml.safe_dump(raw, sort_keys=False))


def test_the_jobs_of_a_fresh_folder_are_those_that_the_config_implies(workspace: Path, run: Run) -> None:
    config = configuration.load(workspace / "config.yaml")
    origins = sum(len(e.seeds) for e in config.experiments.values())
    steps = sum(e.generations * len(e.seeds) * len(e.regimes) for e in config.experiments.values() if e.granularity == "step")
    chains = sum(len(e.seeds) * len(e.regimes) for e in config.experiments.values() if e.granularity == "chain")
    assert dry_run(run) == {
        "real_text": 2,
        "real_vectors": 3,
        "mix": origins + steps,
        "train": origins + steps,
        "sample": steps,
        "evaluate": origins + steps,
        "chain": chains,
    }


def test_the_plan_knows_every_job_but_the_tables_and_each_asks_for_memory_and_time(workspace: Path, run: Run) -> None:
    done = run("snakemake", "-n", "--quiet", "host")
    output = done.stdout + done.stderr
    listed = [job.step for job in jobs(configuration.load(workspace / "config.yaml"))]
    by_rule = planned(output)
    assert {step: listed.count(step) for step in set(listed)} == {
        "real": by_rule.pop("real_text") + by_rule.pop("real_vectors"),
        **by_rule,
    }
    asked = re.findall(r"resources: .*", output)
    assert len([line for line in asked if "mem_mb=" in line and "runtime=5" in line]) == len(listed)
    assert {memory for line in asked for memory in re.findall(r"mem_mb=(\d+)", line)} == {"601", "602", "604", "1051"}


def test_a_chain_of_a_thousand_generations_builds(workspace: Path, run: Run) -> None:
    def only_a_long_chain(raw: dict[str, Any]) -> None:
        raw["experiments"] = {"steps": {**raw["experiments"]["steps"], "generations": 1000, "regimes": ["replace"]}}

    edit(workspace, only_a_long_chain)
    assert dry_run(run) == {"real_vectors": 1, "mix": 1001, "train": 1001, "sample": 1000, "evaluate": 1001}


def test_a_synthetic_set_in_shards_is_a_job_a_shard_and_one_that_gathers(workspace: Path, run: Run) -> None:
    def only_a_sharded_text(raw: dict[str, Any]) -> None:
        raw["experiments"] = {"ngram": {**raw["experiments"]["ngram"], "shards": 3, "seeds": [0]}}

    edit(workspace, only_a_sharded_text)
    assert dry_run(run) == {"real_text": 1, "mix": 2, "train": 2, "sample_shard": 3, "sample": 1, "evaluate": 2}


def test_a_preset_replaces_the_default_config_and_never_merges_with_it(workspace: Path, run: Run) -> None:
    raw = yaml.safe_load((workspace / "config.yaml").read_text())
    raw["experiments"] = {"other": {**raw["experiments"]["steps"], "regimes": ["replace"], "generations": 1}}
    (workspace / "preset.yaml").write_text(yaml.safe_dump(raw))
    assert dry_run(run, "--configfile", "preset.yaml") == {"real_vectors": 1, "mix": 2, "train": 2, "sample": 1, "evaluate": 2}


def test_a_law_gives_each_seed_a_pool_and_a_lineage_takes_that_of_its_seed(workspace: Path, run: Run) -> None:
    def only_two_seeds(raw: dict[str, Any]) -> None:
        raw["experiments"] = {"steps": {**raw["experiments"]["steps"], "seeds": [0, 1], "regimes": ["replace"], "generations": 1}}

    edit(workspace, only_two_seeds)
    assert dry_run(run) == {"real_vectors": 1, "real_vectors_of_seed": 1, "mix": 4, "train": 4, "sample": 2, "evaluate": 4}
    own = kinds.TRAIN.path("steps", seed=1, generation=0)
    assert dry_run(run, own) == {"real_vectors_of_seed": 1, "mix": 1}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda raw: raw["experiments"]["steps"].update(rows=0),
            "experiments.steps.rows: Input should be greater than or equal to 1 (given: 0)",
        ),
        (lambda raw: raw["experiments"]["ngram"]["source"].update(paths=["nowhere/*.txt"]), "experiments.ngram: source.paths"),
        (lambda raw: raw["regimes"].update(keep={"original": {"share": 2}}), "regimes.keep.original.share"),
        (lambda raw: raw["experiments"].update({"a;b": raw["experiments"]["steps"]}), "String should match pattern"),
    ],
)
def test_bad_input_is_one_clear_line_before_any_job_and_nothing_is_written(workspace: Path, run: Run, change: Change, message: str) -> None:
    edit(workspace, change)
    done = run("snakemake", check=False)
    assert done.returncode != 0
    lines = [line for line in (done.stdout + done.stderr).splitlines() if message in line]
    assert len(lines) == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert not (workspace / "data").exists()
    assert not (workspace / "results").exists()


A_DATE = ("num_threads: 1", "num_threads: 2024-13-45", "line 4: num_threads: 2024-13-45 is a date to some readers of YAML")
TWICE = ("experiments:\n", "experiments:\n  ngram: {}\n", "experiments.ngram: the key stands twice, in line ")


@pytest.mark.parametrize(
    ("slip", "arguments"),
    [
        (A_DATE, ()),
        (TWICE, ()),
        (A_DATE, ("--configfile", "bad.yaml")),
        (TWICE, ("--configfile", "bad.yaml")),
        (A_DATE, ("--workflow-profile", "profiles/slurm", "--configfile", "bad.yaml")),
        (A_DATE, ("--profile", "mine")),
    ],
    ids=["date", "twice", "date in a preset", "twice in a preset", "on a cluster", "in a profile"],
)
def test_what_snakemake_would_read_otherwise_or_not_at_all_is_one_line_from_it_and_exit_code_2(
    workspace: Path, run: Run, slip: tuple[str, str, str], arguments: tuple[str, ...]
) -> None:
    before, after, said = slip
    text = (workspace / "config.yaml").read_text()
    assert before in text
    (workspace / ("bad.yaml" if arguments else "config.yaml")).write_text(text.replace(before, after, 1))
    (workspace / "mine").mkdir()
    (workspace / "mine/config.yaml").write_text("configfile: bad.yaml\n")
    done = run("snakemake", "-n", *arguments, check=False)
    assert done.returncode == BAD_INPUT
    (only,) = [line for line in done.stderr.splitlines() if not line.startswith("Using ")]
    assert only.startswith("heirloom: ")
    assert said in only
    assert done.stdout == ""


def test_too_few_real_rows_in_a_text_source_stop_the_run_before_any_job(workspace: Path, run: Run) -> None:
    edit(workspace, lambda raw: raw["experiments"]["ngram"].update(origin_rows=99999))
    done = run("snakemake", check=False)
    assert done.returncode != 0
    assert "experiments.ngram: origin_rows needs 99999 real rows, but there are" in done.stdout + done.stderr
    assert not (workspace / "data").exists()


def test_a_config_is_one_file_and_values_on_the_command_line_are_refused(workspace: Path, run: Run) -> None:
    slip = ("--config", "day=2024-13-45")  # which Snakemake reads as YAML
    for arguments in (("--config", "num_threads=2"), slip, ("--configfile", "config.yaml", "other.yaml")):
        (workspace / "other.yaml").write_text("num_threads: 2\n")
        done = run("snakemake", "-n", *arguments, check=False)
        assert done.returncode != 0
        assert done.stderr.splitlines()[-1].startswith("heirloom: give one --configfile and no --config")


@pytest.mark.slow
def test_a_checkpoint_that_does_not_stay_is_made_again_to_the_same_bytes_and_nothing_else_is(workspace: Path, run: Run) -> None:
    def only_the_last_stays(raw: dict[str, Any]) -> None:
        raw["experiments"] = {"steps": {**raw["experiments"]["steps"], "keep_checkpoints": "last"}}

    edit(workspace, only_the_last_stays)
    last, first = (kinds.CHECKPOINT.path("steps", "accumulate_fixed", 0, generation) for generation in (2, 1))
    target = paths.fingerprint(kinds.METRICS.path("steps", "accumulate_fixed", 0, 2))
    run("snakemake", target)
    assert (workspace / last).exists()
    assert not (workspace / first).exists()
    assert (workspace / paths.manifest(first)).exists()
    assert "Nothing to be done" in run("snakemake", "-n", target).stdout
    before = (workspace / paths.fingerprint(first)).read_bytes()
    run("snakemake", "--notemp", first)
    assert (workspace / paths.fingerprint(first)).read_bytes() == before
    assert json.loads(before) == fingerprint(workspace / first)
    assert "Nothing to be done" in run("snakemake", "-n", target).stdout
