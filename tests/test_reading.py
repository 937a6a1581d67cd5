"""Nothing is read unchecked: whoever opens an artefact of which one bit has changed refuses it, and names it."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from rich.console import Console

import heirloom
import small_lineages
from by_hand import slice_of
from heirloom import config as configuration
from heirloom import reading, results
from heirloom.artefacts import kinds, paths
from heirloom.config import Config
from heirloom.diffs.engine import diff as compared
from heirloom.diffs.options import Options
from heirloom.diffs.series import series
from heirloom.errors import HeirloomError
from heirloom.export import crate, huggingface
from heirloom.lineage import cost_table, costs, trace_row
from heirloom.lineage.project import Project
from heirloom.report import agreement, files, show, summary, tables
from heirloom.report.experiment_results import ExperimentResults
from heirloom.report.figures import draw
from heirloom.report.page import build, lineage, lost, making, remains, texts
from heirloom.steps import chain, evaluate
from helpers import environment, seal_alone, write_corpus

CONFIG = Path("config.yaml")
TEXT, CHAIN = "data/text", "data/plane/replace/seed=0"
ONE, TWO = f"{TEXT}/replace/seed=0/gen=1", f"{TEXT}/replace/seed=0/gen=2"
POOL, HELD_OUT, TOKENIZER, DOCUMENTS = (
    f"{TEXT}/real/{name}" for name in ("train.parquet", "test.parquet", "tokenizer.json", "documents.parquet")
)
ORIGINAL, ORIGIN = f"{TEXT}/origin/seed=0/gen=0/train.parquet", f"{TEXT}/origin/seed=0/gen=0/checkpoint"
MIXTURE = {"weights": [0.5, 0.5], "means": [[-3.0, 0.0], [3.0, 0.0]], "covariances": [1.0, 1.0]}


def declared() -> dict[str, Any]:
    source = {**small_lineages.SOURCE, "license": "cc-by-4.0"}
    text = {"family": {"name": "ngram", "training": {"order": 2}}, "source": source, "rows": 20, "origin_rows": 40}
    chained = {"granularity": "chain", "generations": 1, "snapshots": [1], "regimes": ["replace"]}
    mixture = {"name": "mixture", **MIXTURE, "rows": 30, "test_rows": 10}
    line = {"family": {"name": "kde"}, "source": {"name": "normal", "rows": 30, "test_rows": 10}, "rows": 10}
    types = {
        "family": {"name": "discrete"},
        "source": {"name": "categorical", "law": {"kind": "uniform", "types": 9}, "rows": 30},
    }
    experiments = {
        "text": {**text, "generations": 2, "regimes": ["replace"]},
        "plane": {"family": {"name": "gmm", "training": {"components": 2}}, "source": mixture, "rows": 20, **chained},
        "line": {**line, **chained},
        "types": {**types, "rows": 20, **chained, "generations": 2, "snapshots": [1, 2]},
    }
    return {"regimes": {"replace": {}}, "experiments": experiments}


def make(config: Config) -> None:
    """Write the project's data, measures and tables."""
    small_lineages.make_text(config, ("replace",))
    for generation in range(3):
        at = {name: getattr(kinds, name.upper()).path("text", "replace", 0, generation) for name in ("checkpoint", "train", "synthetic")}
        inputs = {**at, "held_out": HELD_OUT, "original": ORIGINAL, "origin": ORIGIN}
        if not generation:
            inputs["synthetic"] = ""
        evaluate.run(
            slice_of("evaluate", config, "text", "replace", 0, generation), inputs, {"metrics": f"{Path(at['train']).parent}/metrics.json"}
        )
    for name in ("plane", "line", "types"):
        inputs = small_lineages.make_origin(config, name)
        chain.run(slice_of("chain", config, name, "replace", 0), inputs, {"trajectory": kinds.TRAJECTORY.path(name, "replace", 0)})
        origin = {
            "checkpoint": inputs["checkpoint"],
            "origin": inputs["checkpoint"],
            "train": inputs["original"],
            "synthetic": "",
        }
        metrics = kinds.METRICS.path(name, "", 0, 0)
        evaluate.run(slice_of("evaluate", config, name, "origin", 0, 0), {**inputs, **origin}, {"metrics": metrics})
    files.write(config)
    job = dict(zip(costs.KEY, ("sample", "text", "replace", 0, 1), strict=True))
    cost = {"seconds": 1.0, "cpu_seconds": 1.0, "peak_memory_mb": 1.0, "tokens": 160, "commit": "", "changes": ""}
    cost_table.write(pa.Table.from_pylist([job | cost]), costs.COSTS)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Config]:
    """A finished project, committed, which is the working folder; every test leaves it as it was."""
    folder = tmp_path_factory.mktemp("read")
    write_corpus(folder / "corpus")
    config = configuration.parse(declared())
    with contextlib.chdir(folder):
        CONFIG.write_text(yaml.safe_dump(declared()))
        Path("Snakefile").write_text("")
        make(config)
        who = ("-c", "user.name=me", "-c", "user.email=me@example.org")
        for arguments in (["init", "-q"], ["add", "-A"], [*who, "commit", "-q", "-m", "a run"]):
            subprocess.run(["git", *arguments], check=True, env=environment())
        yield config


