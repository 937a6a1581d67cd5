"""The audit: closed forms of its chances, jobs redone by bytes, and planted frauds found at the stated rate, by class."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner

import helpers
import small_lineages
from by_hand import slice_of
from heirloom import config as configuration
from heirloom import digests
from heirloom.artefacts import kinds, manifest, paths
from heirloom.artefacts.files import dumps, read_json
from heirloom.artefacts.kinds import Kind
from heirloom.cli.commands import app
from heirloom.config import Config
from heirloom.errors import HeirloomError
from heirloom.lineage import audit, chances, laws, redone_job, tolerance
from heirloom.lineage.audit import AuditedJob
from heirloom.lineage.project import Project
from heirloom.report import files, recomputed, run_settings
from heirloom.report.figures import draw
from heirloom.runtime.streams import Stream
from heirloom.steps import evaluate, mix, real, sample, train
from helpers import run_in
from toy_project import Shell

CONFIG = Path("config.yaml")
GENERATIONS = 3
TEXT = """\
regimes:
  replace: {}
experiments:
  bell:
    family: {name: gaussian}
    source: {name: normal, rows: 200, test_rows: 10}
    regimes: [replace]
    generations: 3
    rows: 20
    num_replicas: 5
"""


def at(kind: Kind, generation: int) -> str:
    return kind.path("bell", "replace", 0, generation)


def make_generation(config: Config, generation: int, *, with_set: bool = True) -> None:
    """Make one generation by the real steps, its synthetic set or only what follows from that."""
    key = config, "bell", "replace", 0, generation
    pool, original = kinds.REAL_TRAIN.path("bell"), at(kinds.TRAIN, 0)
    inputs = {"pool": pool}
    if generation:
        parent = {"checkpoint": at(kinds.CHECKPOINT, generation - 1), "train": at(kinds.TRAIN, generation - 1)}
        parts = {**parent, "prompts": "", "tokenizer": "", "judge": ""}
        if with_set:
            sample.run(slice_of("sample", *key), parts, {"synthetic": at(kinds.SYNTHETIC, generation)})
        inputs |= {"original": original, "synthetic": at(kinds.SYNTHETIC, generation)}
    mix.run(slice_of("mix", *key), inputs, {"train": at(kinds.TRAIN, generation)})
    train.run(slice_of("train", *key), {"train": at(kinds.TRAIN, generation)}, {"checkpoint": at(kinds.CHECKPOINT, generation)})
    measured = {"checkpoint": at(kinds.CHECKPOINT, generation), "train": at(kinds.TRAIN, generation)}
    measured["synthetic"] = at(kinds.SYNTHETIC, generation) if generation else ""
    fixed = {"held_out": kinds.REAL_TEST.path("bell"), "original": original, "origin": at(kinds.CHECKPOINT, 0)}
    evaluate.run(slice_of("evaluate", *key), {**measured, **fixed}, {"metrics": at(kinds.METRICS, generation)})


@pytest.fixture(scope="module")
def made_lineage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project of one lineage with its results; only ever copied."""
    folder = tmp_path_factory.mktemp("audited") / "project"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        CONFIG.write_text(TEXT)
        config = configuration.load(CONFIG)
        pools = {"train": kinds.REAL_TRAIN.path("bell"), "test": kinds.REAL_TEST.path("bell")}
        real.run_vectors(slice_of("real", config, "bell"), pools)
        for generation in range(GENERATIONS + 1):
            make_generation(config, generation)
        files.write(config)
    return folder


