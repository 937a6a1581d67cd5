"""A job of a scheduler that fails is not begun from its beginning: its steps take what an earlier attempt has sealed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import helpers
import small_lineages
from by_hand import fields_of
from damage import flip_a_bit
from heirloom import config as configuration
from heirloom import sealed_steps
from heirloom.artefacts import kinds, manifest, paths
from heirloom.config import Config
from heirloom.steps import mix

KEY = ("normal", "judged", 0, 1)
STEPS = {
    "sample": kinds.SYNTHETIC,
    "select": kinds.SELECTED,
    "mix": kinds.TRAIN,
    "train": kinds.CHECKPOINT,
    "evaluate": kinds.METRICS,
}
"""The steps of a group of one generation, in their order → what they make."""
MADE = {step: pattern.path(*KEY) for step, pattern in STEPS.items()}
POOL, ORIGINAL = kinds.REAL_TRAIN.path("normal"), kinds.TRAIN.path("normal", "origin", 0, 0)
NODE_LOST = """#!/bin/sh
{heirloom} "$@" || exit
if [ "$1" = evaluate ] && mkdir lost 2>/dev/null; then exit 1; fi
"""
"""Stands before `heirloom`: the job ends badly once, as its last step has ended."""


def declared(**keys: Any) -> dict[str, Any]:
    family, source = {"name": "gaussian"}, {"name": "normal", "rows": 40, "test_rows": 10}
    normal = {"family": family, "source": source, "generations": 1, "rows": 10, "num_replicas": 2, "regimes": ["judged"], **keys}
    selection = {"multiple": 2.0, "select": {"by": "likelihood", "share": 0.5}}
    return {"schema_version": 1, "num_threads": 1, "regimes": {"judged": selection}, "experiments": {"normal": normal}}


def parsed() -> Config:
    return configuration.parse(declared())


def attempt(folder: Path) -> int:
    """Run the group as Slurm's plugin does, and return the exit status."""
    wildcards = ",".join(f"{name}={value}" for name, value in zip(("experiment", "regime", "seed", "generation"), KEY, strict=True))
    jobs = [f"{step}:{wildcards}" for step in STEPS]
    group = ("--target-jobs", *jobs, "--allowed-rules", *STEPS, "--local-groupid", "group", "--mode", "remote", "--force")
    options = ("--no-hooks", "--nolock", "--ignore-incomplete", "--retries", "0", "--cores", "1")
    path = f"PATH={folder}/bin:{helpers.environment()['PATH']}"
    return helpers.run_in(folder, "env", path, "snakemake", *group, *options, check=False).returncode


def inodes(top: Path) -> dict[str, int]:
    """Return path → inode of the files in a folder that no name hides."""
    files = [file for file in top.rglob("[!.]*") if file.is_file()]
    return {file.relative_to(top).as_posix(): file.stat().st_ino for file in files}


def test_a_second_attempt_of_a_group_makes_none_of_its_finished_steps_again(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workspace / "config.yaml").write_text(yaml.safe_dump(declared()))
    monkeypatch.chdir(workspace)
    small_lineages.make_origin(parsed(), "normal")
    program = workspace / "bin/heirloom"
    program.parent.mkdir()
    program.write_text(NODE_LOST.format(heirloom=shutil.which("heirloom", path=helpers.environment()["PATH"])))
    program.chmod(0o755)
    assert attempt(workspace) == 1
    generation = kinds.GENERATION.path(*KEY)
    kept_inodes = inodes(sealed_steps.FOLDER / generation)
    costs = {step: Path(paths.cost(step, artefact)).read_bytes() for step, artefact in MADE.items()}
    assert attempt(workspace) == 0  # Snakemake begins with removing what all of them have made
    assert kept_inodes == inodes(Path(generation))
    assert len(kept_inodes) == 3 * len(STEPS)
    for step, artefact in MADE.items():
        manifest.check(artefact)
        assert Path(paths.log(step, artefact)).read_text() == f"taken from .heirloom/steps/{artefact}, where an earlier attempt left it\n"
        assert Path(paths.cost(step, artefact)).read_bytes() == costs[step]  # of the attempt that has made it
    assert not inodes(sealed_steps.FOLDER)  # no attempt follows


def test_a_run_that_fails_keeps_what_earlier_attempts_have_left_and_a_forced_one_does_not(
    workspace: Path, run: helpers.Run, mixed: dict[str, str]
) -> None:
    (workspace / "config.yaml").write_text(yaml.safe_dump(declared()))
    Path(mixed["pool"]).write_bytes(b"damaged")  # so that the job fails
    assert run("snakemake", ORIGINAL, check=False).returncode == 2
    assert (sealed_steps.FOLDER / ORIGINAL).exists()
    assert run("snakemake", ORIGINAL, "--force", check=False).returncode == 2
    assert not sealed_steps.FOLDER.exists()


