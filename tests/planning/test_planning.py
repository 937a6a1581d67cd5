"""What a config will cost, checked against sizes that are known exactly and against the workflow's own list of jobs."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from safetensors.numpy import save_file

from heirloom.config import Config, parse
from heirloom.errors import HeirloomError
from heirloom.planning import slurm
from heirloom.planning.estimate import calibration, estimate, request
from heirloom.planning.plan import guesses, plan
from heirloom.planning.work import trained_rows, work
from heirloom.runtime import variables
from heirloom.specs.model_size import ModelSize
from heirloom.specs.pretrained_size import GUESS
from heirloom.workflow.jobs import jobs
from heirloom.workflow.step import Job

SCHEDULE = {"learning_rate": 0.01, "batch_rows": 4}
WORDS = {
    "family": {
        "name": "transformer",
        "training": {
            "origin": {"epochs": 2, "learning_rate": 0.01, "batch_rows": 4},
            "generation": {"epochs": 3, "learning_rate": 0.01, "batch_rows": 4},
        },
    },
    "source": {"name": "files", "paths": ["corpus/*.txt"], "text": {"vocab_size": 300, "row_tokens": 16}},
    "regimes": ["replace", "accumulate", "control"],
    "generations": 3,
    "rows": 100,
}
REGIMES = {
    "replace": {},
    "keep": {"original": {"share": 0.1}},
    "accumulate": {"original": {"share": 1.0}, "synthetic": "all", "budget": "grows"},
    "accumulate_fixed": {"original": {"share": 1.0, "draw": "fixed"}, "synthetic": "all", "budget": "drawn"},
    "control": {"pool": 1.0, "synthetic": "none"},
    "growing": {"growth": 1},
}


def config(**experiment: Any) -> Config:
    return parse({"regimes": REGIMES, "experiments": {"words": {**WORDS, **experiment}}})


def vectors(**experiment: Any) -> Config:
    return config(family={"name": "gaussian"}, source={"name": "normal", "rows": 1000}, regimes=["replace"], **experiment)


def test_a_transformer_is_counted_parameter_by_parameter() -> None:
    from heirloom.families.lm.native.model import LlamaShape, parameter_shapes

    shape = LlamaShape(vocab_size=300, hidden_size=96, num_layers=2, num_heads=3, intermediate_size=256, context_tokens=32)
    assert config().experiments["words"].model_size.parameters == sum(math.prod(sizes) for sizes in parameter_shapes(shape).values())


def test_the_publications_autoencoder_has_647081_parameters() -> None:
    images = config(family={"name": "vae"}, source={"name": "mnist", "rows": 1000, "test_rows": 100}, regimes=["replace"])
    assert images.experiments["words"].model_size.parameters == 647_081


@pytest.mark.parametrize(
    ("regime", "rows"),
    [("replace", [100, 100, 100, 100]), ("keep", [100] * 4), ("accumulate", [100, 200, 300, 400]), ("growing", [100, 200, 300, 400])],
)
def test_a_generation_is_trained_on_the_rows_that_its_regime_gives_it(regime: str, rows: list[int]) -> None:
    unprompted = {**WORDS["family"], "sampling": {"prompts": "none"}}  # type: ignore[dict-item]
    settings = config(origin_rows=100, regimes=[regime], rows=100, family=unprompted)
    experiment = settings.experiments["words"]
    assert [trained_rows(experiment, settings.regimes[regime], generation) for generation in range(4)] == rows


MEASURED = {"replace": (4.4, 341), "keep": (5.3, 381), "accumulate": (11.9, 751), "accumulate_fixed": (15.4, 725), "control": (6.9, 394)}
"""Seconds and megabytes of the default run's chains of 100 generations, 100 rows and 1,000 replicas (docs/log.md, 2026-11-23)."""


@pytest.mark.parametrize("regime", MEASURED)
def test_a_chain_is_expected_to_take_about_what_chains_took(regime: str) -> None:
    source = {"name": "normal", "dim": 1, "rows": 1200}
    settings = config(family={"name": "gaussian"}, source=source, regimes=[regime], num_replicas=1000, generations=100, granularity="chain")
    seconds, memory = MEASURED[regime]
    expected = estimate(settings, Job("chain", "words", regime, 0), {})
    assert 1 / 3 < expected.seconds / seconds < 2
    assert 1 < expected.memory_mb / memory < 2


