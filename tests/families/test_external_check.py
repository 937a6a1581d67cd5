"""`heirloom plugin`: an example to start from, and what is said of programs that keep the contract and of programs that do not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
import yaml

from heirloom import config as configuration
from heirloom import plugin_examples
from heirloom.errors import HeirloomError
from heirloom.families.external.check import Finding, check
from heirloom.steps.trial import real_rows
from helpers import ROOT, run_in


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a copy of the example, in the working folder."""
    monkeypatch.chdir(tmp_path)
    plugin_examples.copy("vectors", Path("mine"))
    return Path("mine")


def findings(folder: Path) -> list[Finding]:
    config = configuration.load(folder / "mine.yaml")
    ((name, experiment),) = config.experiments.items()
    with TemporaryDirectory() as real:
        return [*check(experiment, *real_rows(config, name, Path(real)))]


def test_a_copy_of_the_example_names_its_own_files_and_keeps_every_promise(folder: Path) -> None:
    texts = {file.name: file.read_text() for file in folder.iterdir()}
    assert sorted(texts) == ["README.md", "measure.py", "mine.yaml", "sample.py", "train.py"]
    assert "examples/" not in "".join(texts.values()).replace("../../docs", "")
    assert "results/mine/report.html" in texts["README.md"]
    assert {finding.verdict for finding in findings(folder)} == {"holds"}


@pytest.mark.parametrize("kind", ["table", pytest.param("images", marks=pytest.mark.slow)])
def test_the_examples_of_other_rows_keep_every_promise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.chdir(tmp_path)
    plugin_examples.copy(kind, Path("mine"))
    config = Path("mine/mine.yaml")
    config.write_text(config.read_text().replace("rows: 500\n", "rows: 30\n"))
    assert {finding.verdict for finding in findings(Path("mine"))} == {"holds"}


@pytest.mark.parametrize("kind", ["pairs", pytest.param("text", marks=pytest.mark.slow)])
def test_the_examples_of_texts_keep_every_promise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.chdir(tmp_path)
    plugin_examples.copy(kind, Path("mine"))
    Path("mine/corpus.jsonl").write_text(CORPUS)
    config = yaml.safe_load(Path("mine/mine.yaml").read_text())
    config["experiments"][kind] |= {"rows": 20, "source": {"name": "files", "paths": ["mine/corpus.jsonl"], "text": TEXT[kind]}}
    Path("mine/mine.yaml").write_text(yaml.safe_dump(config))
    assert {finding.verdict for finding in findings(Path("mine"))} == {"holds"}


CORPUS = "".join(
    json.dumps({"text": f"The {a} {b} runs over {c}. ", "prompt": f"Who runs over {c}?", "completion": f"The {a} {b}."}) + "\n"
    for a in ("red", "old", "sly", "wet")
    for b in ("fox", "dog", "hen", "cow")
    for c in ("hills", "roads", "ice", "sand")
)
TEXT = {"text": {"vocab_size": 270, "row_tokens": 8}, "pairs": {"rows": "pairs", "vocab_size": 270}}

