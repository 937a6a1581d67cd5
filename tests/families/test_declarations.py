"""What a family says that it can do, and the functions that it has."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest

import declarations
import heirloom
from heirloom import sources
from heirloom.data.dataset import Dataset
from heirloom.families import family
from heirloom.families.abilities import PROTOCOLS
from heirloom.families.base import Family, Measuring, Sets
from heirloom.families.promises import lacks
from heirloom.runtime.streams import Stream
from heirloom.specs.family import SPECS, families_with

PACKAGE = Path(heirloom.__file__).parent


@pytest.mark.parametrize("name", SPECS)
def test_a_family_has_the_functions_of_its_abilities_and_of_no_others(name: str) -> None:
    module = cast("ModuleType", family(name))
    assert vars(module)["Spec"] is SPECS[name]
    assert lacks(module, Family) == []
    fulfilled = {ability for ability, protocol in PROTOCOLS.items() if not lacks(module, protocol)}
    assert fulfilled == SPECS[name].abilities & PROTOCOLS.keys()


def test_a_function_of_another_signature_is_no_promise_kept() -> None:
    def load(folder: str) -> Any:
        raise NotImplementedError

    def train(rows: Dataset, fit: Any, start: Any) -> Any:
        raise NotImplementedError

    def evaluate(model: Any, sets: Sets, origin: Any, measuring: Measuring, stream: Stream) -> float:
        raise NotImplementedError

    module = ModuleType("made_up")
    vars(module).update(vars(family("poisson")) | {"load": load, "train": train, "evaluate": evaluate})
    assert lacks(module, Family) == ["train", "evaluate", "load"]


def test_what_families_can_do_is_listed_from_what_they_say() -> None:
    assert (
        families_with("gpu")
        == families_with("share")
        == families_with("features")
        == families_with("resume")
        == ["causal_lm", "transformer"]
    )
    assert families_with("edit") == ["causal_lm", "ngram", "transformer"]
    assert families_with("validate") == ["causal_lm", "transformer"]
    assert families_with("statistics") == ["discrete", "gaussian"]
    assert set(SPECS) - set(families_with("select")) == {"external"}
    assert families_with("programs") == ["external"]


@pytest.mark.parametrize("name", SPECS)
def test_a_family_names_sources_that_exist_and_says_which_keep_text(name: str) -> None:
    assert SPECS[name].sources
    assert set(SPECS[name].sources) <= set(sources.SOURCES)
    assert SPECS[name].is_text == ("wikipedia" in SPECS[name].sources)


@pytest.mark.parametrize("of", [declarations.guesses, declarations.family_names, declarations.family_classes], ids=lambda of: of.__name__)
def test_nothing_outside_a_family_guesses_what_it_is_or_lists_it_by_name(of: Any, tmp_path: Path) -> None:
    assert list(of(PACKAGE)) == []
    planted = tmp_path / "src/heirloom"
    planted.mkdir(parents=True)
    (planted / "report.py").write_text(
        "from heirloom.specs.gmm import Gmm\nMINE = {'gmm': 1}\ndef start(family): return getattr(family, 'start', 'scratch')\n"
    )
    assert [module for module, _ in of(planted)] == ["report.py"]
