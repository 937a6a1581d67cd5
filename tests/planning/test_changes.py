"""Which jobs the next run does anew, and which changed key costs them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from heirloom import config as configuration
from heirloom.artefacts import kinds, paths
from heirloom.artefacts.files import dumps
from heirloom.config import Config
from heirloom.planning import changes
from heirloom.workflow.step import Job
from helpers import write_corpus
from small_lineages import REGIMES, declared


def edited(config: Config, **regimes: Any) -> Config:
    """Return a config with some regimes declared otherwise."""
    experiments = {name: experiment.model_dump(mode="json", exclude_unset=True) for name, experiment in config.experiments.items()}
    return configuration.parse({"regimes": REGIMES | regimes, "experiments": experiments})


def lines(config: Config) -> dict[str, int]:
    """Return the causes with their numbers of jobs, without the measures, which nobody has made."""
    return {cause.words: cause.jobs for cause in changes.causes(config, changes.pending(config)) if not cause.words.startswith("not made")}


def test_only_what_nobody_has_made_is_to_do_and_belongs_to_an_arm_where_others_are_made(made: Path) -> None:
    config = declared()
    pending = changes.pending(config)
    assert {job.step for job in pending} == {"evaluate"}
    assert {names for job, names in pending.items() if job.experiment == "text"} == {
        ("not made yet: text/origin",),
        ("not made yet: text/replace",),
        ("not made yet: text/accumulate",),
    }
    assert changes.total(config, pending).startswith("to do: 8 of 33 jobs, ")
    assert changes.total(config, {}) == "nothing to do: what the 33 jobs make is here, as the config says"


def test_an_experiment_of_which_nothing_is_made_is_one_cause(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_corpus(tmp_path / "corpus")
    monkeypatch.chdir(tmp_path)
    config = declared()
    causes = changes.causes(config, changes.pending(config))
    assert [(cause.words, cause.jobs) for cause in causes] == [("not made yet: text", 28), ("not made yet: normal", 5)]


def test_a_changed_share_is_named_as_the_config_spells_it_with_what_it_was(made: Path) -> None:
    config = edited(declared(), keep={"original": {"share": 0.5}})
    assert lines(config) == {"keep.original.share 0.25 → 0.5": 1}
    (cause,) = [cause for cause in changes.causes(config, changes.pending(config)) if "share" in cause.words]
    assert cause.line.startswith("keep.original.share 0.25 → 0.5: 1 job, ")


def test_a_changed_training_costs_all_that_is_made_from_it(made: Path) -> None:
    # the origin's training, then sample, mix and train of three generations in two arms
    assert lines(declared(order=3)) == {"text.family.training.order 2 → 3": 19}


# mix and train of generation 1, then sample, mix and train of 2 and 3: what generation 1 samples, the origin writes
ARM = 8


def test_a_key_that_goes_back_to_its_default_is_shown_with_the_default(made: Path) -> None:
    assert lines(edited(declared(), accumulate={"original": {"share": 1.0}, "synthetic": "all", "budget": "grows"})) == {
        'accumulate.original.draw "fixed" → "redrawn"': ARM
    }


def test_two_causes_of_a_job_both_count_it(made: Path) -> None:
    config = edited(declared(order=3), accumulate={"original": {"share": 0.5, "draw": "fixed"}, "synthetic": "all", "budget": "grows"})
    assert lines(config) == {"text.family.training.order 2 → 3": 19, "accumulate.original.share 1.0 → 0.5": ARM}


def test_what_was_made_from_other_bytes_is_made_anew(made: Path) -> None:
    synthetic = kinds.SYNTHETIC.path("text", "replace", 0, 3)
    note = Path(paths.fingerprint(synthetic))
    text = note.read_text()
    note.write_text(dumps({"sha256": "0" * 64}))
    try:
        assert lines(declared()) == {f"{synthetic} has changed": 2}
    finally:
        note.write_text(text)


def test_what_is_not_here_is_made_again_only_where_a_job_takes_it(made: Path) -> None:
    taken, untaken = Path(kinds.TRAIN.path("text", "replace", 0, 2)), Path(kinds.TRAJECTORY.path("normal", "keep", 0))
    places = [path.rename(path.with_name(f"{path.name}.away")) for path in (taken, untaken)]
    try:
        # its measures are to be done: so mix and train of generation 2 are, and sample, mix and train of 3
        assert lines(declared()) == {f"{taken} is not here": 5}
    finally:
        for path in places:
            path.rename(path.with_suffix(""))


def test_an_interrupted_job_is_done_again(made: Path) -> None:
    from base64 import urlsafe_b64encode

    from heirloom.lineage.provenance import INCOMPLETE

    mark = INCOMPLETE / urlsafe_b64encode(kinds.TRAJECTORY.path("normal", "keep", 0).encode()).decode()
    mark.parent.mkdir(parents=True)
    mark.touch()
    try:
        assert changes.pending(declared())[Job("chain", "normal", "keep", 0)] == ("not made yet: normal/keep",)
    finally:
        mark.unlink()
