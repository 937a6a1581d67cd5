"""Two artefacts that should be equal: the first upstream difference is named, whatever its kind."""

from __future__ import annotations

import json
import re
import shutil
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

import small_lineages
from heirloom.artefacts import paths
from heirloom.artefacts.files import read_json
from heirloom.artefacts.manifest import manifest_text
from heirloom.errors import HeirloomError
from heirloom.lineage.why_not import explain, why_not

OTHER = "other/data/text/replace/seed=0/gen=3/checkpoint"
FIRST_CHECKPOINT = "data/text/replace/seed=0/gen=1/checkpoint"


@pytest.fixture
def twice(made_project: Path) -> Path:
    """Return a second project inside the working one, equal in every byte."""
    shutil.copytree("data", "other/data")
    return Path("other")


def why(first: str = "text/replace/0/3:checkpoint", second: str = OTHER) -> list[str]:
    return [re.sub(r"\b[0-9a-f]{12}\b", "…", line) for line in explain(why_not(first, second)).splitlines()]


def retell(project: Path, artefact: str, change: dict[str, Any]) -> None:
    """Let an artefact of a project, and so all that came of it, have other bytes, and its manifest another story."""
    contents = [read_json(path) for path in (project / "data").rglob("*.manifest.json")]
    changed: set[str] = set()
    newest = {read_json(project / paths.manifest(artefact))["sha256"]}
    while newest:
        changed |= newest
        made_of_them = {content["sha256"] for content in contents if any(sha256 in json.dumps(content["inputs"]) for sha256 in changed)}
        newest = made_of_them - changed
    for path in (project / "data").rglob("*.json"):
        path.write_text(reduce(lambda text, sha256: text.replace(sha256, sha256[::-1]), changed, path.read_text()))
    for path in (project / "data").rglob("*.manifest.json"):
        is_changed = path == project / paths.manifest(artefact)
        path.write_text(manifest_text(read_json(path) | (change if is_changed else {})))


START = {"role": "start", "path": "data/text/origin/seed=0/gen=0/checkpoint", "sha256": "1" * 64}


def slice_of(artefact: str, **change: Any) -> dict[str, Any]:
    return {"slice": {**read_json(paths.manifest(artefact))["slice"], **change}}


def environment_of(artefact: str, **change: Any) -> dict[str, Any]:
    return {"environment": {**read_json(paths.manifest(artefact))["environment"], **change}}


@pytest.mark.usefixtures("twice")
def test_equal_artefacts_are_said_to_be_equal() -> None:
    assert why() == [f"text/replace/0/3:checkpoint … and {OTHER} … (train): equal, byte for byte"]
    assert why_not("text/replace/0/3:checkpoint", OTHER).is_equal


def test_a_config_key_changed_at_generation_0_is_found_from_generation_2(made_project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (made_project / "other").mkdir()
    (made_project / "corpus").rename(made_project / "other/corpus")
    with monkeypatch.context() as patch:
        patch.chdir(made_project / "other")
        small_lineages.make_text(small_lineages.declared(2, order=3), ("replace",))
    assert why("text/replace/0/2", "other/data/text/replace/seed=0/gen=2/synthetic.parquet") == [
        "text/origin/0/0:checkpoint … and other/data/text/origin/seed=0/gen=0/checkpoint … (train) differ, 3 steps up",
        "  config key fit.order: 2 | 3",
    ]


@pytest.mark.usefixtures("made_project")
def test_two_arms_part_where_their_draws_do() -> None:
    assert why("text/replace/0/3", "text/accumulate/0/3") == [
        "text/replace/0/1 … and text/accumulate/0/1 … (sample) differ, 4 steps up",
        "  regime: replace | accumulate",
    ]


@pytest.mark.usefixtures("made_project")
def test_generations_of_one_lineage_have_no_common_way_up() -> None:
    headline, *differences = why("text/replace/0/2", "text/replace/0/3")
    assert headline == "text/replace/0/2 … and text/replace/0/3 … (sample) differ"
    assert differences == ["  generation: 2 | 3", "  input train: … | …", "  input checkpoint: … | …"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (slice_of, {"code": "0" * 16}),
        (slice_of, {"num_threads": 2}),
        (environment_of, {"python": "3.12.1"}),
        (environment_of, {"libraries": {"numpy": "9.9"}}),
        (environment_of, {"instruction_set": ["X86_V4"]}),
        (environment_of, {"kernels": {"openblas": "Haswell"}}),
        (environment_of, {"variables": {"MKL_CBWR": "COMPATIBLE"}}),
    ],
)
@pytest.mark.usefixtures("twice")
def test_code_threads_python_libraries_and_instruction_set_are_named(change: Any, said: dict[str, Any], twice: Path) -> None:
    retell(twice, FIRST_CHECKPOINT, change(FIRST_CHECKPOINT, **said))
    headline, *differences = why()
    assert headline == f"text/replace/0/1:checkpoint … and other/{FIRST_CHECKPOINT} … (train) differ, 5 steps up"
    word = {
        "code": "code",
        "num_threads": "number of threads",
        "libraries": "version of numpy",
        "instruction_set": "instruction set",
        "kernels": "kernels of openblas",
        "variables": "environment variable MKL_CBWR",
    }
    (key,) = said
    assert any(line.startswith(f"  {word.get(key, key)}: ") for line in differences)
    assert all(line.startswith(("  version of", f"  {word.get(key, key)}: ")) for line in differences)


def test_when_nothing_that_is_known_differs_the_step_is_not_deterministic(twice: Path) -> None:
    retell(twice, FIRST_CHECKPOINT, {})
    assert why() == [
        f"text/replace/0/1:checkpoint … and other/{FIRST_CHECKPOINT} … (train) differ, 5 steps up",
        "  not deterministic here: inputs, settings, code, libraries and instruction set are the same",
    ]


def test_an_input_that_one_has_and_the_other_has_not_is_named(twice: Path) -> None:
    inputs = read_json(paths.manifest(FIRST_CHECKPOINT))["inputs"]
    retell(
        twice,
        FIRST_CHECKPOINT,
        {"inputs": [*inputs, START]},
    )
    assert why()[1:] == ["  input start: none | …"]


@pytest.mark.usefixtures("made_project")
def test_an_artefact_that_is_not_there_is_bad_input() -> None:
    with pytest.raises(HeirloomError, match=r"did you mean text/replace/0/3"):
        why_not("text/replace/0/3", "text/replace/0/9")