def test_a_chain_without_rows_holds_no_pool_that_its_regime_leaves_alone() -> None:
    settings = {"family": {"name": "gaussian", "path": "statistics"}, "source": {"name": "normal", "rows": 10**6}, "granularity": "chain"}
    kinds = ("replace", "keep", "control")
    memory = {kind: work(config(**settings, origin_rows=1000, regimes=[kind]), Job("chain", "words", kind, 0)).memory for kind in kinds}
    assert memory["replace"] == 0
    assert memory["control"] == 1000 * memory["keep"] > 0


def test_training_takes_six_operations_a_parameter_and_token() -> None:
    settings = config()
    parameters = settings.experiments["words"].model_size.parameters
    assert work(settings, Job("train", "words", "replace", 0, 1)).operations == 6 * parameters * 100 * 16 * 3
    assert work(settings, Job("train", "words", "origin", 0, 0)).operations == 6 * parameters * 100 * 16 * 2
    assert work(settings, Job("train", "words", "replace", 0, 1)).disk_bytes == 4 * parameters


def test_pairs_are_counted_at_their_mean_length_and_held_at_their_longest() -> None:
    limits = {"max_prompt_tokens": 10, "max_completion_tokens": 6}
    text = {"vocab_size": 300, "rows": "pairs", "pairs": limits}
    of_pairs, of_blocks = config(source={"name": "files", "paths": ["pairs.jsonl"], "text": text}), config()
    # a block is continued by as many tokens as it has; the prompt of a pair is a part of it
    for step, share in (("train", 1 / 2), ("sample", 1 / 4)):
        job = Job(step, "words", "replace", 0, 1)
        assert work(of_pairs, job).operations == share * work(of_blocks, job).operations
        assert work(of_pairs, job).memory == work(of_blocks, job).memory


def test_every_lineage_has_its_steps_and_a_chain_is_one_job() -> None:
    steps = [job.step for job in jobs(config())]
    assert {step: steps.count(step) for step in set(steps)} == {"real": 1, "mix": 10, "train": 10, "sample": 9, "evaluate": 10}
    chain = [job.step for job in jobs(vectors(granularity="chain", seeds=[0, 1]))]
    assert {step: chain.count(step) for step in set(chain)} == {"real": 2, "mix": 2, "train": 2, "evaluate": 2, "chain": 2}


def test_more_is_asked_for_at_each_attempt_and_never_less_than_a_job_needs_to_start() -> None:
    settings, job = vectors(), Job("mix", "words", "replace", 0, 1)
    first, second, third = (request(settings, job, attempt) for attempt in (1, 2, 3))
    assert (first.mem_mb, first.runtime) == (601, 5)
    assert (second.mem_mb, second.runtime) == (1202, 10)
    assert (third.mem_mb, third.runtime) == (1803, 15)


def test_a_larger_model_is_given_more_memory_and_time() -> None:
    large = {"training": {**WORDS["family"]["training"], "architecture": {"hidden_size": 960, "num_heads": 15, "num_layers": 24}}}  # type: ignore[index]
    job = Job("train", "words", "replace", 0, 1)
    small, big = request(config(), job), request(config(family={**WORDS["family"], **large}), job)  # type: ignore[dict-item]
    assert big.mem_mb > 3 * small.mem_mb
    assert big.runtime > small.runtime


def test_a_smaller_part_of_a_batch_takes_less_memory() -> None:
    def memory(**training: int) -> float:
        settings = config(family={**WORDS["family"], "training": {**WORDS["family"]["training"], **training}})  # type: ignore[dict-item, index]
        return work(settings, Job("train", "words", "replace", 0, 1)).memory

    logits, activations = 12 * 300, 68 * 2 * 96
    assert memory() - memory(micro_rows=1) == (4 - 1) * 16 * (logits + activations)


def test_a_row_is_as_many_numbers_as_it_has_and_a_model_as_many_as_it_keeps() -> None:
    linear = config(family={"name": "linear_regression"}, source={"name": "linear", "rows": 500, "features": 3}, regimes=["replace"])
    assert work(linear, Job("mix", "words", "replace", 0, 1)).disk_bytes == 8 * 100 * (3 + 1)
    assert linear.experiments["words"].model_size.parameters == 3 + 100 * 3
    kernel = config(family={"name": "kde"}, source={"name": "normal", "rows": 500, "dim": 2}, regimes=["replace"])
    assert kernel.experiments["words"].model_size.parameters == 100 * 2 + 2 * 2