@pytest.fixture
def project(made_lineage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the project, which is the working folder."""
    shutil.copytree(made_lineage, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def reseal(path: str, **changes: Any) -> None:
    """Give an artefact the notes that a forger would: fingerprint and manifest of what lies there now."""
    written = read_json(paths.manifest(path))
    manifest.seal([path], {**written, "inputs": manifest.inputs(written), **changes})


def improve(path: str) -> None:
    """Make every measure of a file smaller by 1 %."""
    content = read_json(path)
    Path(path).write_text(dumps({name: 0.99 * value for name, value in content.items()}))


def job_of(path: str) -> AuditedJob:
    jobs = audit.recorded_jobs(Project())
    return next(job for job in jobs if path in [output.path for output in job.outputs])


def verdict_on(path: str) -> redone_job.Verdict:
    (outcome,) = audit.redo([job_of(path)], configuration.load(CONFIG))
    return outcome.verdict


def test_the_chances_are_those_of_draws_without_replacement() -> None:
    assert chances.caught(181, 10, 1) == pytest.approx(10 / 181)
    assert chances.caught(181, 10, 9) == pytest.approx(1 - math.prod((172 - i) / (181 - i) for i in range(10)))
    assert f"{chances.caught(181, 10, 1):.1%} {chances.caught(181, 10, 9):.0%}" == "5.5% 41%"
    assert (chances.caught(10, 10, 1), chances.caught(10, 0, 5), chances.caught(10, 5, 0), chances.caught(10, 5, 6)) == (1, 0, 0, 1)
    assert chances.sentence(181, 10).endswith("5 % forged (9) 40.8%, 20 % forged (36) 89.8%")


@pytest.mark.usefixtures("project")
def test_a_sample_is_the_seeds_and_has_no_job_twice() -> None:
    jobs = audit.recorded_jobs(Project())
    assert len(jobs) == 1 + 3 + 4 * GENERATIONS
    names = [job.name for job in audit.sample(jobs, number=7, share=None, seed=3)]
    assert names == [job.name for job in audit.sample(jobs, number=None, share=0.4, seed=3)]
    assert len({*names}) == 7
    assert names != [job.name for job in audit.sample(jobs, number=7, share=None, seed=4)]
    for number, share, message in (
        (None, None, "one of the two"),
        (3, 0.1, "one of the two"),
        (17, None, "there are 16 jobs"),
        (0, None, "16"),
    ):
        with pytest.raises(HeirloomError, match=message):
            audit.sample(jobs, number=number, share=share, seed=0)


@pytest.mark.usefixtures("project")
def test_a_job_is_redone_to_its_bytes_and_a_forged_one_is_falsified_and_both_are_remembered() -> None:
    assert verdict_on(at(kinds.METRICS, 1)).answer == "equal"
    improve(at(kinds.METRICS, 2))
    reseal(at(kinds.METRICS, 2))
    verdict = verdict_on(at(kinds.METRICS, 2))
    assert verdict.answer == "falsified"
    assert verdict.reason.startswith("bell/replace/0/2:metrics: redone twice, with the same bytes")
    jobs = [job_of(at(kinds.METRICS, generation)) for generation in (1, 2)]
    assert [(one.verdict.answer, one.is_remembered) for one in audit.redo(jobs, configuration.load(CONFIG))] == [
        ("equal", True),
        ("falsified", True),
    ]
    assert not list(Path(".heirloom").glob("audit.*/"))


@pytest.mark.usefixtures("project")
def test_other_libraries_are_never_a_falsification() -> None:
    path = at(kinds.METRICS, 1)
    environment = {**read_json(paths.manifest(path))["environment"], "python": "3.9.1"}
    content = read_json(path)
    Path(path).write_text(dumps({name: value * (1 + 1e-9) for name, value in content.items()}))
    reseal(path, environment=environment)
    near = verdict_on(path)
    assert (near.answer, near.reason) == (
        "equal within tolerance",
        "bell/replace/0/1:metrics: other python than recorded; numbers agree within 0.0001",
    )
    improve(path)
    reseal(path, environment=environment)
    assert verdict_on(path) == redone_job.Verdict("not comparable here", "bell/replace/0/1:metrics: other python than recorded")


@pytest.mark.usefixtures("project")
def test_a_manifest_cannot_bring_code_of_its_own_by_an_environment_variable() -> None:
    path = at(kinds.METRICS, 1)
    Path("foreign").mkdir()
    Path("foreign/sitecustomize.py").write_text(f"open({str(Path('foreign/ran').resolve())!r}, 'w').close()\n")
    variables = {"PYTHONPATH": str(Path("foreign").resolve())}
    environment = {**read_json(paths.manifest(path))["environment"], "variables": variables}
    reseal(path, environment=environment)
    verdict = verdict_on(path)
    assert not Path("foreign/ran").exists()
    assert verdict == redone_job.Verdict(
        "not comparable here", "its manifest names PYTHONPATH, which no job records of its environment variables"
    )


@pytest.mark.usefixtures("project")
def test_a_variable_that_only_the_record_has_is_a_difference_and_a_library_that_only_one_has_loaded_is_none() -> None:
    path = at(kinds.METRICS, 1)
    environment = read_json(paths.manifest(path))["environment"]
    improve(path)
    reseal(path, environment={**environment, "variables": {"NCCL_ALGO": "Tree"}})
    assert verdict_on(path).reason == "bell/replace/0/1:metrics: other variables than recorded"
    reseal(path, environment={**environment, "libraries": {**environment["libraries"], "torch": "0.1"}})
    assert verdict_on(path).answer == "falsified"


def redraw(path: str, shift: float = 0.0) -> None:
    """Put other draws of the law of a synthetic set into its place, and say that the job repeats in distribution alone."""
    rows = pq.read_table(path)
    x = np.array(rows["x"].to_pylist())
    drawn = Stream((1, "redrawn")).generator().normal(x.mean() + shift, x.std(ddof=1), x.shape)
    pq.write_table(rows.set_column(rows.column_names.index("x"), "x", pa.array(drawn.tolist(), rows["x"].type)), path)
    reseal(path, reproducible=redone_job.IN_DISTRIBUTION)


@pytest.mark.usefixtures("project")
def test_where_a_manifest_says_that_bytes_do_not_repeat_the_distributions_are_compared() -> None:
    name, path = "bell/replace/0/1", at(kinds.SYNTHETIC, 1)
    redraw(path)
    verdict = verdict_on(path)
    assert (verdict.answer, verdict.reason) == ("equal in distribution", f"{name}: no test finds a difference at 0.001")
    redraw(path, shift=2.0)
    verdict = verdict_on(path)
    assert verdict.answer == "other distribution"
    assert verdict.reason.startswith(f"{name}: mean (p 0.00")
    reseal(path, reproducible="", endpoint={"engine": "vllm", "reproducible": redone_job.IN_DISTRIBUTION})
    assert verdict_on(path).answer == "other distribution"
    environment = {**read_json(paths.manifest(path))["environment"], "python": "3.9.1"}
    reseal(path, reproducible=redone_job.IN_DISTRIBUTION, environment=environment)
    verdict = verdict_on(path)
    assert verdict.answer == "not comparable here"
    assert verdict.reason.endswith("other python than recorded")


def test_rows_of_text_have_one_law_if_their_tokens_and_lengths_do(tmp_path: Path) -> None:
    generator = Stream((2, "text")).generator()

    def written(name: str, num_types: int, num_rows: int = 200) -> Path:
        lengths = generator.integers(2, 9, num_rows)
        pq.write_table(pa.table({"tokens": [generator.integers(0, num_types, length).tolist() for length in lengths]}), tmp_path / name)
        return tmp_path / name

    recorded = written("recorded.parquet", 50)
    assert not laws.difference(recorded, written("same.parquet", 50))
    assert "types (p " in laws.difference(recorded, written("fewer.parquet", 25))
    assert laws.difference(recorded, written("short.parquet", 50, 199)) == "200 rows of tokens, redone 199 of tokens"


def test_a_job_whose_source_lies_outside_of_the_project_is_redone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helpers.write_corpus(tmp_path / "shelf/corpus")
    (tmp_path / "work/project").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work/project")
    config = small_lineages.declared(source={**small_lineages.SOURCE, "paths": ["../../shelf/corpus/*.txt"]})
    small_lineages.make_origin(config, "text")
    (job,) = [job for job in audit.recorded_jobs(Project()) if job.name.startswith("real ")]
    assert [edge.name for edge in job.outputs[0].inputs] == sorted(
        f"../../shelf/corpus/{file.name}" for file in Path("../../shelf/corpus").iterdir()
    )
    (outcome,) = audit.redo([job], config)
    assert outcome.verdict == redone_job.Verdict("equal")
    assert not list(Path(".heirloom").glob("audit.*/"))


@pytest.mark.usefixtures("project")
def test_a_job_whose_inputs_are_not_here_says_what_to_fetch() -> None:
    shutil.rmtree(at(kinds.CHECKPOINT, 1))
    verdict = verdict_on(at(kinds.SYNTHETIC, 2))
    assert (verdict.answer, verdict.reason) == ("not redone", f"its inputs are not here; dvc pull {at(kinds.CHECKPOINT, 1)}")


def test_numbers_are_compared_within_a_tolerance_and_words_and_shapes_exactly(tmp_path: Path) -> None:
    def table(name: str, **columns: Any) -> Path:
        pq.write_table(pa.table(columns), tmp_path / name)
        return tmp_path / name

    one = table("one.parquet", x=[[1.0, 2.0]], row=[1], model=["a"])
    assert tolerance.equal(one, table("near.parquet", x=[[1.00001, 2.0]], row=[1], model=["b"]))
    assert not tolerance.equal(one, table("far.parquet", x=[[1.001, 2.0]], row=[1], model=["a"]))
    assert not tolerance.equal(one, table("other.parquet", x=[[1.0, 2.0]], row=[2], model=["a"]))
    assert not tolerance.equal(one, table("longer.parquet", x=[[1.0, 2.0, 3.0]], row=[1], model=["a"]))


@pytest.mark.usefixtures("project")
def test_results_are_made_again_from_the_data_and_an_edited_number_is_named() -> None:
    draw.write(configuration.load(CONFIG))
    differing, compared, uncompared = recomputed.compare(CONFIG)
    drawn = {str(path) for path in Path("results/figures").iterdir()}
    pictures = sorted(path for path in drawn if not path.endswith((".csv", ".json")))
    assert (differing, compared, uncompared) == ([], 13 + len(drawn) - len(pictures), pictures)
    assert pictures
    figure = Path("results/figures/bell_variance.csv")
    figure.write_text(figure.read_text().replace("0.", "1.", 1))
    index = Path("results/figures/index.json")
    index.write_text(index.read_text().replace("bell: ", "bull: ", 1))
    frame = pq.read_table("results/metrics.parquet").to_pylist()
    frame[3]["value"] *= 0.99
    pq.write_table(pa.Table.from_pylist(frame, schema=pq.read_schema("results/metrics.parquet")), "results/metrics.parquet")
    digests.seal("results/metrics.parquet")
    assert {"results/metrics.parquet", str(figure), str(index)} <= set(recomputed.compare(CONFIG).differing)


@pytest.mark.usefixtures("project")
def test_an_audit_that_could_not_compare_does_not_end_as_one_that_found_all_equal() -> None:
    Path(at(kinds.METRICS, 1)).unlink()
    done = CliRunner().invoke(app, ["audit", "bell/origin", "--jobs", "1"])
    assert "results: not compared: results: cannot be made again from what is here" in done.stdout
    assert "1 equal" in done.stdout
    assert done.exit_code == 2


@pytest.mark.usefixtures("project")
def test_tables_are_not_made_of_data_that_the_config_has_other_settings_for() -> None:
    run_settings.check_data(configuration.load(CONFIG))
    CONFIG.write_text(TEXT.replace("replace: {}", "replace: {original: {share: 0.5}}"))
    message = r"^config.yaml: the data are of other settings: replace.original.share default → 0.5.*; snakemake makes them anew$"
    with pytest.raises(HeirloomError, match=message):
        run_settings.check_data(configuration.load(CONFIG))


@pytest.mark.usefixtures("project")
def test_a_number_names_the_jobs_behind_it_dearest_first() -> None:
    config = configuration.load(CONFIG)
    behind = audit.behind(Project(), recomputed.artefacts_behind("bell/replace/0/1:metrics", config))
    assert {job.name.split()[0] for job in behind} == {"real", "mix", "train", "sample", "evaluate"}
    sizes = [sum(output.size for output in job.outputs) for job in behind]
    assert sizes == sorted(sizes, reverse=True)
    assert len(recomputed.artefacts_behind("bell_variance", config)) == GENERATIONS + 1
    assert len(recomputed.artefacts_behind("closed_form", config)) == GENERATIONS + 1
    with pytest.raises(HeirloomError, match=r"^--for variance_falls: no experiment of the config can test this claim$"):
        recomputed.artefacts_behind("variance_falls", config)
    with pytest.raises(HeirloomError, match=r"^--for nothing: no reference, figure, measure or claim has that name; claims are "):
        recomputed.artefacts_behind("nothing", config)


def forge_training(config: Config) -> None:
    (model,) = Path(at(kinds.CHECKPOINT, 2)).glob("*.safetensors")
    content = bytearray(model.read_bytes())
    content[-1] ^= 1
    model.write_bytes(content)
    reseal(at(kinds.CHECKPOINT, 2))


def forge_evaluation(config: Config) -> None:
    content = read_json(at(kinds.METRICS, 3))
    Path(at(kinds.METRICS, 3)).write_text(dumps({**content, next(iter(content)): 0.5}))
    reseal(at(kinds.METRICS, 3))


def forge_set(config: Config) -> None:
    """Copy the first rows over the last ones, and make everything that follows from the set: every hash is right."""
    path = at(kinds.SYNTHETIC, 2)
    rows = pq.read_table(path)
    x = rows["x"].combine_chunks()
    pq.write_table(rows.set_column(rows.column_names.index("x"), "x", pa.concat_arrays([x[:50], x[:50]])), path)
    reseal(path)
    make_generation(config, 2, with_set=False)
    make_generation(config, 3)


def forge_measures(config: Config) -> None:
    for generation in range(1, GENERATIONS + 1):
        improve(at(kinds.METRICS, generation))
        reseal(at(kinds.METRICS, generation))


FORGED_JOBS: Mapping[Callable[[Config], None], int] = {forge_training: 1, forge_evaluation: 1, forge_set: 1, forge_measures: GENERATIONS}


@pytest.mark.slow
@pytest.mark.system
@pytest.mark.parametrize("forge", FORGED_JOBS, ids=lambda forge: forge.__name__)
@pytest.mark.usefixtures("project")
def test_planted_frauds_are_found_at_the_stated_rate(forge: Callable[[Config], None]) -> None:
    config, number, draws = configuration.load(CONFIG), 4, 400
    forge(config)
    jobs = audit.recorded_jobs(Project())
    answers = {outcome.job.name: outcome.verdict.answer for outcome in audit.redo(jobs, config)}
    falsified = {name for name, answer in answers.items() if answer == "falsified"}
    assert len(falsified) == FORGED_JOBS[forge]
    assert set(answers.values()) <= {"equal", "falsified", "not redone"}
    samples = [{job.name for job in audit.sample(jobs, number=number, share=None, seed=seed)} for seed in range(draws)]
    rate = sum(bool(names & falsified) for names in samples) / draws
    stated = chances.caught(len(jobs), number, FORGED_JOBS[forge])
    assert abs(rate - stated) / math.sqrt(stated * (1 - stated) / draws) < 4
    print(f"{forge.__name__}: {FORGED_JOBS[forge]} of {len(jobs)} jobs forged; found in {rate:.1%} of {draws} audits, stated {stated:.1%}")


@pytest.mark.slow
@pytest.mark.system
@pytest.mark.usefixtures("project")
def test_on_the_command_line_an_audit_says_what_was_checked_and_fails_on_a_fraud() -> None:
    improve(at(kinds.METRICS, 2))
    reseal(at(kinds.METRICS, 2))
    done = run_in(Path.cwd(), sys.executable, "-m", "heirloom", "audit", "--for", "bell/replace/0/2:metrics", "--jobs", "16", check=False)
    assert done.returncode == 1
    assert "evaluate data/bell/replace/seed=0/gen=2: falsified" in done.stdout
    assert "results/metrics.parquet: not what the data give" in done.stdout
    again = run_in(Path.cwd(), sys.executable, "-m", "heirloom", "audit", "--share", "1", check=False)
    assert "1 falsified" in again.stdout
    assert "(redone before)" in again.stdout
    assert "16 of 16 jobs redone; the chance of having caught: one forged job 100.0%" in again.stdout


@pytest.mark.slow
@pytest.mark.system
def test_a_clone_without_data_fetches_only_what_the_jobs_need(elsewhere: Path, sh: Shell) -> None:
    config = yaml.safe_load(CONFIG.read_text())
    assert [*config["experiments"]] == ["steps"]
    printed = sh("heirloom", "audit", "--jobs", "1", "--seed", "2", "--pull", status=2)  # which fetches no results
    assert "1 equal" in printed
    artefacts = list(Path("data").rglob("*.parquet"))
    assert len(artefacts) < 3
