"""Ancestry down to real data: exact on small lineages, the same for people, programs and pictures."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from heirloom.artefacts import paths
from heirloom.artefacts.files import read_json
from heirloom.artefacts.manifest import manifest_text
from heirloom.errors import HeirloomError
from heirloom.lineage import ledger, references, render
from heirloom.lineage.artefact import Artefact, Input
from heirloom.lineage.project import Project
from heirloom.lineage.trace import Trace, distinguishing, trace

GENERATION = "data/text/replace/seed=0/gen=2"

ACCUMULATE = """\
text/accumulate/0/2  sample …
│    chunk_rows 128, code …, family ngram, num_threads 1, rows 20
├─ tokenizer: text/real:tokenizer  real …
│  │    code …, num_threads 1, source.lines false, source.min_paragraph_words 0, source.name files,
│  │    source.paths ["corpus/*.txt"], source.text.row_tokens 8, source.text.split.test 0.05,
│  │    source.text.split.train 0.9, source.text.split.valid 0.05, source.text.vocab_size 300, source.text_column text
│  ├─ source: corpus/00.txt …
│  ├─ source: corpus/01.txt …
│  ├─ source: corpus/02.txt …
│  └─ source: 9 more files
├─ prompts: text/origin/0/0  mix …
│  │    code …, num_replicas 1, num_threads 1, rows 40
│  └─ pool: text/real:train  real …
│     ├─ source: corpus/00.txt …
│     ├─ source: corpus/01.txt …
│     ├─ source: corpus/02.txt …
│     └─ source: 9 more files
├─ train: text/accumulate/0/1:train  mix …
│  │    mixing.budget grows, mixing.original.draw fixed, mixing.original.share 1.0, mixing.synthetic all, rows 20
│  ├─ pool: text/real:train (see above)
│  ├─ original: text/origin/0/0 (see above)
│  └─ synthetic: text/accumulate/0/1  sample …
│     ├─ tokenizer: text/real:tokenizer (see above)
│     ├─ prompts: text/origin/0/0 (see above)
│     ├─ train: text/origin/0/0 (see above)
│     └─ checkpoint: text/origin/0/0:checkpoint  train …
│        │    code …, family ngram, fit.order 2, fit.vocab_size 300, num_threads 1
│        └─ train: text/origin/0/0 (see above)
└─ checkpoint: text/accumulate/0/1:checkpoint  train …
   └─ train: text/accumulate/0/1:train (see above)"""


def without_hashes(text: str) -> str:
    return re.sub(r"\b[0-9a-f]{16}\b|\b[0-9a-f]{12}\b", "…", text)


def tree_of(reference: str, depth: int | None = None) -> str:
    return without_hashes(render.tree(trace(reference, depth)))


@pytest.mark.usefixtures("made_project")
def test_a_trace_goes_down_to_real_data_and_names_what_is_shared_once() -> None:
    assert tree_of("text/accumulate/0/2") == ACCUMULATE


OPENED = """
import sys
from collections import Counter
from heirloom.cli.commands import app

opened = Counter()

def note(event, arguments):
    if event == "open" and str(arguments[0]).startswith(("data/", "results/")):
        opened[str(arguments[0])] += 1