@pytest.fixture
def mixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return the inputs of a step of a submitted job, whose artefact was sealed and then removed by Snakemake."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(sealed_steps.SUBMITTED, "1")
    small_lineages.make_origin(parsed(), "normal")
    sealed_steps.keep(ORIGINAL)
    remove()
    return {"pool": POOL, "original": "", "synthetic": ""}


def remove() -> None:
    for spelled in (str, paths.manifest, paths.fingerprint):
        Path(spelled(ORIGINAL)).unlink()


def origin() -> dict[str, Any]:
    """Return the slice of the step that mixes the origin's training set."""
    return fields_of("mix", parsed(), "normal", "origin", 0, 0)


def test_a_step_that_would_make_the_same_takes_it_by_a_link(mixed: dict[str, str]) -> None:
    kept_file = sealed_steps.FOLDER / ORIGINAL
    assert sealed_steps.take(origin(), mixed, ORIGINAL)
    assert Path(ORIGINAL).samefile(kept_file)
    manifest.check(ORIGINAL)


def test_a_step_of_other_settings_or_other_inputs_takes_nothing(mixed: dict[str, str]) -> None:
    assert not sealed_steps.take({**origin(), "rows": 11}, mixed, ORIGINAL)
    assert not sealed_steps.take(origin(), {**mixed, "synthetic": POOL}, ORIGINAL)
    assert not sealed_steps.take(origin(), {**mixed, "original": "absent.parquet"}, ORIGINAL)
    content = Path(POOL).read_bytes()
    Path(POOL).write_bytes(content + b".")
    helpers.seal_alone(POOL)
    assert not sealed_steps.take(origin(), mixed, ORIGINAL)
    assert not Path(ORIGINAL).exists()


@pytest.mark.parametrize("spelled", [str, paths.manifest, paths.fingerprint])
@pytest.mark.parametrize("damage", [flip_a_bit, Path.unlink])
def test_what_is_damaged_or_half_kept_is_dropped_and_the_step_makes_it_again(
    mixed: dict[str, str], spelled: Callable[[str], str], damage: Callable[[Path], object], caplog: pytest.LogCaptureFixture
) -> None:
    damage(sealed_steps.FOLDER / spelled(ORIGINAL))
    assert not sealed_steps.take(origin(), mixed, ORIGINAL)
    assert not Path(ORIGINAL).exists()
    assert not (sealed_steps.FOLDER / ORIGINAL).exists()
    mix.run(mix.Slice.model_validate(origin()), {"pool": POOL}, {"train": ORIGINAL})
    sealed_steps.keep(ORIGINAL)
    remove()
    assert sealed_steps.take(origin(), mixed, ORIGINAL)


def test_what_is_kept_later_takes_the_place_of_other_settings(mixed: dict[str, str]) -> None:
    fewer = {**origin(), "rows": 5}
    mix.run(mix.Slice.model_validate(fewer), {"pool": POOL}, {"train": ORIGINAL})
    sealed_steps.keep(ORIGINAL)
    remove()
    assert not sealed_steps.take(origin(), mixed, ORIGINAL)
    assert sealed_steps.take(fewer, mixed, ORIGINAL)


def test_where_links_are_refused_bytes_are_copied(mixed: dict[str, str]) -> None:
    kept_file = sealed_steps.FOLDER / ORIGINAL
    with tempfile.TemporaryDirectory(dir="/dev/shm") as elsewhere:  # another file system
        if Path(elsewhere).stat().st_dev == Path(POOL).stat().st_dev:
            pytest.skip("one file system only")
        shutil.move(sealed_steps.FOLDER, f"{elsewhere}/steps")
        sealed_steps.FOLDER.symlink_to(f"{elsewhere}/steps")
        assert sealed_steps.take(origin(), mixed, ORIGINAL)
        assert not Path(ORIGINAL).samefile(kept_file)
        manifest.check(ORIGINAL)
        sealed_steps.FOLDER.unlink()


def test_a_job_of_this_machine_leaves_and_takes_nothing(mixed: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(sealed_steps.SUBMITTED)
    assert not sealed_steps.take(origin(), mixed, ORIGINAL)
    sealed_steps.empty()
    mix.run(mix.Slice.model_validate(origin()), {"pool": POOL}, {"train": ORIGINAL})
    sealed_steps.keep(ORIGINAL)
    assert not sealed_steps.FOLDER.exists()
