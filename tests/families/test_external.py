"""Models of the user's own programs: what is handed over, what is taken, and what is refused in one line."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from heirloom.artefacts.fingerprints import sha256_file
from heirloom.data.dataset import Dataset
from heirloom.data.rows import vector_table
from heirloom.errors import HeirloomError
from heirloom.families import external
from heirloom.families.base import Measuring, Sets
from heirloom.runtime import program
from heirloom.runtime.streams import Stream
from heirloom.specs.external import ExternalSampling, ExternalTraining, ExternalVectors
from heirloom.specs.programs import CodeFile
from heirloom.specs.vector_source import NormalSource

TRUTH = {"mean": [0.0, 0.0], "covariance": [[1.0, 0.0], [0.0, 1.0]]}
PLACES = "import json, pathlib, sys, time; places = [pathlib.Path(place) for place in sys.argv[1:]]\n"


def python(program: str, *arguments: str) -> tuple[str, ...]:
    """Return a command that runs a text of Python, which finds its arguments as ``places``."""
    return ("python", "-c", PLACES + program, *arguments)


def rows(num_rows: int = 6) -> Dataset:
    return Dataset.of(vector_table(Stream((0, "rows")).generator().standard_normal((1, num_rows, 2))))


@pytest.fixture
def model(tmp_path: Path) -> external.Model:
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (folder / "weights").write_text("1")
    return external.load(folder)


def trained(program: str, **settings: Any) -> external.Model:
    fit = ExternalTraining(command=python(program, "{train}", "{checkpoint}", "{settings}", "{seed}"), **settings)
    return external.train(rows(), fit, None, Stream((0, "train")))


def test_a_training_is_handed_what_rows_say_and_not_where_they_come_from() -> None:
    made = trained(
        "import shutil; places[1].mkdir(); [shutil.copy(place, places[1]) for place in (places[0], places[2])]", settings={"a": 1}
    )
    table = pq.read_table(made.folder / "train.parquet")
    assert table.schema == pa.schema([("x", pa.list_(pa.float64()))])
    np.testing.assert_array_equal(np.stack(table["x"].to_numpy()), rows().by_replica()[0])
    assert json.loads((made.folder / "settings.json").read_text()) == {"a": 1}


def test_a_checkpoint_is_kept_file_by_file_whatever_is_inside(tmp_path: Path) -> None:
    made = trained("(places[1] / 'deep').mkdir(parents=True); (places[1] / 'deep/model.pkl').write_bytes(b'never opened')")
    kept = tmp_path / "kept"
    kept.mkdir()
    external.save(made, kept)
    assert {path.relative_to(kept).as_posix(): path.read_bytes() for path in kept.rglob("*.*")} == {"deep/model.pkl": b"never opened"}


def test_all_that_a_program_prints_goes_to_the_log_of_its_job(capfd: pytest.CaptureFixture[str]) -> None:
    trained("print('said'); print('warned', file=sys.stderr); places[1].mkdir(); (places[1] / 'model').touch()")
    said, log = capfd.readouterr()
    assert said == ""
    assert sorted(log.splitlines()) == ["said", "warned"]


def test_a_program_has_one_seed_per_stream(model: external.Model) -> None:
    def seed(stream: Stream) -> str:
        fit = ExternalTraining(command=python("places[0].mkdir(); (places[0] / 'seed').write_text(sys.argv[2])", "{checkpoint}", "{seed}"))
        made = external.train(rows(), fit, None, stream)
        return (made.folder / "seed").read_text()

    assert seed(Stream((0, "train"))) == seed(Stream((0, "train"))) != seed(Stream((1, "train")))


def test_a_training_is_handed_the_checkpoint_that_it_begins_from(model: external.Model) -> None:
    fit = ExternalTraining(
        command=python("import shutil; shutil.copytree(places[0], places[1])", "{start}", "{checkpoint}"), start="previous"
    )
    made = external.train(rows(), fit, model, Stream(()))
    assert (made.folder / "weights").read_text() == "1"


def test_placeholders_are_whole_arguments_and_no_shell_reads_any(model: external.Model) -> None:
    program = "places[0].mkdir(); (places[0] / 'said').write_text(sys.argv[2])"
    fit = ExternalTraining(command=python(program, "{checkpoint}", "$(touch /tmp/x); *"))
    made = external.train(rows(), fit, None, Stream(()))
    assert (made.folder / "said").read_text() == "$(touch /tmp/x); *"


FAULTS: Mapping[str, tuple[str, str]] = {
    "status": ("sys.exit(3)", "ended with status 3; what it printed stands above, or in the job's log"),
    "signal": ("import os; os.kill(os.getpid(), 9)", "was ended by SIGKILL"),
    "nothing": ("", "left no folder with a file at {checkpoint}"),
    "empty": ("places[1].mkdir()", "left no folder with a file at {checkpoint}"),
    "input": (
        "places[1].mkdir(); (places[1] / 'a').touch(); places[0].write_bytes(b'')",
        "family.train.command changed its input train.parquet",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_training_that_goes_wrong_is_one_line(fault: str) -> None:
    program, message = FAULTS[fault]
    with pytest.raises(HeirloomError) as caught:
        trained(program)
    assert message in str(caught.value)


def test_a_program_that_is_not_there_is_one_line() -> None:
    with pytest.raises(
        HeirloomError, match=r"^command no-such-program .*: cannot be started: No such file or directory: 'no-such-program'$"
    ):
        external.train(rows(), ExternalTraining(command=("no-such-program", "{train}", "{checkpoint}")), None, Stream(()))


def test_a_program_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    note = tmp_path / "child"
    start = "import subprocess; child = subprocess.Popen(['sleep', '60']); "
    program = f"{start}pathlib.Path({str(note)!r}).write_text(str(child.pid)); time.sleep(60)"
    with pytest.raises(HeirloomError, match=r"not done after 1.5 s, the time_limit; it was ended$"):
        trained(program, time_limit=1.5)
    child = Path(f"/proc/{note.read_text()}/stat")
    for _ in range(200):  # its new parent has to take notice
        if not child.exists() or child.read_text().split()[2] == "Z":
            return
        time.sleep(0.01)
    pytest.fail("the child is still there")


def test_code_that_has_changed_since_the_job_was_planned_is_refused(tmp_path: Path) -> None:
    code = tmp_path / "train.py"
    code.write_text("as planned")
    files = (CodeFile(path=str(code), sha256=sha256_file(code)),)
    code.write_text("as it is now")
    with pytest.raises(HeirloomError, match=r"train\.py: family\.code is not as it was when this job was planned; run snakemake again$"):
        trained("", files=files)


def sampled(model: external.Model, write: str, num_rows: int = 3, row_numbers: int | None = 2) -> np.ndarray:
    settings = ExternalSampling(command=python(write, "{synthetic}", "{num_rows}", "{checkpoint}"), row_numbers=row_numbers)
    return np.concatenate([*external.sample(model, None, num_rows, settings, Stream(()))], axis=1)


def table(columns: str) -> str:
    """Return a program that writes a table at its first place."""
    return f"import pyarrow as pa, pyarrow.parquet as pq; nan = float('nan'); pq.write_table(pa.table({columns}), places[0])"


def test_rows_are_taken_as_the_program_wrote_them(model: external.Model) -> None:
    x_RND = sampled(model, table("{'x': [[1, 2], [3, 4], [5, 6]]}"))
    assert x_RND.dtype == np.float64
    assert x_RND.tolist() == [[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]]


ROW_FAULTS: Mapping[str, tuple[str, str]] = {
    "few": (table("{'x': [[1.0, 2.0]]}"), "{synthetic} has 1 rows; 3 were asked for"),
    "columns": (table("{'y': [1, 2, 3]}"), "has the columns y (int64); allowed is one column x of lists of numbers"),
    "twice": (table("{'x': [[1.0]] * 3, 'row': [1, 2, 3]}"), "allowed is one column x of lists of numbers"),
    "type": (table("{'x': [['a', 'b']] * 3}"), "has the columns x (list<element: string>)"),
    "nan": (table("{'x': [[1.0, nan], [1.0, 1.0], [1.0, 1.0]]}"), "has numbers that are missing or not finite"),
    "missing": (table("{'x': [[1.0, None], [1.0, 1.0], [1.0, 1.0]]}"), "has numbers that are missing or not finite"),
    "null": (table("{'x': [None, [1.0, 1.0], [1.0, 1.0]]}"), "has rows of 2, no list numbers; each must have 2"),
    "ragged": (table("{'x': [[1.0], [1.0, 1.0], [1.0, 1.0]]}"), "has rows of 1, 2 numbers; each must have 2"),
    "width": (table("{'x': [[1.0]] * 3}"), "has rows of 1 numbers; each must have 2"),
    "none": ("", "{synthetic} was not written, though the command ended well"),
    "form": ("places[0].write_text('row')", "{synthetic} is no Parquet file"),
    "checkpoint": ("(places[2] / 'weights').write_text('2')", "the family's command changed this checkpoint, which it may only read"),
}


@pytest.mark.parametrize("fault", ROW_FAULTS)
def test_rows_that_are_not_as_declared_are_refused_in_one_line(model: external.Model, fault: str) -> None:
    write, message = ROW_FAULTS[fault]
    with pytest.raises(HeirloomError) as caught:
        sampled(model, write)
    assert message in str(caught.value)
    assert len(caught.value.lines) == 1


def measured(model: external.Model, write: str) -> dict[str, float]:
    config = {"command": python(write, "{measures}", "{synthetic}", "{held_out}", "{checkpoint}")}
    return external.evaluate(model, Sets(rows(), rows(), rows(4), rows()), model, Measuring(1, truth=TRUTH, settings=config), Stream(()))


def test_a_program_s_measures_stand_beside_heirloom_s_own(model: external.Model) -> None:
    count = "import pyarrow.parquet as pq; sizes = [pq.read_metadata(place).num_rows for place in places[1:3]]; "
    values = measured(model, count + "places[0].write_text(json.dumps({'synthetic_rows': sizes[0], 'held_out_rows': sizes[1]}))")
    assert (values["synthetic_rows"], values["held_out_rows"]) == (6.0, 4.0)
    x_ND = rows().by_replica()[0]
    assert values["covariance_trace"] == pytest.approx(x_ND.var(axis=0).sum(), rel=1e-12)


MEASURE_FAULTS: Mapping[str, tuple[str, str]] = {
    "none": ("", "{measures} was not written"),
    "form": ("places[0].write_text('{')", "{measures} is no JSON"),
    "list": ("places[0].write_text('[1]')", "{measures} is [1]; it must be an object of names and numbers"),
    "name": ("places[0].write_text('{\"A b\": 1}')", "{measures} has the name 'A b'"),
    "value": ("places[0].write_text('{\"a\": true}')", "{measures} has a: True; allowed are finite numbers"),
    "nan": ("places[0].write_text('{\"a\": NaN}')", "{measures} has a: nan; allowed are finite numbers"),
    "taken": ("places[0].write_text('{\"covariance_trace\": 1}')", "has covariance_trace, which Heirloom measures itself"),
}


@pytest.mark.parametrize("fault", MEASURE_FAULTS)
def test_measures_that_are_none_are_refused_in_one_line(model: external.Model, fault: str) -> None:
    write, message = MEASURE_FAULTS[fault]
    with pytest.raises(HeirloomError) as caught:
        measured(model, write)
    assert message in str(caught.value)


def declared(**changes: Any) -> ExternalVectors:
    train = {"command": ["python", "train.py", "{train}", "{checkpoint}"]}
    sample = {"command": ["python", "sample.py", "{checkpoint}", "{num_rows}", "{synthetic}"]}
    return ExternalVectors.model_validate({"name": "external", "rows": "vectors", "train": train, "sample": sample, **changes})


CONFIG_FAULTS: Mapping[str, tuple[Callable[[], object], str]] = {
    "absent": (lambda: declared(train={"command": ["t", "{train}"]}), "command lacks the placeholder {checkpoint}"),
    "inside": (lambda: declared(train={"command": ["t", "--in={train}", "{checkpoint}"]}), "{train} inside an argument"),
    "unknown": (
        lambda: declared(train={"command": ["t", "{train}", "{checkpoint}", "{rows}"]}),
        "the placeholder {rows}; allowed are {train}, ",
    ),
    "start": (lambda: declared(train={"command": ["t", "{train}", "{checkpoint}", "{start}"]}), "start is 'scratch'"),
    "no start": (lambda: declared(train={"command": ["t", "{train}", "{checkpoint}"], "start": "origin"}), "no placeholder {start}"),
    "empty": (lambda: declared(train={"command": []}), "at least 1 item"),
    "code": (lambda: declared(code=["nothing/*.py"]).training, "family.code: 'nothing/*.py' names no file"),
    "version": (lambda: declared(version=["python", "-c", "raise SystemExit(4)"]).training, "ended with status 4"),
}


@pytest.mark.parametrize("fault", CONFIG_FAULTS)
def test_a_config_that_cannot_be_run_is_refused(fault: str) -> None:
    make, message = CONFIG_FAULTS[fault]
    with pytest.raises((ValueError, HeirloomError)) as caught:
        make()
    assert message in str(caught.value)


def test_code_and_version_and_settings_are_part_of_what_steps_depend_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text("pass")
    family = declared(code=["*.py"], version=["python", "-c", "print(7)"], settings={"depth": 2})
    shared: dict[str, Any] = {
        "files": (CodeFile(path="train.py", sha256=sha256_file(Path("train.py"))),),
        "version": "7",
        "settings": {"depth": 2},
    }
    assert family.training == ExternalTraining(command=family.train.command, **shared)
    source = NormalSource(name="normal", rows=9, dim=3)
    assert family.sampling_of(source) == ExternalSampling(command=family.sample.command, row_numbers=3, **shared)
    before = family.training
    Path("train.py").write_text("pass  # and another byte")
    os.utime("train.py", ns=(1, 1))
    assert family.training != before


def test_a_time_limit_is_told_to_jobs_and_no_step_depends_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    measure = {"command": ["python", "m.py", "{measures}"]}
    limited, unlimited = declared(time_limit=3, measure=measure), declared(measure=measure)
    assert (limited.training, limited.sampling, limited.measurement) == (unlimited.training, unlimited.sampling, unlimited.measurement)
    assert limited.command_seconds == 3
    monkeypatch.setenv(program.TIME_LIMIT, "")
    monkeypatch.setenv(program.TIME_LIMITS, "")
    program.limits_for_jobs({"mine": 1.5})
    program.limit_job("mine")
    with pytest.raises(HeirloomError, match=r"not done after 1.5 s, the time_limit; it was ended$"):
        trained("time.sleep(60)")
    program.limit_job("another")
    assert program.job_limit() is None


def test_a_job_environment_is_handed_to_snakemake_and_is_in_the_slice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text("dependencies: [heirloom]")
    in_conda, in_container = declared(environment={"conda": "mine.yaml"}), declared(environment={"container": "docker://mine:1"})
    assert in_conda.training.job_environment == {"conda": "mine.yaml", "sha256": sha256_file(Path("mine.yaml"))}
    assert in_container.sampling.job_environment == {"container": "docker://mine:1"}
    assert (in_conda.training.python, declared().training.job_environment) == (None, {})
    with pytest.raises(HeirloomError, match=r"^environment\.conda: absent\.yaml: No such file or directory$"):
        _ = declared(environment={"conda": "absent.yaml"}).training


@pytest.mark.parametrize("environment", [{}, {"python": "a", "conda": "b"}])
def test_an_environment_is_one(environment: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"give one of python, conda and container; given are (none|python, conda)"):
        declared(environment=environment)


def test_the_environment_of_a_virtual_environment_s_interpreter_is_its_own(tmp_path: Path) -> None:
    scripts = tmp_path / "venv/bin"
    scripts.mkdir(parents=True)
    (scripts / "tool").write_text('#!/bin/sh\nmkdir "$2"; echo "$VIRTUAL_ENV:${PYTHONPATH-none}" > "$2/said"\n')
    (scripts / "tool").chmod(0o755)
    fit = ExternalTraining(command=("tool", "{train}", "{checkpoint}"), python=str(scripts / "python"))
    made = external.train(rows(), fit, None, Stream(()))
    assert (made.folder / "said").read_text() == f"{tmp_path / 'venv'}:none\n"