sys.addaudithook(note)
app(sys.argv[1:], standalone_mode=False)
print(*opened.elements(), sep="\\n", file=sys.stderr)
"""


def files_opened_by(*arguments: str) -> list[str]:
    """Return the files under ``data/`` and ``results/`` that a command opens, each as often as it does, sorted."""
    process = subprocess.run([sys.executable, "-c", OPENED, *arguments], capture_output=True, text=True, check=True)
    return sorted(process.stderr.split())


@pytest.mark.usefixtures("made_project")
def test_a_trace_opens_the_notes_on_its_way_once_and_no_other() -> None:
    nodes = trace("normal/keep/0/3:checkpoint").nodes
    notes = [note(path) for path in nodes for note in (paths.fingerprint, paths.manifest)]
    checkpoint = "data/normal/keep/seed=0/gen=3/checkpoint"
    checked = [f"{checkpoint}/model.safetensors", *[paths.fingerprint(checkpoint)] * 2, paths.manifest(checkpoint)]
    assert len(nodes) == 5
    assert files_opened_by("trace", "normal/keep/0/3:checkpoint") == sorted([*notes, *checked])


@pytest.mark.usefixtures("made_project")
def test_a_tree_can_be_cut() -> None:
    assert tree_of("text/accumulate/0/1:checkpoint", 0).splitlines()[::2] == [
        "text/accumulate/0/1:checkpoint  train …",
        "└─ train: text/accumulate/0/1:train …",
    ]
    assert [references.name_of(path) for path in trace("text/replace/0/1", 1).nodes] == [
        "text/replace/0/1",
        "text/real:tokenizer",
        "text/origin/0/0",
        "text/origin/0/0:checkpoint",
    ]
    with pytest.raises(HeirloomError, match=r"^--depth -1: how many steps up to go, 0 or more$"):
        trace("text/replace/0/1", -1)


@pytest.mark.usefixtures("made_project")
def test_of_equal_bytes_the_artefact_that_the_role_and_the_place_say_is_meant() -> None:
    project = Project()
    train = project.artefact(f"{GENERATION}/train.parquet")
    assert train.input_paths("synthetic") == [f"{GENERATION}/synthetic.parquet"]
    assert train.sha256 == project.index.sha256[f"{GENERATION}/synthetic.parquet"]  # else this test shows nothing
    assert project.artefact(f"{GENERATION}/checkpoint").input_paths("train") == [f"{GENERATION}/train.parquet"]


@pytest.mark.usefixtures("made_project")
def test_a_snapshot_of_a_chain_comes_from_what_the_chain_was_given() -> None:
    assert [references.name_of(path) for path in trace("normal/keep/0/3:checkpoint").nodes] == [
        "normal/keep/0/3:checkpoint",
        "normal/real:test",
        "normal/real:train",
        "normal/origin/0/0",
        "normal/origin/0/0:checkpoint",
    ]


@pytest.mark.usefixtures("made_project")
def test_a_run_is_told_from_the_most_similar_of_the_others() -> None:
    settings = {"rate": 2, "rows": 3, "kept": None}
    assert distinguishing(settings, []) == {"rate": 2, "rows": 3}
    assert distinguishing(settings, [{"rate": 1, "rows": 1, "kept": None}, {"rate": 2, "rows": 3, "kept": 0.5}]) == {"kept": None}
    assert distinguishing(settings, [{"rate": 1}, settings]) == {}


@pytest.mark.usefixtures("made_project")
def test_the_same_graph_as_json_mermaid_and_dot() -> None:
    traced = trace("text/origin/0/0:checkpoint")
    answer = json.loads(render.as_json(traced))
    assert (answer["of"], answer["root"]) == ("text/origin/0/0:checkpoint", "text/origin/0/0:checkpoint")
    checkpoint = answer["artefacts"]["text/origin/0/0:checkpoint"]
    assert (checkpoint["step"], checkpoint["commit"], checkpoint["inputs"]) == ("train", "", {"train": ["text/origin/0/0"]})
    assert checkpoint["slice"]["fit"] == {"order": 2, "vocab_size": 300}
    machine = {"device", "instruction_set", "kernels", "libc", "machine", "vendor"}
    assert set(checkpoint["environment"]) == {*machine, "libraries", "python", "variables"}
    assert without_hashes(render.mermaid(traced)).splitlines() == [
        "flowchart TD",
        '  a0["text/origin/0/0:checkpoint<br/>train …"]',
        '  a1["text/origin/0/0<br/>mix …"]',
        '  a2["text/real:train<br/>real …"]',
        "  a1 -->|train| a0",
        "  a2 -->|pool| a1",
    ]
    assert without_hashes(render.dot(traced)).splitlines() == [
        "digraph lineage {",
        "  node [shape=box];",
        '  "text/origin/0/0:checkpoint" [label="text/origin/0/0:checkpoint\\ntrain …"];',
        '  "text/origin/0/0" [label="text/origin/0/0\\nmix …"];',
        '  "text/real:train" [label="text/real:train\\nreal …"];',
        '  "text/origin/0/0" -> "text/origin/0/0:checkpoint" [label="train"];',
        '  "text/real:train" -> "text/origin/0/0" [label="pool"];',
        "}",
    ]


@pytest.mark.usefixtures("made_project")
def test_a_missing_or_mismatching_manifest_is_one_line() -> None:
    manifest = Path(f"{GENERATION}/train.manifest.json")
    manifest.write_text(manifest_text({**read_json(manifest), "sha256": "0" * 64}))
    repaired = f"heirloom repair {GENERATION}/train.parquet repairs it"
    with pytest.raises(HeirloomError, match=rf"^{manifest}: records 000000000000, but the artefact is recorded as .*; {repaired}$"):
        trace("text/replace/0/2:checkpoint")
    manifest.unlink()
    with pytest.raises(HeirloomError, match=rf"^{manifest}: missing; run snakemake, or fetch it with dvc pull$"):
        trace(f"{GENERATION}/train.parquet")
    with pytest.raises(HeirloomError, match=r"^corpus/00\.txt: no artefact; those lie under data/$"):
        trace("corpus/00.txt")


@pytest.mark.usefixtures("made_project")
def test_an_input_that_is_not_here_any_more_is_named_by_path_and_fingerprint() -> None:
    shutil.rmtree("data/text/real")
    assert "└─ pool: data/text/real/train.parquet … (not there with these bytes)" in tree_of("text/origin/0/0")


@pytest.mark.usefixtures("made_project")
def test_where_data_were_not_pulled_the_ledger_in_git_tells_the_ancestry() -> None:
    ledger.write(references.units(None), [])
    nodes_before = list(trace("text/accumulate/0/3:checkpoint").nodes)
    for arm in ("origin", "accumulate"):
        Path(f"data/text/{arm}/seed=0.dvc").touch()
        shutil.rmtree(f"data/text/{arm}/seed=0")
    assert list(trace("text/accumulate/0/3:checkpoint").nodes) == nodes_before
    assert tree_of("text/accumulate/0/3:checkpoint", 0).startswith("text/accumulate/0/3:checkpoint  ? …\n")


def test_a_path_into_another_project_is_traced_there(made_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert without_hashes(render.tree(trace("project/data/text/accumulate/seed=0/gen=2/synthetic.parquet"))) == ACCUMULATE


def test_a_thousand_generations_are_no_deeper_than_the_stack() -> None:
    nodes = [Artefact(Project(), f"a{number}", {"sha256": f"{number}"}, (Input("parent", "", f"a{number + 1}"),)) for number in range(3000)]
    by_path = {node.path: node for node in nodes}
    tree = render.tree(Trace("a0", by_path, dict.fromkeys(by_path, "")))
    assert tree.count("└─") == 3000
    assert tree.endswith("└─ parent: a3000 …")
