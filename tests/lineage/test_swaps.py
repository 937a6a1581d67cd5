"""A manifest belongs to a place: whatever is exchanged with all its notes is refused, and named even where the notes were rewritten."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import pytest

from heirloom.artefacts import manifest, paths
from heirloom.artefacts.fingerprints import recorded_sha256
from heirloom.errors import HeirloomError
from heirloom.lineage import index, ledger, references
from heirloom.lineage.project import Project
from heirloom.lineage.verify import verify

NOTES: tuple[Callable[[str], str], ...] = (str, paths.fingerprint, paths.manifest)


def swap(one: str, other: str) -> None:
    for spelled in NOTES:
        first, second, aside = Path(spelled(one)), Path(spelled(other)), Path("aside")
        first.rename(aside)
        second.rename(first)
        aside.rename(second)


def rewrite(artefact: str) -> None:
    """Make the notes of an artefact say that it belongs where it lies."""
    file = Path(paths.manifest(artefact))
    content = json.loads(file.read_text())
    wildcards = {key: int(value) if value.isdigit() else value for key, value in paths.wildcards(artefact).items()}
    keys = {key: value for key, value in wildcards.items() if key in content["slice"]}
    file.write_text(manifest.manifest_text({**content, "path": artefact, "slice": {**content["slice"], **keys}}))


def pairs() -> Iterator[tuple[str, str]]:
    """Yield pairs of files of one format, and of folders: other roles, generations, regimes and experiments, real data among them."""
    for first, second in combinations(sorted(index.artefacts_on_disk()), 2):
        if Path(first).suffix == Path(second).suffix and recorded_sha256(first) != recorded_sha256(second):
            yield first, second


@pytest.mark.usefixtures("made_project")
def test_all_artefacts_of_one_format_that_are_exchanged_with_their_notes_are_refused_and_named() -> None:
    refused: Counter[str] = Counter()
    for first, second in list(pairs()):
        swap(first, second)
        for artefact, belongs in ((first, second), (second, first)):
            with pytest.raises(HeirloomError, match=f"belongs to {belongs}, not to {artefact}; heirloom repair {artefact} repairs it$"):
                manifest.check(artefact)
        swap(first, second)
        refused[Path(first).suffix or "folder"] += 1
    assert refused == {".parquet": 322, "folder": 45}


@pytest.mark.usefixtures("made_project")
def test_an_exchange_whose_notes_were_rewritten_to_fit_is_named_by_what_was_made_from_it_and_by_the_ledger() -> None:
    first, second = (f"data/text/replace/seed=0/gen={number}/checkpoint" for number in (1, 2))
    ledger.write(references.units(None), [])
    swap(first, second)
    for artefact in (first, second):
        rewrite(artefact)
        manifest.check(artefact)
    lines = [str(mismatch) for unit in verify() for mismatch in unit.mismatches]
    heirs = [f"data/text/replace/seed=0/gen={number}/synthetic.manifest.json: made from" for number in (2, 3)]
    assert [line.partition(" data/")[0] for line in lines if line.startswith(tuple(heirs))] == heirs
    assert all(any(line.startswith(paths.fingerprint(path)) and "lineage.tsv" in line for line in lines) for path in (first, second))


@pytest.mark.usefixtures("made_project")
def test_every_edge_of_a_run_is_exact_and_equal_bytes_under_different_roles_are_told_apart() -> None:
    project = Project()
    nodes = [project.artefact(path) for path in index.artefacts_on_disk()]
    edges = [edge for node in nodes for edge in node.inputs]
    assert (len(edges), sum(edge.is_source for edge in edges)) == (147, 60)
    assert [edge for edge in edges if edge.is_inferred or not edge.name] == []
    train = project.artefact("data/text/replace/seed=0/gen=2/train.parquet")
    (checkpoint,) = [node for node in nodes if node.path == "data/text/replace/seed=0/gen=2/checkpoint"]
    synthetic = "data/text/replace/seed=0/gen=2/synthetic.parquet"
    assert train.sha256 == project.sha256(synthetic)  # else this test shows nothing
    assert (train.input_paths("synthetic"), checkpoint.input_paths("train")) == ([synthetic], [train.path])
