"""Two experiments that read the same text with the same settings have it read once."""

from __future__ import annotations

import shutil
from pathlib import Path
from threading import Event, Thread

import pytest

from damage import flip_a_bit
from heirloom import config as configuration
from heirloom import equal_steps, sealed_steps
from heirloom.artefacts import manifest, paths
from heirloom.artefacts.kinds import Key
from heirloom.config import Config
from heirloom.steps import real
from heirloom.workflow.steps import STEPS

SOURCE = {"name": "files", "paths": ["corpus/*.txt"], "text": {"vocab_size": 300, "row_tokens": 8}}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.chdir(tmp_path)
    Path("corpus").mkdir()
    for number in range(12):
        Path(f"corpus/{number}.txt").write_text(f"the {number} quick brown foxes jump over {number * 7} lazy dogs. " * 12)
    text = {"family": {"name": "ngram", "training": {"order": 2}}, "source": SOURCE, "rows": 5, "generations": 1, "regimes": ["replace"]}
    wider = {**text, "source": {**SOURCE, "text": {"vocab_size": 300, "row_tokens": 9}}}
    return configuration.parse({"regimes": {"replace": {}}, "experiments": {"one": text, "two": text, "wider": wider}})


def make(config: Config, name: str) -> dict[str, str]:
    """Make an experiment's real data, and return role → path."""
    outputs = {role: kind.at(Key(name)) for role, kind in STEPS["real"].makes.items()}
    real.run(real.slice_of(config, Key(name)), {}, outputs)
    return outputs


def test_the_second_of_two_equal_experiments_has_the_bytes_and_the_manifest_of_the_first_and_reads_no_source(config: Config) -> None:
    planned = real.slice_of(config, Key("two"))
    paths_of_one = make(config, "one")
    shutil.rmtree("corpus")
    outputs = {role: path.replace("/one/", "/two/") for role, path in paths_of_one.items()}
    real.run(planned, {}, outputs)
    for first, second in zip(paths_of_one.values(), outputs.values(), strict=True):
        manifest.check(second)
        assert Path(first).read_bytes() == Path(second).read_bytes()
        assert not Path(first).samefile(second)
        first_manifest, second_manifest = (manifest.read(paths.manifest(path)) for path in (first, second))
        assert {key for key in first_manifest if first_manifest[key] != second_manifest[key]} == {"path", "digest"}


def test_other_settings_are_not_taken_for_equal(config: Config) -> None:
    make(config, "one")
    assert manifest.read(paths.manifest(make(config, "wider")["train"]))["slice"]["source"]["text"]["row_tokens"] == 9


@pytest.mark.parametrize("harm", ["damaged", "gone", "emptied"])
def test_what_does_not_lie_whole_in_its_place_is_made_again(config: Config, harm: str, caplog: pytest.LogCaptureFixture) -> None:
    paths_of_one = make(config, "one")
    right = Path(paths_of_one["train"]).read_bytes()
    if harm == "damaged":
        flip_a_bit(Path(paths_of_one["train"]))
    elif harm == "gone":
        Path(paths_of_one["test"]).unlink()
    else:
        sealed_steps.empty()
    two = make(config, "two")
    assert Path(two["train"]).read_bytes() == right
    assert ("the step is done again" in caplog.text) == (harm != "emptied")
    for path in two.values():
        manifest.check(path)


def test_equal_jobs_wait_for_one_another(config: Config) -> None:
    fields, order, has_begun = real.slice_of(config, Key("one")).json_fields(), list[str](), Event()

    def second() -> None:
        has_begun.wait()
        with equal_steps.one_at_a_time(fields):
            order.append("second")

    waiting = Thread(target=second)
    waiting.start()
    with equal_steps.one_at_a_time(fields):
        has_begun.set()
        waiting.join(0.2)
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]