@contextlib.contextmanager
def flipped(path: str) -> Iterator[None]:
    """Change one bit of a file, or of a folder's largest file, as long as the block lasts."""
    file = Path(path) if Path(path).is_file() else max(Path(path).iterdir(), key=lambda inside: inside.stat().st_size)
    content = file.read_bytes()
    with contextlib.ExitStack() as repaired:
        repaired.callback(reading._check_once.cache_clear)  # a test writes faster than clocks of file systems tick
        repaired.callback(file.write_bytes, content)
        middle = len(content) // 2
        file.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
        reading._check_once.cache_clear()
        yield


def page(config: Config) -> None:
    build.context(tables.load(results.DEFAULT), config, CONFIG, [])


def remaining(config: Config) -> None:
    experiment = config.experiments["plane"]
    remains.context("plane", experiment, tables.of_experiment(tables.load(results.DEFAULT), "plane", experiment))


def draw_figures(config: Config) -> None:
    boxes = lineage.boxes("text", config)
    experiment_rows = tables.of_experiment(tables.load(results.DEFAULT), "text", config.experiments["text"])
    lineage.context(ExperimentResults("text", config, experiment_rows), boxes, lineage.nodes(boxes, Project()))


def plotted(config: Config) -> None:
    try:
        draw.write(config)
    finally:
        shutil.rmtree(results.DEFAULT.figures, ignore_errors=True)


def export_hf(reference: str) -> Callable[[Config], None]:
    def job(_: Config) -> None:
        with new_folder() as target:
            huggingface.export(reference, target, CONFIG)

    return job


def export_crate(reference: str) -> Callable[[Config], None]:
    def job(_: Config) -> None:
        with new_folder() as target:
            crate.export(reference, target, config=CONFIG)

    return job


@contextlib.contextmanager
def new_folder() -> Iterator[Path]:
    target = Path("out")
    try:
        yield target
    finally:
        shutil.rmtree(target, ignore_errors=True)


