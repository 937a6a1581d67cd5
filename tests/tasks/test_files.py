"""What a folder of tasks may name, each fault with its message, and the line where lm-evaluation-harness is not installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import small_tasks
from heirloom.errors import HeirloomError
from heirloom.specs.tasks import Tasks
from heirloom.tasks import files
from helpers import ROOT


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    small_tasks.write()


def fault(**changes: Any) -> str:
    """Return the message about tasks."""
    with pytest.raises(HeirloomError) as caught:
        files.check_folder(Tasks.model_validate({"names": ["facts"], "folder": "tasks", **changes}))
    return str(caught.value)


def redeclare(**changes: Any) -> None:
    """Change the declaration of the task `facts`."""
    file = Path("tasks/facts.yaml")
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), **changes}))


def test_a_task_a_group_and_a_tag_can_be_asked_for_and_nothing_else() -> None:
    Path("tasks/all.yaml").write_text("group: everything\ntask: [facts, guesses]\n")
    for name in ("facts", "guesses", "colours", "everything"):
        files.check_folder(Tasks(names=(name,), folder="tasks"))
    has = "it has colours (and 3 more)"
    assert fault(names=["fatcs"]) == f"tasks.names: 'fatcs' is no task, group or tag of tasks; {has}"
    assert fault(benchmarks={"arc": {"dataset": "a/arc"}}) == f"tasks.benchmarks: 'arc' is no task, group or tag of tasks; {has}"


def test_every_file_of_the_folder_is_read_and_no_other() -> None:
    Path("tasks/__pycache__").mkdir()
    Path("tasks/__pycache__/answers.pyc").touch()
    Path("tasks/.hidden").touch()
    Path("tasks/answers.py").write_text("def choose(items):\n    return items\n")
    redeclare(process_docs="answers.choose")
    sources = files.task_files(Tasks(names=("facts",), folder="tasks"))
    names = [f"tasks/{name}" for name in ("answers.py", "facts.jsonl", "facts.yaml", "guesses.jsonl", "guesses.yaml")]
    assert [(source.role, source.path) for source in sources] == [("task_file", name) for name in names]


def test_data_of_a_hub_and_files_outside_of_the_folder_are_refused() -> None:
    redeclare(dataset_path="allenai/ai2_arc")
    formats = "allowed are arrow, csv, json, parquet, text, with data_files in tasks"
    assert fault() == f"tasks/facts.yaml: dataset_path is 'allenai/ai2_arc'; {formats}"
    redeclare(dataset_path="json", dataset_kwargs={"data_files": {"test": ["other.jsonl"]}})
    missing = "which is no file; paths of data begin where snakemake runs"
    assert fault() == f"tasks/facts.yaml: dataset_kwargs.data_files names 'other.jsonl', {missing}"
    Path("other.jsonl").write_text("{}")
    outside = "it must lie in tasks, whose files are hashed"
    assert fault() == f"tasks/facts.yaml: dataset_kwargs.data_files names 'other.jsonl'; {outside}"
    redeclare(dataset_kwargs={"data_files": "tasks/facts.jsonl"}, include="../base.yaml")
    Path("base.yaml").touch()
    assert fault() == f"tasks/facts.yaml: include names 'tasks/../base.yaml'; {outside}"


def test_a_folder_that_is_none_and_a_file_that_is_no_mapping_are_refused() -> None:
    assert fault(folder="tusks") == "tasks.folder: 'tusks' is no folder"
    Path("tasks/list.yaml").write_text("[a]")
    assert fault() == "tasks/list.yaml: a task file is a mapping"
    Path("tasks/list.yaml").write_text("a: [")
    assert fault().startswith("tasks/list.yaml: no YAML (while parsing a flow node)")


def test_without_the_harness_one_line_names_the_extra(tmp_path: Path) -> None:
    """A process whose libraries are all of this one's but the harness."""
    libraries = tmp_path / "libraries"
    libraries.mkdir()
    folders = [Path(folder) for folder in sys.path if folder.endswith("site-packages")]
    entries = {entry.name: entry for folder in folders for entry in folder.iterdir() if not entry.name.startswith("lm_eval")}
    for name, entry in entries.items():
        (libraries / name).symlink_to(entry)
    code = "from heirloom.specs.tasks import Tasks; from heirloom.tasks import files; files.check(Tasks(names=('facts',), folder='tasks'))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(libraries)])},
        capture_output=True,
        text=True,
        check=False,
    )
    line = "tasks: lm-evaluation-harness is not installed; it is the extra `eval`: pip install '.[eval]'"
    assert done.stderr.splitlines()[-1].endswith(f"HeirloomError: {line}")