def test_our_own_engine_holds_the_weights_of_a_library_model_twice() -> None:
    def sampling(engine: str) -> Any:
        family = {"name": "causal_lm", "model": {"path": "somebody/model"}, "sampling": {"engine": engine}}
        text = {"row_tokens": 16, "packing": {"documents": 3}}
        settings = config(family=family, source={"name": "files", "paths": ["corpus/*.txt"], "text": text}, rows=200)
        return work(settings, Job("sample", "words", "replace", 0, 1)), 4 * settings.experiments["words"].model_size.parameters

    (library, weights), (native, _) = sampling("transformers"), sampling("native")
    assert native.memory == library.memory + weights


def fine_tuning(model: Path | str) -> Config:
    text = {"row_tokens": 16, "packing": {"documents": 3}}
    source = {"name": "files", "paths": ["corpus/*.txt"], "text": text}
    return config(family={"name": "causal_lm", "model": {"path": str(model)}}, source=source, rows=200)


def test_a_models_size_is_that_of_its_folder_and_else_a_guess_that_is_called_one(tmp_path: Path) -> None:
    shapes = [{"a": np.zeros((50, 8)), "b": np.zeros(3)}, {"c": np.zeros((8, 7))}]
    for number, tensors in enumerate(shapes):
        save_file(tensors, tmp_path / f"model-{number}.safetensors")
    (tmp_path / "config.json").write_text(json.dumps({"n_layer": 2, "n_embd": 8, "vocab_size": 50}))
    here, away = fine_tuning(tmp_path), fine_tuning("somebody/model")
    assert here.experiments["words"].model_size == ModelSize(459, 2, 8, 50)
    assert away.experiments["words"].model_size == GUESS
    assert guesses(here) == []
    (line,) = guesses(away)
    assert line.startswith("family.model somebody/model is not here as a folder of safetensors: its size is a guess, 125 million")


@pytest.mark.parametrize(
    ("configuration", "weights"),
    [(b"{", b""), (b"[]", b""), (b'{"n_layer": 2, "n_embd": 8, "vocab_size": "many"}', b""), (b"", b"\xff" * 9), (b"", b"abc")],
)
def test_the_size_of_a_folder_that_cannot_be_read_is_a_guess(tmp_path: Path, configuration: bytes, weights: bytes) -> None:
    (tmp_path / "config.json").write_bytes(configuration or b'{"n_layer": 2, "n_embd": 8, "vocab_size": 50}')
    (tmp_path / "model.safetensors").write_bytes(weights)
    assert fine_tuning(tmp_path).experiments["words"].model_size == GUESS


def test_earlier_runs_correct_the_estimate_step_by_step(tmp_path: Path) -> None:
    settings = config()
    job = Job("train", "words", "replace", 0, 1)
    seconds = estimate(settings, job, {}).seconds
    rows = [{**Job("train", "words", "replace", 0, generation)._asdict(), "seconds": 3 * seconds} for generation in (1, 2, 3)]
    rows += [
        {**Job("real", "words", "real", None, None)._asdict(), "seconds": 60.0},
        {**job._asdict(), "experiment": "gone", "seconds": 1.0},
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "costs.parquet")
    factors = calibration(settings, tmp_path / "costs.parquet")
    assert factors.keys() == {("transformer", "train"), ("transformer", "real")}
    assert factors["transformer", "train"] == pytest.approx(3)
    assert estimate(settings, job, factors).seconds == pytest.approx(3 * seconds)
    assert estimate(settings, Job("real", "words"), factors).seconds == pytest.approx(60)
    assert [line.is_calibrated for line in plan(settings, factors).lines] == [True, False, False, True, False]
    assert calibration(settings, tmp_path / "none.parquet") == {}


