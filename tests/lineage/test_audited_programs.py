"""An audit starts what the config names, and nothing that a manifest names beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from by_hand import slice_of
from heirloom import config as configuration
from heirloom.artefacts import kinds, manifest, paths
from heirloom.artefacts.files import read_json
from heirloom.config import Config
from heirloom.lineage import audit
from heirloom.lineage.audit import Outcome
from heirloom.lineage.named_programs import undeclared
from heirloom.lineage.project import Project
from heirloom.lineage.redone_job import Verdict
from heirloom.steps import mix, real, train

COPY = "import pathlib, shutil, sys; rows, model = map(pathlib.Path, sys.argv[1:]); model.mkdir(); shutil.copy(rows, model / 'rows')"
WRITE = f"import pathlib; pathlib.Path('{{}}').write_text('started'); {COPY}"
MODEL = kinds.CHECKPOINT.path("own", kinds.ORIGIN, 0, 0)


def declared(program: str = COPY, **family: Any) -> Config:
    commands = {
        "train": {"command": ["python", "-c", program, "{train}", "{checkpoint}"]},
        "sample": {"command": ["never", "{checkpoint}", "{num_rows}", "{synthetic}"]},
    }
    experiment = {
        "family": {"name": "external", "rows": "vectors", **commands, **family},
        "source": {"name": "normal", "rows": 20, "test_rows": 2},
        "regimes": ["replace"],
        "generations": 1,
        "rows": 10,
        "num_replicas": 1,
    }
    return configuration.parse({"regimes": {"replace": {}}, "experiments": {"own": experiment}})


@pytest.fixture
def marker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Train a model by the config's own program in a new working folder; return a file that a planted program would write."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    config, rows = declared(), kinds.TRAIN.path("own", kinds.ORIGIN, 0, 0)
    real.run_vectors(slice_of("real", config, "own"), {"train": kinds.REAL_TRAIN.path("own"), "test": kinds.REAL_TEST.path("own")})
    mix.run(slice_of("mix", config, "own", kinds.ORIGIN, 0, 0), {"pool": kinds.REAL_TRAIN.path("own")}, {"train": rows})
    train.run(slice_of("train", config, "own", kinds.ORIGIN, 0, 0), {"train": rows}, {"checkpoint": MODEL})
    return tmp_path / "marker"


def plant(marker: Path) -> None:
    """Give the model a manifest whose command writes the marker, as a forger would."""
    written = read_json(paths.manifest(MODEL))
    command = ["python", "-c", WRITE.format(marker), "{train}", "{checkpoint}"]
    slice_ = {**written["slice"], "fit": {**written["slice"]["fit"], "command": command}}
    manifest.seal([MODEL], {**written, "inputs": manifest.inputs(written), "slice": slice_})


def outcome(config: Config | None) -> Outcome:
    (job,) = [job for job in audit.recorded_jobs(Project()) if job.name.startswith("train ")]
    (answer,) = audit.redo([job], config)
    return answer


def test_a_program_of_the_config_is_redone(marker: Path) -> None:
    assert outcome(declared()).verdict == Verdict("equal")


def test_a_program_that_only_a_manifest_names_is_not_started(marker: Path) -> None:
    plant(marker)
    for config in (declared(), declared("another"), None):
        answer = outcome(config)
        assert (answer.verdict.answer, answer.is_remembered) == ("not comparable here", False)
        assert answer.verdict.reason.startswith("its manifest names the command python -c ")
        assert answer.verdict.reason.endswith(", which the config does not name for this job, so it was not started")
    assert not marker.exists()


def test_a_planted_program_is_started_where_the_config_names_it_too(marker: Path) -> None:
    plant(marker)
    outcome(declared(WRITE.format(marker)))
    assert marker.read_text() == "started"


SLICE = {
    "fit": {"command": ["train"], "python": "bin/python", "settings": {"command": "data"}},
    "decoding": {"endpoint": {"url": "http://here/v1", "command": None}},
    "select": {"judges": [{"by": {"command": ["judge", "{rows}"]}}]},
}


def changed(*place: str | int, to: Any) -> dict[str, Any]:
    def copy(value: Any, rest: tuple[str | int, ...]) -> Any:
        if not rest:
            return to
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        inner = {key: copy(one, rest[1:]) if key == rest[0] else one for key, one in pairs}
        return inner if isinstance(value, dict) else [*inner.values()]

    changed_slice: dict[str, Any] = copy(SLICE, place)
    return changed_slice


@pytest.mark.parametrize(
    ("recorded", "said"),
    [
        (SLICE, ""),
        (changed("fit", "settings", to={"command": "other data"}), ""),
        (changed("fit", "command", to=["sh", "-c", "a b"]), "the command sh -c 'a b'"),
        (changed("fit", "python", to="other/python"), "the python other/python"),
        (changed("decoding", "endpoint", "url", to="http://elsewhere/v1"), "the url http://elsewhere/v1"),
        (changed("select", "judges", 0, "by", "command", to=["spy"]), "the command spy"),
    ],
)
def test_whatever_a_slice_starts_or_asks_has_to_stand_in_its_place_in_the_config_s(recorded: dict[str, Any], said: str) -> None:
    assert undeclared(recorded, SLICE) == said
    assert bool(undeclared(recorded, {})) is True
