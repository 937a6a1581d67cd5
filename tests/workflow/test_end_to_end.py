"""The whole workflow on the tiny config: real Snakemake, real DVC, real git."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from heirloom.artefacts import kinds, paths
from heirloom.artefacts.fingerprints import fingerprint
from helpers import Run, environment, make_workspace, run_in

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which the tiny config has run once, under git and DVC, recorded by Snakemake's own hook."""
    folder = make_workspace(tmp_path_factory.mktemp("finished"))
    run_in(folder, "git", "init", "-q")
    run_in(folder, "snakemake")
    return folder


@pytest.fixture
def again(finished: Path, tmp_path: Path) -> Path:
    """Return a copy of the finished folder to change at will."""
    shutil.copytree(finished, tmp_path / "copy", symlinks=True)
    return tmp_path / "copy"


def jobs(folder: Path) -> dict[str, int]:
    """Return the jobs of a dry run, which Heirloom counts as Snakemake does: it leaves out the tables and figures."""
    done = run_in(folder, "snakemake", "-n")
    counts = {rule: int(number) for rule, number in re.findall(r"^(\w+)\s+(\d+)$", done.stdout, re.MULTILINE)}
    to_do = sum(number for rule, number in counts.items() if rule not in {"all", "total", "summarise", "plot"})
    assert re.findall(r"^heirloom: to do: (\d+) of", done.stderr, re.MULTILINE) == ([str(to_do)] if to_do else [])
    return {rule: number for rule, number in counts.items() if rule not in {"all", "total"}}


def prints(folder: Path) -> dict[str, str]:
    """Return every recorded fingerprint, and check it against the artefact."""
    found = {}
    for path in sorted((folder / "data").rglob("*.fingerprint.json")):
        name = path.name.split(".")[0]
        (artefact,) = (
            p for p in path.parent.iterdir() if p.name.split(".")[0] == name and p.name.split(".")[1:] in ([], ["parquet"], ["json"])
        )
        recorded = json.loads(path.read_text())
        assert fingerprint(artefact) == recorded, path
        found[path.relative_to(folder).as_posix()] = recorded["sha256"]
    return found


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    raw = yaml.safe_load((folder / "config.yaml").read_text())
    change(raw)
    (folder / "config.yaml").write_text(yaml.safe_dump(raw, sort_keys=False))


def test_every_generation_has_its_measures_in_one_tidy_table(finished: Path) -> None:
    table = pd.read_parquet(finished / "results/metrics.parquet")
    assert list(table.columns) == ["experiment", "variant", "regime", "seed", "generation", "metric", "value"]
    lm = table[(table["experiment"] == "transformer") & (table["metric"] == "test_perplexity")]
    assert sorted(zip(lm["regime"], lm["generation"], strict=True)) == [
        ("accumulate", 1), ("accumulate", 2), ("origin", 0), ("replace", 1), ("replace", 2),
    ]  # fmt: skip
    assert set(table["variant"][table["experiment"] == "gaussian"]) == {"mle", "unbiased"}


def test_nothing_is_left_to_do_after_a_run(finished: Path) -> None:
    assert jobs(finished) == {}


def test_a_run_of_everything_ends_with_the_page_that_is_to_be_written(finished: Path) -> None:
    line = (
        "heirloom: results/report.html is not written yet: heirloom report writes it; heirloom summary prints what was found, "
        "heirloom status what is done"
    )
    assert run_in(finished, "snakemake").stderr.splitlines()[-1] == line
    assert line not in run_in(finished, "snakemake", "results/metrics.json").stderr


def test_every_dataset_and_checkpoint_is_in_dvc_and_takes_its_size_once(finished: Path) -> None:
    assert run_in(finished, "dvc", "status").stdout.strip() == "Data and pipelines are up to date."
    lineages = sorted(path.relative_to(finished).as_posix() for path in finished.glob("data/**/*.dvc"))
    assert "data/transformer/replace/seed=0.dvc" in lineages
    assert "data/transformer/origin/seed=0.dvc" in lineages
    assert "data/ngram/real.dvc" in lineages
    # files whose bytes stand nowhere else: DVC links a file that it takes in, and leaves a small double of it a copy
    for path in ("accumulate/seed=0/gen=2/synthetic.parquet", "replace/seed=0/gen=2/checkpoint/model.safetensors"):
        assert (finished / "data/transformer" / path).stat().st_nlink >= 2