TRAINED, FITTED = f"{ONE}/checkpoint", f"{CHAIN}/gen=1/checkpoint"
READERS: dict[str, tuple[Callable[[Config], Any], list[str]]] = {
    "summarise": (
        tables.gather,
        [f"{ONE}/metrics.json", f"{ORIGIN.rpartition('/')[0]}/metrics.json", f"{CHAIN}/trajectory.parquet"],
    ),
    "summary": (summary.print_summary, [results.DEFAULT.metrics, results.DEFAULT.onset]),
    "theory": (lambda _: agreement.load(results.DEFAULT), [results.DEFAULT.theory]),
    "plot of measures": (lambda _: heirloom.plot.figure("text", "diversity"), [results.DEFAULT.metrics]),
    "plot of the plane": (
        lambda _: heirloom.plot.figure("plane", "scatter"),
        [f"{CHAIN}/gen=1/synthetic.parquet", "data/plane/origin/seed=0/gen=0/train.parquet", FITTED],
    ),
    "plot of the line": (
        lambda _: heirloom.plot.figure("line", "density"),
        ["data/line/replace/seed=0/gen=1/synthetic.parquet"],
    ),
    "plot": (plotted, [results.DEFAULT.metrics, results.DEFAULT.onset]),
    "page": (page, [results.DEFAULT.metrics, results.DEFAULT.onset]),
    "page's texts": (
        lambda config: texts.context("text", config.experiments["text"]),
        [POOL, DOCUMENTS, f"{TWO}/synthetic.parquet"],
    ),
    "page's losses": (
        lambda config: lost.context("text", config.experiments["text"]),
        [ORIGINAL, f"{TWO}/synthetic.parquet"],
    ),
    "page's types": (
        lambda config: lost.context("types", config.experiments["types"]),
        ["data/types/replace/seed=0/gen=2/synthetic.parquet"],
    ),
    "page's modes": (remaining, [f"{CHAIN}/gen=1/synthetic.parquet"]),
    "page's graph": (draw_figures, [POOL, f"{ONE}/train.parquet", str(costs.COSTS)]),
    "page's costs": (lambda config: making.context(config, CONFIG, [], []), [str(costs.COSTS)]),
    "diff": (
        lambda _: compared("text/replace/0/1", "text/replace/0/2"),
        [f"{ONE}/synthetic.parquet", f"{TWO}/synthetic.parquet", ORIGIN, HELD_OUT],
    ),
    "diff of equals": (
        lambda _: compared("text/replace/0/1", f"{ONE}/synthetic.parquet"),
        [f"{ONE}/synthetic.parquet"],
    ),
    "diff of a folder": (
        lambda _: compared(TWO, ONE),
        [f"{ONE}/synthetic.parquet", f"{ONE}/train.parquet"],
    ),
    "diff of a series": (
        lambda _: series(["text/origin/0/0", "text/replace/0/1"], Options()),
        [ORIGINAL, f"{ONE}/synthetic.parquet"],
    ),
    "show a dataset": (lambda _: show.show("text/replace/0/1"), [f"{ONE}/synthetic.parquet", str(costs.COSTS)]),
    "show a checkpoint": (lambda _: show.show("text/replace/0/1:checkpoint"), [TRAINED]),
    "show measures": (lambda _: show.show("text/replace/0/1:metrics"), [f"{ONE}/metrics.json"]),
    "show a tokenizer": (lambda _: show.show("text/real:tokenizer"), [TOKENIZER]),
    "show a lineage": (lambda _: show.show("text/replace/0"), [results.DEFAULT.metrics]),
    "trace a row": (
        lambda _: trace_row.trace_row("text/replace/0/2#0"),
        [f"{TWO}/synthetic.parquet", f"{ONE}/train.parquet", ORIGINAL, POOL, DOCUMENTS],
    ),
    "export crate": (
        export_crate("text"),
        [f"{ONE}/metrics.json", POOL, HELD_OUT, TOKENIZER, f"{ONE}/synthetic.parquet", TRAINED, str(costs.COSTS)],
    ),
    "export hf of rows": (export_hf("text/replace/0/1:train"), [f"{ONE}/train.parquet"]),
    "export hf of a checkpoint": (
        export_hf("text/replace/0/1:checkpoint"),
        [TRAINED, TOKENIZER, f"{ONE}/train.parquet"],
    ),
    "load_metrics": (lambda _: heirloom.load_metrics(), [results.DEFAULT.metrics]),
    "load_dataset": (lambda _: heirloom.load_dataset("text/replace/0/1"), [f"{ONE}/synthetic.parquet"]),
    "plot.curve": (lambda _: heirloom.plot.curve("text", "test_perplexity"), [results.DEFAULT.metrics]),
}
MATRIX = [(reader, path) for reader, (_, damaged) in READERS.items() for path in damaged]


@pytest.mark.parametrize("reader", READERS)
def test_what_is_as_it_was_recorded_is_read_and_left_as_it_is(project: Config, reader: str) -> None:
    files = [path for path in Path("data").rglob("*") if path.is_file()]
    contents = {path: path.read_bytes() for path in files}
    READERS[reader][0](project)
    assert {path: path.read_bytes() for path in files} == contents


@pytest.mark.parametrize(("reader", "path"), MATRIX, ids=[f"{reader}-{path}" for reader, path in MATRIX])
def test_one_changed_bit_is_refused_in_one_line_that_names_the_file(project: Config, reader: str, path: str) -> None:
    with flipped(path), pytest.raises(HeirloomError) as refused:
        READERS[reader][0](project)
    message = str(refused.value)
    assert message.startswith(f"{path}: not the bytes that {paths.fingerprint(path)} records; ")
    assert "\n" not in message


