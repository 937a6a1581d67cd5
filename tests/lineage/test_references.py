"""Names of artefacts: every spelling names the same thing, and a wrong one says what is near."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from heirloom.artefacts.fingerprints import recorded_sha256
from heirloom.errors import HeirloomError
from heirloom.lineage import index, ledger, references
from heirloom.lineage.project import locate
from heirloom.lineage.references import all_names, complete, find, name_of, units

pytestmark = pytest.mark.usefixtures("made_project")

GENERATION = "data/text/replace/seed=0/gen=2"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("text/replace/0/2", f"{GENERATION}/synthetic.parquet"),
        ("text/replace/0/2:train", f"{GENERATION}/train.parquet"),
        ("text/replace/0/2:checkpoint", f"{GENERATION}/checkpoint"),
        ("text/replace/0/2:metrics", f"{GENERATION}/metrics.json"),
        ("text/origin/0/0", "data/text/origin/seed=0/gen=0/train.parquet"),
        ("text/real:tokenizer", "data/text/real/tokenizer.json"),
        ("text/real:documents", "data/text/real/documents.parquet"),
        ("normal/keep/0:trajectory", "data/normal/keep/seed=0/trajectory.parquet"),
    ],
)
def test_a_reference_and_a_path_name_each_other(name: str, path: str) -> None:
    assert find(name) == path
    assert name_of(path) == name
    assert find(path) == path
    assert name_of(Path.cwd() / path) == name


def test_generation_0_of_every_arm_is_the_origins_and_short_spellings_have_a_meaning() -> None:
    assert find("text/replace/0/0:checkpoint") == find("text/origin/0/0:checkpoint")
    assert find("text/real") == "data/text/real/train.parquet"
    assert find("normal/keep/0") == "data/normal/keep/seed=0/trajectory.parquet"
    with pytest.raises(
        HeirloomError, match=r"^text/replace/0/0:synthetic: generation 0 has no synthetic set.*ask for text/replace/0/0:train$"
    ):
        find("text/replace/0/0:synthetic")
    with pytest.raises(
        HeirloomError, match=r"^text/real:checkpoint: no 'checkpoint' there; it has train, valid, test, tokenizer, documents, pretrained$"
    ):
        find("text/real:checkpoint")


def test_a_reference_and_a_path_lead_to_the_artefact_on_disk() -> None:
    path = f"{GENERATION}/synthetic.parquet"
    artefact = locate("text/replace/0/2")
    assert artefact == locate(path) == locate(str(Path.cwd() / path))
    assert (artefact.path, artefact.name, artefact.data()) == (path, "text/replace/0/2", Path(path))


def test_a_fingerprints_first_digits_name_the_artefact() -> None:
    sha256 = recorded_sha256(f"{GENERATION}/checkpoint")
    assert locate(sha256[:8]).name == locate(sha256).name == "text/replace/0/2:checkpoint"
    assert units(sha256[:8]) == [GENERATION]
    with pytest.raises(HeirloomError, match=r"^000000: no artefact's fingerprint begins with these digits"):
        find("000000")
    built = index.build()
    assert built.beginning("") == built.paths


def test_digits_that_several_fingerprints_begin_with_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(references, "FEWEST_DIGITS", 1)
    shared = next(digit for digit in "0123456789abcdef" if len(index.build().beginning(digit)) > 1)
    with pytest.raises(HeirloomError, match=r"^[0-9a-f]: several fingerprints begin so: .*; give more digits$"):
        find(shared)


@pytest.mark.parametrize(
    ("wrong", "near"),
    [("text/replac/0/2", "text/replace/0/2"), ("txt/replace/0/1:checkpoint", "text/replace/0/1:checkpoint"), ("text/real:tran", "")],
)
def test_an_unknown_reference_suggests_the_nearest(wrong: str, near: str) -> None:
    with pytest.raises(HeirloomError) as caught:
        locate(wrong)
    assert f"did you mean {near}" in str(caught.value) if near else "it has train, valid" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_recorded_and_not_here_says_which_command_fetches_it() -> None:
    ledger.write(units(None), [])
    Path("data/text/replace/seed=0.dvc").touch()
    shutil.rmtree(f"{GENERATION}/checkpoint")
    with pytest.raises(
        HeirloomError, match=r"^text/replace/0/2:checkpoint: recorded, but not here; fetch it with dvc pull data/text/replace/seed=0$"
    ):
        locate("text/replace/0/2:checkpoint").data()


def test_completion_offers_what_is_on_disk_or_in_the_ledger() -> None:
    names = ["text/replace/0/3", "text/replace/0/3:checkpoint", "text/replace/0/3:train"]
    assert complete("text/replace/0/3") == names
    ledger.write(units(None), [])
    shutil.rmtree("data/text/replace/seed=0/gen=3")
    assert complete("text/replace/0/3") == names
    assert complete("nothing") == []
    assert len(all_names()) == len(index.build().sha256)


@pytest.mark.parametrize(
    ("text", "covered"),
    [
        ("text/replace/0/2:train", [GENERATION]),
        (f"{GENERATION}/checkpoint", [GENERATION]),
        ("text/replace/0/0", ["data/text/origin/seed=0/gen=0"]),
        ("text/real", ["data/text/real"]),
        ("normal/keep", ["data/normal/keep/seed=0", "data/normal/keep/seed=0/gen=1", "data/normal/keep/seed=0/gen=3"]),
        ("data/normal/keep/seed=0", ["data/normal/keep/seed=0", "data/normal/keep/seed=0/gen=1", "data/normal/keep/seed=0/gen=3"]),
    ],
)
def test_a_name_covers_units(text: str, covered: list[str]) -> None:
    assert units(text) == covered


def test_an_experiment_covers_all_its_units_and_nothing_covers_everything() -> None:
    assert {unit.split("/")[1] for unit in units("text")} == {"text"}
    assert len(units(None)) == len(units("text")) + len(units("normal"))
    with pytest.raises(HeirloomError, match=r"^'texts': nothing of that name lies under data/"):
        units("texts")