def test_a_rerun_by_force_gives_the_same_bytes_and_a_clean_diff(again: Path) -> None:
    before = prints(again)
    run_in(again, "git", "add", "-A")
    run_in(again, "git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "recorded")
    run_in(again, "snakemake", "--forceall")
    assert prints(again) == before
    assert run_in(again, "git", "diff", "--exit-code", "--stat", "--", "data", "results", check=False).stdout == ""


def test_another_config_has_results_of_its_own_beside_those_of_config_yaml(again: Path) -> None:
    raw = yaml.safe_load((again / "config.yaml").read_text())
    (again / "configs").mkdir()
    (again / "configs/few.yaml").write_text(yaml.safe_dump({**raw, "experiments": {"steps": raw["experiments"]["steps"]}}))
    data, top = prints(again), again / "results"
    before = {path: path.read_bytes() for path in top.rglob("*") if path.is_file() and path.name != "index.html"}
    run_in(again, "snakemake", "--configfile", "configs/few.yaml", "--", "all", "pages")
    assert {path: path.read_bytes() for path in before} == before
    assert prints(again) == data  # an experiment of one name, with the same settings, is the same data
    assert set(pd.read_parquet(top / "few/metrics.parquet")["experiment"]) == {"steps"}
    assert {path.name for path in (top / "few/plots").iterdir()} == {"steps.csv"}
    assert (top / "few/provenance.jsonl").exists()
    assert jobs(again) == {}
    links = re.findall(r'href="([^"]+)"', (top / "index.html").read_text())
    assert {"metrics.parquet", "figures", "few/report.html", "few/metrics.parquet"} < set(links)
    pictures = re.findall(r'href="(figures/[^"]+)"', (top / "few/report.html").read_text())
    assert pictures
    assert [path for path in (*links, *(f"few/{picture}" for picture in pictures)) if not (top / path).exists()] == []
    assert (again / "logs/summarise/few.log").exists()
    assert run_in(again, "git", "check-ignore", "results/few/report.html", "results/index.html").stdout.count("\n") == 2


def test_one_more_generation_adds_its_own_jobs_only(again: Path) -> None:
    edit(again, lambda raw: raw["experiments"]["transformer"].update(generations=3))
    assert jobs(again) == {"mix": 2, "train": 2, "sample": 2, "evaluate": 2, "summarise": 1, "plot": 1}


def test_a_changed_learning_rate_of_later_generations_leaves_the_origin_alone(again: Path) -> None:
    def faster(raw: dict[str, Any]) -> None:
        raw["experiments"]["transformer"]["family"]["training"]["generation"]["learning_rate"] = 0.02

    edit(again, faster)
    # generation 1 mixes and samples from the origin, which stays; everything behind a new checkpoint is new
    assert jobs(again) == {"mix": 2, "train": 4, "sample": 2, "evaluate": 4, "summarise": 1, "plot": 1}


def test_a_changed_regime_reruns_that_arm_only(again: Path) -> None:
    edit(again, lambda raw: raw["regimes"]["keep"]["original"].update(share=0.2))
    assert jobs(again) == {"chain": 2, "mix": 2, "train": 2, "evaluate": 2, "summarise": 1, "plot": 1}
    first, last = run_in(again, "heirloom", "plan", "--changes").stdout.splitlines()
    assert re.fullmatch(r"keep\.original\.share 0\.1 → 0\.2: 8 jobs, \d+ s", first)
    assert re.fullmatch(r"to do: 8 of \d+ jobs, \d+ s of one thread", last)


def test_a_run_that_replaces_an_arm_that_no_commit_has_says_so_and_goes_on(again: Path) -> None:
    edit(again, lambda raw: raw["regimes"]["keep"]["original"].update(share=0.2))
    done = run_in(again, "snakemake", kinds.TRAJECTORY.path("gaussian__mle", "keep", 0))
    (line,) = [line for line in done.stderr.splitlines() if "this run replaces" in line]
    assert line.endswith("keeps it, until the run ends; a regime of another name keeps both")
    assert line.startswith("heirloom: warning: this run replaces data/gaussian__mle/keep/seed=0, which no commit has")


def test_scrambled_time_stamps_rerun_nothing(again: Path) -> None:
    for number, path in enumerate(sorted((again / "data").rglob("*"), reverse=True)):
        if path.is_file():
            path.touch() if number % 2 else None
    assert jobs(again) == {}


def test_a_killed_run_goes_on_to_the_same_bytes(finished: Path, tmp_path: Path) -> None:
    folder = make_workspace(tmp_path)
    process = subprocess.Popen(
        ["snakemake"], cwd=folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + 120
    while not list(folder.glob("data/transformer/*/seed=0/gen=1/train.parquet")) and time.monotonic() < deadline:
        time.sleep(0.2)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    run_in(folder, "snakemake", "--unlock")
    run_in(folder, "snakemake")
    assert prints(folder) == prints(finished)


def test_frozen_weights_stop_the_chain_with_one_clear_line(workspace: Path, run: Run) -> None:
    def frozen(raw: dict[str, Any]) -> None:
        raw["experiments"] = {"transformer": raw["experiments"]["transformer"]}
        raw["experiments"]["transformer"]["family"]["training"]["origin"]["learning_rate"] = 1e-30

    edit(workspace, frozen)
    done = run("snakemake", check=False)
    assert done.returncode != 0
    log = (workspace / "logs/train/transformer/origin/seed=0/gen=0.log").read_text()
    message = "heirloom: generation 0: no weight changed in 150 steps, the first at learning rate 1.18e-31: learning_rate is too small"
    assert log.splitlines()[-1] == message
    assert not list(workspace.glob("data/transformer/origin/seed=0/gen=0/checkpoint*"))
    place = "train of experiment transformer, regime origin, seed 0, generation 0, failed:"
    cause = log.splitlines()[-1].removeprefix("heirloom: ")
    assert done.stderr.splitlines()[-1] == f"heirloom: {place} {cause} (log: logs/train/transformer/origin/seed=0/gen=0.log)"


@pytest.mark.parametrize(
    ("jobs_run", "spoilt"),
    [([], "results/lineage.tsv"), (["--forcerun", "plot"], "dvc.lock")],  # the first of them is also read by plot
    ids=["nothing_to_do", "a_job"],
)
def test_a_record_that_fails_at_the_end_of_a_run_gives_its_exit_status(again: Path, jobs_run: list[str], spoilt: str) -> None:
    (again / spoilt).unlink()
    (again / spoilt).mkdir()
    (again / ".heirloom/unrecorded").touch()  # as a run leaves it that was cut before its record
    done = run_in(again, "snakemake", *jobs_run, check=False)
    assert done.returncode != 0
    words = rf"heirloom: heirloom record has failed with exit status {done.returncode}, as said above: not all of this run is recorded"
    assert done.stderr.splitlines()[-1] == f"{words}; the next snakemake tries again"
    assert (again / ".heirloom/unrecorded").exists()


def test_variables_of_other_launchers_change_nothing(workspace: Path) -> None:
    def only_two_processes_on_two_machines(raw: dict[str, Any]) -> None:
        shared = {"num_processes": 2, "num_nodes": 2, "generations": 1, "regimes": ["replace"]}
        raw["experiments"] = {"transformer": raw["experiments"]["transformer"] | shared}

    edit(workspace, only_two_processes_on_two_machines)
    foreign = {"WORLD_SIZE": "2", "LOCAL_RANK": "1", "MASTER_ADDR": "nowhere", "PET_NNODES": "4", "OMPI_COMM_WORLD_SIZE": "2"}
    slurms = {"SLURM_JOB_ID": "1", "SLURM_NODEID": "1", "SLURM_JOB_NUM_NODES": "1"}
    checkpoint = kinds.CHECKPOINT.path("transformer", "origin", 0, 0)
    command = ["snakemake", "--no-hooks", checkpoint]
    subprocess.run(command, cwd=workspace, env=environment() | foreign | slurms, check=True, capture_output=True, timeout=600)
    assert (workspace / paths.fingerprint(checkpoint)).exists()
    assert [path.name for path in (workspace / "logs/costs/train/transformer").rglob("*.json")] == ["gen=0.json"]


def test_the_checkpoint_is_a_folder_that_transformers_opens(finished: Path) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(finished / "data/transformer/replace/seed=0/gen=2/checkpoint")
    assert type(model).__name__ == "LlamaForCausalLM"


def test_the_interpreter_of_the_tests_is_the_one_whose_commands_run(finished: Path) -> None:
    assert Path(run_in(finished, "python", "-c", "import sys; print(sys.executable)").stdout.strip()) == Path(sys.executable)