@pytest.mark.parametrize("note", [paths.fingerprint, paths.manifest])
def test_an_artefact_without_a_note_is_refused(project: Config, tmp_path: Path, note: Callable[[str], str]) -> None:
    shutil.copytree("data", tmp_path / "data")
    path = str(tmp_path / ONE / "synthetic.parquet")
    Path(note(path)).unlink()
    for reader in (lambda: compared(path, "text/replace/0/2"), lambda: heirloom.load_dataset(path)):
        with pytest.raises(HeirloomError, match=f"^{note(path)}: missing; "):
            reader()


def test_rows_below_data_that_no_job_has_sealed_are_refused(project: Config) -> None:
    stray = Path(ONE, "mine.parquet")
    shutil.copy(f"{ONE}/synthetic.parquet", stray)
    try:
        with pytest.raises(HeirloomError, match=f"^{paths.manifest(stray)}: missing; "):
            compared(stray, "text/replace/0/2")
    finally:
        stray.unlink()


@pytest.mark.parametrize("place", ["mine.parquet", "data/web/real/train.parquet"])
def test_a_users_own_file_is_read_as_it_is(project: Config, tmp_path: Path, place: str) -> None:
    mine = tmp_path / place
    mine.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(f"{ONE}/synthetic.parquet", mine)
    assert compared(mine, "text/replace/0/1").same
    with flipped(f"{ONE}/synthetic.parquet"):
        shutil.copy(f"{ONE}/synthetic.parquet", mine)
    assert reading.any_file(mine) == mine


def test_an_artefact_is_hashed_once_as_long_as_its_files_stay(project: Config) -> None:
    path = f"{TWO}/synthetic.parquet"
    reading._check_once.cache_clear()
    for _ in range(3):
        reading.artefact(path)
    assert reading._check_once.cache_info()[:2] == (2, 1)
    content = Path(path).read_bytes()
    Path(path).write_bytes(content[:-1] + b"?")
    with pytest.raises(HeirloomError, match=f"^{path}: not the bytes"):
        reading.artefact(path)
    Path(path).write_bytes(content)
    reading.artefact(path)


def test_a_notebook_has_the_rows_of_a_file_that_was_replaced_at_the_same_time_and_size(tmp_path: Path) -> None:
    mine = tmp_path / "mine.parquet"
    for text in ("one", "two"):
        pq.write_table(pa.table({"text": [text]}), mine)
        os.utime(mine, ns=(0, 0))
        assert heirloom.load_dataset(str(mine))["text"][:] == [text]


def test_an_artefact_of_another_project_is_shown_with_its_own_rows_and_costs(project: Config, tmp_path: Path) -> None:
    shutil.copytree("data", tmp_path / "data")
    (tmp_path / "Snakefile").write_text("")
    other_file = tmp_path / ONE / "synthetic.parquet"
    pq.write_table(pq.read_table(other_file).slice(0, 7), other_file)
    with contextlib.chdir(tmp_path):
        seal_alone(f"{ONE}/synthetic.parquet")
    console = Console(file=io.StringIO(), width=120)
    for reference in ("text/replace/0/1", str(other_file)):
        show.show(reference, console)
    table = [line.split() for line in str(console.file.getvalue()).splitlines()]  # type: ignore[attr-defined]
    assert [line[1] for line in table if line[:1] == ["rows"]] == [
        "20",
        "20",
        "7",
    ]  # the second is a setting of the step
    assert [line[1] for line in table if line[:1] == ["cost"]] == ["1.0", "–"]


def test_costs_without_a_digest_are_of_an_older_run_and_damaged_ones_are_refused(project: Config, tmp_path: Path) -> None:
    old = Path(shutil.copy(costs.COSTS, tmp_path / "costs.parquet"))
    assert cost_table.read(old) == cost_table.read(costs.COSTS)
    old.write_bytes(old.read_bytes()[:-8])
    with pytest.raises(HeirloomError, match=f"^{old}: damaged .*; delete it, and heirloom record gathers it again"):
        cost_table.read(old)