def test_the_longest_path_is_the_real_data_the_origin_and_one_lineage_without_its_measures() -> None:
    settings = config()
    seconds = {job: estimate(settings, job, {}).seconds for job in jobs(settings)}
    path = [job for job in seconds if job.step == "real" or (job.step != "evaluate" and job.regime in {"origin", "accumulate"})]
    costs = plan(settings, {})
    assert costs.path == pytest.approx(sum(seconds[job] for job in path))
    assert costs.seconds == pytest.approx(sum(seconds.values()))
    assert costs.jobs == len(seconds)


def test_the_command_prints_the_plan_and_warns_of_a_disk_that_is_too_small(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from heirloom.cli.plan import plan as command

    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump({"regimes": REGIMES, "experiments": {"words": WORDS}}))
    command(file)
    output = capsys.readouterr().out
    assert "40 jobs" in output
    assert [line for line in output.splitlines() if len(line) > 80] == []
    # ten trainings, each of which leaves weights, their shape, two notes, Snakemake's records of three, a log and its cost
    assert re.search(r"^  train\* +10 .* 90$", output, re.MULTILINE)
    large = {**WORDS, "rows": 10**9, "regimes": ["replace"], "seeds": list(range(100))}
    file.write_text(yaml.safe_dump({"regimes": REGIMES, "experiments": {"words": large}}))
    command(file)
    assert "warning: the disk has " in capsys.readouterr().err


def test_a_job_on_several_machines_asks_for_them_and_a_share_of_the_memory_on_each() -> None:
    single, spread = config(num_processes=4), config(num_processes=4, num_nodes=2)
    job = Job("train", "words", "replace", 0, 1)
    single_request, spread_request = request(single, job), request(spread, job)
    assert (single_request.nodes, spread_request.nodes, spread_request.gpus) == (1, 2, 0)
    assert spread_request.mem_mb - 300 == math.ceil((single_request.mem_mb - 300) / 2)
    assert slurm.resources(single_request) == {"mem_mb": single_request.mem_mb, "runtime": single_request.runtime}
    assert slurm.resources(spread_request) == {
        "mem_mb": spread_request.mem_mb,
        "runtime": spread_request.runtime,
        "nodes": 2,
        "tasks": 2,
        "mpi": "srun",
        "tasks_per_gpu": 0,
        "slurm_extra": "--ntasks-per-node=1",
    }
    assert request(spread, job._replace(step="evaluate")).nodes == 1
    assert request(config(num_processes=4, num_nodes=2, shards=3), job._replace(step="sample")).nodes == 1


def test_steps_that_run_a_model_ask_for_accelerators() -> None:
    job = Job("train", "words", "replace", 0, 1)
    requests = {step: request(config(num_gpus=2), job._replace(step=step)) for step in ("mix", "train", "evaluate")}
    assert {step: slurm.resources(step_request).get("gres") for step, step_request in requests.items()} == {
        "mix": None,
        "train": "gpu:2",
        "evaluate": "gpu:2",
    }
    everything = slurm.resources(request(config(num_gpus=1, num_processes=2, num_nodes=2), job))
    assert set(everything) == set(slurm.RESOURCES)


def test_a_variable_of_seconds_is_a_number_from_0(monkeypatch: pytest.MonkeyPatch) -> None:
    assert variables.seconds(slurm.GROUP_SECONDS, 1800) == 1800
    for text in ("0", "2.5", ""):
        monkeypatch.setenv(slurm.GROUP_SECONDS, text)
        assert variables.seconds(slurm.GROUP_SECONDS, 7) == (float(text) if text else 7)
    for text in ("half an hour", "-1", "nan"):
        monkeypatch.setenv(slurm.GROUP_SECONDS, text)
        with pytest.raises(HeirloomError, match=f"HEIRLOOM_GROUP_SECONDS is a number of seconds from 0, not '{text}'"):
            variables.seconds(slurm.GROUP_SECONDS, 1800)


def test_lineages_of_a_population_that_one_job_makes_are_one_job_with_the_work_of_all() -> None:
    chain = {"granularity": "chain", "generations": 3}
    alone, together = plan(vectors(**chain), {}), plan(vectors(**chain, population={"members": 3}), {})
    chains = [next(line for line in costs.lines if line.step == "chain") for costs in (alone, together)]
    assert [line.jobs for line in chains] == [1, 1]
    assert chains[1].seconds == chains[1].longest == pytest.approx(3 * chains[0].seconds, rel=0.2)