FAULTS: Mapping[str, tuple[str, str, str, str]] = {
    "no checkpoint": ("train.py", "checkpoint.mkdir()", "sys.exit()", "left no folder with a file at {checkpoint}"),
    "few rows": ("sample.py", "int(num_rows)", "int(num_rows) - 1", "{synthetic} has 99 rows; 100 were asked for"),
    "width": ("sample.py", "list(x)", "list(x[:, :1])", "{synthetic} has rows of 1 numbers; each must have 2"),
    "seed": ("sample.py", "int(seed)", "0", "two seeds gave the same rows"),
    "measure": ("measure.py", "2 * between", "float('nan') * between", "{measures} has energy_distance: nan"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_promise_is_named_and_later_ones_are_not_tried(folder: Path, fault: str) -> None:
    file, before, after, message = FAULTS[fault]
    text = (folder / file).read_text()
    assert text.count(before) == 1
    (folder / file).write_text(text.replace(before, after))
    verdicts = [finding.verdict for finding in findings(folder)]
    place = verdicts.index("broken")
    assert set(verdicts[:place]) <= {"holds"}
    assert set(verdicts[place + 1 :]) <= {"not tried"}
    assert message in findings(folder)[place].note


def test_programs_that_do_not_repeat_their_bytes_may_be_used(folder: Path) -> None:
    sample = folder / "sample.py"
    sample.write_text(sample.read_text().replace("default_rng(int(seed))", "default_rng()"))
    assert findings(folder)[-2:] == [
        Finding("sample: the same seed gives the same rows (may differ)", "no", "they differ: a run cannot be repeated byte by byte"),
        Finding("train: the same rows and seed give the same bytes (may differ)", "holds"),
    ]


LINEAGE = """
import json, runpy, sys

for line in sys.stdin:
    request = json.loads(line)
    names = {"train": ("train", "checkpoint", "settings"), "sample": ("checkpoint", "num_rows", "synthetic", "seed")}[request["step"]]
    sys.argv[1:] = [request[name] for name in names]
    runpy.run_path(f"mine/{request['step']}.py")
    print(request["answer"], flush=True)
"""


def test_a_program_for_a_whole_lineage_is_tried_beside_the_commands(folder: Path) -> None:
    config = yaml.safe_load((folder / "mine.yaml").read_text())
    config["experiments"]["vectors"]["family"]["lineage"] = {"command": ["python", "mine/lineage.py"]}
    (folder / "mine.yaml").write_text(yaml.safe_dump(config))
    (folder / "lineage.py").write_text(LINEAGE)
    tried = {finding.promise: finding.verdict for finding in findings(folder)}
    assert sum(promise.startswith("lineage") for promise in tried) == 2
    assert set(tried.values()) == {"holds"}


@pytest.mark.parametrize(("place", "message"), [("mine", "exists already"), ("/mine", "must lie in this"), ("../mine", "must lie in this")])
def test_an_example_is_only_copied_to_a_new_folder_below_this_one(folder: Path, place: str, message: str) -> None:
    with pytest.raises(HeirloomError, match=message):
        plugin_examples.copy("vectors", Path(place))


@pytest.mark.slow
def test_the_example_is_checked_run_and_shown(workspace: Path) -> None:
    run_in(workspace, "heirloom", "plugin", "new", "mine")
    config = yaml.safe_load((workspace / "mine/mine.yaml").read_text())
    config["experiments"]["vectors"] |= {"generations": 2, "seeds": [0]}
    (workspace / "mine/mine.yaml").write_text(yaml.safe_dump(config))
    assert "broken" not in run_in(workspace, "heirloom", "plugin", "check", "mine").stdout
    run_in(workspace, "snakemake", "--configfile", "mine/mine.yaml")
    log = workspace / "logs/train/vectors/replace/seed=0/gen=1.log"
    assert log.read_text().splitlines() == ["fitted to 100 rows"]
    metrics = pd.read_parquet(workspace / "results/mine/metrics.parquet")
    distances = metrics[metrics["metric"] == "energy_distance"]
    assert sorted(distances["generation"].groupby(distances["regime"]).sum().items()) == [
        ("control", 3),
        ("keep", 3),
        ("origin", 0),
        ("replace", 3),
    ]
    broken = workspace / "mine/train.py"
    broken.write_text(broken.read_text().replace("checkpoint.mkdir()", "sys.exit(3)"))
    assert run_in(workspace, "heirloom", "plugin", "check", "mine", check=False).returncode == 1
    failed = run_in(workspace, "snakemake", "--configfile", "mine/mine.yaml", check=False)
    assert failed.returncode != 0
    assert "train.py" in failed.stdout + failed.stderr
    assert "ended with status 3" in failed.stdout + failed.stderr


def test_the_repository_s_own_example_is_what_is_copied() -> None:
    assert plugin_examples.place("vectors") == ROOT / "examples/vectors"
