"""What counts as a change of code, on a package made for the test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from heirloom import codehash, slices
from heirloom import config as configuration
from heirloom.codehash import canonical, modules

ROOT = Path(__file__).parents[1]

FILES = {
    "a.py": "from heirloom import b\nfrom heirloom.c import helper\nLIMIT = 3\n"
    "def train():\n    return helper() + LIMIT\ndef evaluate():\n    return b.measure()\n",
    "b.py": "def measure():\n    return 1\ndef unused():\n    return 2\n",
    "c.py": "from heirloom import d\ndef helper():\n    '''Words.'''\n    return d.deep\n",
    "d.py": "deep = 5\nother = 6\n",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(modules, "ROOT", tmp_path)
    forget()
    yield tmp_path
    forget()


def forget() -> None:
    for cached in (modules.exists, modules.read, modules.resolve, canonical.pieces, canonical._module_names, codehash._package):
        cached.cache_clear()


def hashes_after(package: Path, name: str, old: str, new: str) -> tuple[bool, bool]:
    """Return whether an edit changes the hash of ``train`` and of ``evaluate``."""
    before = codehash.of("heirloom.a:train"), codehash.of("heirloom.a:evaluate")
    text = (package / name).read_text()
    assert old in text
    (package / name).write_text(text.replace(old, new))
    forget()
    after = codehash.of("heirloom.a:train"), codehash.of("heirloom.a:evaluate")
    return before[0] != after[0], before[1] != after[1]


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("d.py", "deep = 5", "deep = 50", (True, False)),
        ("a.py", "LIMIT = 3", "LIMIT = 4", (True, False)),
        ("b.py", "return 1", "return 10", (False, True)),
        ("b.py", "return 2", "return 20", (False, False)),
        ("d.py", "other = 6", "other = 60", (False, False)),
        ("c.py", "'''Words.'''", "'''Other words.'''", (False, False)),
        ("c.py", "def helper():\n", "# a comment\n\n\ndef helper():\n", (False, False)),
        ("b.py", "def unused", "import os\nos.getcwd()\ndef unused", (False, True)),
    ],
)
def test_an_edit_counts_for_exactly_the_steps_that_run_it(
    package: Path, name: str, old: str, new: str, expected: tuple[bool, bool]
) -> None:
    assert hashes_after(package, name, old, new) == expected


def test_a_hash_is_kept_where_heirloom_works_and_never_used_for_other_code(
    package: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path_factory.mktemp("project")
    monkeypatch.chdir(project)
    computed = codehash.of("heirloom.a:train")
    assert not any(project.iterdir())
    Path(".heirloom").mkdir()
    assert codehash.of("heirloom.a:train") == computed
    (kept,) = Path(".heirloom/code").iterdir()
    assert json.loads(kept.read_text())["hashes"] == {"heirloom.a:train": computed}
    kept.write_text(codehash._sealed({"heirloom.a:train": "what is kept is used"}))
    assert codehash.of("heirloom.a:train") == "what is kept is used"
    assert hashes_after(package, "d.py", "deep = 5", "deep = 50") == (True, False)
    assert codehash.of("heirloom.a:train") != computed


def test_the_closure_follows_names_over_modules(package: Path) -> None:
    assert codehash.closure("heirloom.a:train") == {"heirloom.a:train", "heirloom.a:LIMIT", "heirloom.c:helper", "heirloom.d:deep"}


def test_an_entry_that_does_not_exist_is_an_error(package: Path) -> None:
    with pytest.raises(ModuleNotFoundError):
        codehash.of("heirloom.a:nothing")
    with pytest.raises(ModuleNotFoundError):
        codehash.of("heirloom.nowhere:train")


def test_a_measure_retrains_nothing_and_a_family_depends_on_no_other() -> None:
    for family in ("gaussian", "ngram", "transformer"):
        for step in ("train", "sample"):
            reached = codehash.closure(f"heirloom.families.{family}:{step}")
            others = {"gaussian", "ngram", "transformer"} - {family}
            assert not any(entry.startswith("heirloom.measures") for entry in reached), (family, step)
            assert not any(f".{other}" in entry for other in others for entry in reached), (family, step)
    assert "heirloom.measures.text:distinct_n" in codehash.closure("heirloom.families.transformer:evaluate")
    assert "heirloom.families.transformer.training:train" in codehash.closure("heirloom.families.transformer:train")


def test_a_step_depends_on_its_own_keys_only() -> None:
    def made(**training: object) -> configuration.Config:
        source = {"name": "wikipedia"}
        family = {"name": "transformer", "training": training}
        experiment = {"family": family, "source": source, "regimes": ["replace"], "generations": 2, "rows": 10, "origin_rows": "all"}
        return configuration.parse({"regimes": {"replace": {}}, "experiments": {"lm": experiment}})

    plain = made()
    faster = made(generation={"epochs": 2, "learning_rate": 0.9, "batch_rows": 32})
    assert slices.train(plain, "lm", "replace", 0, 0) == slices.train(faster, "lm", "replace", 0, 0)
    assert slices.train(plain, "lm", "replace", 0, 1) != slices.train(faster, "lm", "replace", 0, 1)
    for step in (slices.mix, slices.sample, slices.evaluate):
        assert step(plain, "lm", "replace", 0, 1) == step(faster, "lm", "replace", 0, 1)
