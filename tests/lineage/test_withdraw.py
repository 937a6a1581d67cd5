"""Withdrawal: the passage of a row is found by columns alone, the rebuild is as if it had never stood there, and git keeps the record."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

import small_lineages
from heirloom import config as configuration
from heirloom import sources
from heirloom.artefacts import kinds
from heirloom.artefacts.files import read_json
from heirloom.artefacts.fingerprints import recorded_sha256
from heirloom.errors import HeirloomError
from heirloom.lineage import index, passage, withdraw
from helpers import make_workspace, run_in, write_corpus
from toy_project import Shell, commit, planned_totals

CONFIG = Path("config.yaml")
WHY = "a letter that its writer wants back"
TEXT = """\
# one lineage of text, small enough to be run a few times
schema_version: 1
regimes:
  keep: {original: {share: 0.25}}  # a quarter stays
experiments:
  text:
    family: {name: ngram, training: {order: 2}}
    source: {name: files, paths: [corpus/*.txt], text: {vocab_size: 300, row_tokens: 8}}
    regimes: [keep]
    generations: 2
    rows: 20
    origin_rows: 40
"""

OTHER = """\
  other:
    family: {name: ngram, training: {order: 2}}
    source: {name: files, paths: [corpus/*.txt], text: {vocab_size: 300, row_tokens: 16}}
    regimes: [keep]
    generations: 1
    rows: 20
    origin_rows: 40
"""


def fingerprints() -> dict[str, str]:
    """Return path → fingerprint of all datasets and models, and of the tokenizer."""
    return {path: recorded_sha256(path) for path in index.artefacts_on_disk()}


def cut_by_hand(one: passage.Passage) -> None:
    """Delete a passage from its file of the corpus."""
    file = sorted(Path("corpus").glob("*.txt"))[one.document]
    text = file.read_text(encoding="utf-8")
    assert text[one.start : one.end] == one.text
    file.write_text(text[: one.start] + text[one.end :], encoding="utf-8")


def of_config(config: Path) -> dict[str, Any]:
    (entry,) = yaml.safe_load(config.read_text())["experiments"]["text"]["source"]["withdrawn"]
    fields: dict[str, Any] = entry
    return fields


@pytest.mark.usefixtures("made_project")
def test_the_passages_of_a_documents_rows_follow_each_other_and_spell_its_text() -> None:
    documents = pq.read_table(kinds.DOCUMENTS.path("text")).to_pylist()
    line = next(one for one in documents if one["split"] == "train" and one["num_rows"] > 2)
    passages = [passage.of_row(f"text/real:train#{line['first_row'] + number}") for number in range(line["num_rows"])]
    text = Path(f"corpus/{line['title']}.txt").read_text(encoding="utf-8")
    assert "".join(one.text for one in passages) == text[: passages[-1].end]
    assert [one.end for one in passages[:-1]] == [one.start for one in passages[1:]]
    assert {one.document for one in passages} == {line["document"]}


def test_a_character_that_two_rows_share_is_withdrawn_with_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_corpus(Path("corpus"))
    for file in Path("corpus").glob("*.txt"):
        file.write_text(file.read_text().replace("river", "रिवर🦆"), encoding="utf-8")
    source = {**small_lineages.SOURCE, "text": {"vocab_size": 257, "row_tokens": 5}}  # bytes alone: most rows end inside a character
    small_lineages.make_origin(small_lineages.declared(source=source), "text")
    files = sorted(Path("corpus").glob("*.txt"))
    rows = pq.read_table(kinds.REAL_TRAIN.path("text"))
    last = {line["first_row"] + line["num_rows"] - 1 for line in pq.read_table(kinds.DOCUMENTS.path("text")).to_pylist()}
    shared = [row["row"] for row in rows.to_pylist() if row["text"].endswith("\ufffd") and row["row"] not in last]
    assert len(shared) > 20
    for row in shared[:20]:
        one = passage.of_row(f"text/real:train#{row}")
        assert files[one.document].read_text(encoding="utf-8")[one.start : one.end] == one.text
        assert len(one.text.encode()) > 5  # the row's own five bytes, and the rest of its last character


@pytest.mark.usefixtures("made_project")
def test_a_run_without_a_passage_gives_the_bytes_of_a_run_whose_source_never_had_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = pq.read_table("data/text/origin/seed=0/gen=0/train.parquet")["row"][0].as_py()
    one = passage.of_row(f"text/origin/0/0#0/{row}")
    before = fingerprints()
    entry = {"document": one.document, "start": one.start, "end": one.end, "sha256": one.sha256, "reason": WHY}
    shutil.rmtree("data")
    small_lineages.make_text(small_lineages.declared(1, source={**small_lineages.SOURCE, "withdrawn": [entry]}))
    rebuilt = fingerprints()
    assert read_json(paths_manifest(kinds.REAL_TRAIN.path("text")))["slice"]["source"]["withdrawn"] == [entry]
    shutil.rmtree("data")
    cut_by_hand(one)
    small_lineages.make_text(small_lineages.declared(1))
    assert fingerprints() == rebuilt
    assert all(rebuilt[path] != before[path] for path in rebuilt if path.endswith(("train.parquet", "checkpoint", "tokenizer.json")))
    with pytest.raises(HeirloomError, match=r"are not the withdrawn passage; the source has changed since the withdrawal$"):
        small_lineages.make_text(small_lineages.declared(1, source={**small_lineages.SOURCE, "withdrawn": [entry]}))


def paths_manifest(path: str) -> Path:
    return Path(path).with_suffix(".manifest.json")


@pytest.mark.usefixtures("made_project")
def test_a_plan_keeps_the_configs_comments_and_names_every_job_that_the_rows_went_into() -> None:
    CONFIG.write_text(TEXT)
    planned = withdraw.plan("text/real:train#5", WHY, CONFIG)
    assert CONFIG.read_text() == TEXT
    assert [line for line in TEXT.splitlines() if line not in planned.config.splitlines()] == [
        "    source: {name: files, paths: [corpus/*.txt], text: {vocab_size: 300, row_tokens: 8}}"
    ]
    names = [f"{job.step} {job.regime} {job.generation}" for job in planned.jobs]
    later = [f"{step} keep {generation}" for generation in (1, 2) for step in ("sample", "mix", "train", "evaluate")]
    assert names == ["real real None", "mix origin 0", "train origin 0", "evaluate origin 0", *later]
    assert [*withdraw.lines(planned)][-1] == "12 jobs"
    (entry,) = configuration.parse(yaml.safe_load(planned.config)).experiments["text"].source.model_dump()["withdrawn"]
    assert entry["reason"] == WHY


@pytest.mark.usefixtures("made_project")
def test_a_passage_that_stands_more_than_once_is_withdrawn_wherever_it_stands() -> None:
    one = passage.of_row("text/real:train#5")
    files = sorted(Path("corpus").glob("*.txt"))
    copied = (one.document + 1) % len(files)
    half = len(one.text) // 2
    nested = f"{one.text[:half]}{one.text}{one.text[half:]}"  # the cut of one brings the halves of another together
    files[copied].write_text(f"{one.text}{one.text} {nested}, and no more.", encoding="utf-8")
    CONFIG.write_text(f"{TEXT}{OTHER}")
    small_lineages.make_origin(configuration.load(CONFIG), "other")
    planned = withdraw.plan("text/real:train#5", WHY, CONFIG)
    places = [place for place in planned.places if place.document == copied]
    size = len(one.text)
    assert places == [(copied, 0, size), (copied, 0, size), (copied, half + 1, half + 1 + size), (copied, 1, 1 + size)]
    assert (one.document, one.start, one.end) in planned.places
    assert [*withdraw.lines(planned)][: len(planned.places)] == [f"text: {place}: {' '.join(one.text.split())}" for place in planned.places]
    left = configuration.parse(yaml.safe_load(planned.config)).experiments["text"].source
    texts = [document.text for document in sources.documents(left)]  # type: ignore[arg-type]  # a source of text
    assert texts[copied] == " , and no more."
    assert not any(one.text in text for text in texts)
    (line,) = planned.elsewhere
    assert line.startswith("other: made from the same source files, and not part of this withdrawal; the passage stands there, too: char")


@pytest.mark.usefixtures("made_project")
def test_where_the_source_is_not_here_the_plan_says_that_it_was_not_searched() -> None:
    CONFIG.write_text(TEXT)
    shutil.rmtree("corpus")
    planned = withdraw.plan("text/real:train#5", WHY, CONFIG)
    assert len(planned.places) == 1
    assert "text: its source is not on this machine, and was not searched for other places of the passage" in withdraw.lines(planned)


@pytest.mark.usefixtures("made_project")
def test_a_turn_of_phrase_is_not_withdrawn() -> None:
    CONFIG.write_text(TEXT)
    one = passage.of_row("text/real:train#5")
    sorted(Path("corpus").glob("*.txt"))[one.document - 1].write_text(one.text * 101, encoding="utf-8")
    with pytest.raises(HeirloomError, match=r"^the passage stands at more than 100 places of the source; delete it there$"):
        withdraw.plan("text/real:train#5", WHY, CONFIG)


@pytest.mark.usefixtures("made_project")
def test_what_cannot_be_withdrawn_is_refused_in_a_line() -> None:
    CONFIG.write_text(TEXT)
    for reference, why, message in (
        ("text/replace/0/1#3", WHY, "text/replace/0/1#3: a model wrote this row; withdraw the real rows that heirloom trace names"),
        ("normal/real:train#3", WHY, "normal/real:train#3: its real data have no documents; only rows of text"),
        ("text/real:train#3", " ", "--because: say in a few words why"),
        ("text/real:train#999999", WHY, "no row at position 999999"),
    ):
        with pytest.raises(HeirloomError, match=re.escape(message)):
            withdraw.plan(reference, why, CONFIG)
    CONFIG.write_text(TEXT.replace("  text:\n", "  prose:\n"))
    with pytest.raises(HeirloomError, match=r"^config\.yaml: has no experiment text; --config names the one that was run$"):
        withdraw.plan("text/real:train#3", WHY, CONFIG)


@pytest.mark.slow
@pytest.mark.system
def test_a_withdrawal_from_a_bare_clone_is_as_if_the_row_had_never_been_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sh: Shell
) -> None:
    work = make_workspace(tmp_path / "work")
    (work / "config.yaml").write_text(TEXT)
    monkeypatch.chdir(work)
    sh("git", "init", "-q", "-b", "main")
    sh("dvc", "remote", "add", "-q", "-d", "store", str(tmp_path / "store"))
    sh("snakemake")
    commit(sh)
    sh("dvc", "push", "-q")
    sh("git", "clone", "-q", str(work), str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    sh("dvc", "pull", "-q", "data/text/real.dvc")
    one = passage.of_row("text/real:train#5")
    planned = withdraw.plan("text/real:train#5", WHY, CONFIG)
    printed = sh("heirloom", "withdraw", "text/real:train#5", "--because", WHY, "--apply")
    assert "results: tables and figures are still of the text with the passage; snakemake makes them anew" in printed
    assert "nothing to do" not in sh("heirloom", "status")
    rebuilt = fingerprints()
    assert CONFIG.read_text() == planned.config

    monkeypatch.chdir(work)  # where everything is here, Snakemake plans just these jobs, and the results
    CONFIG.write_text(planned.config)
    totals = planned_totals(sh)
    steps = [job.step for job in planned.jobs]
    assert {step: totals.get(step, totals.get(f"{step}_text")) for step in set(steps)} == {step: steps.count(step) for step in set(steps)}

    fresh = make_workspace(tmp_path / "fresh")
    (fresh / "config.yaml").write_text(TEXT)
    monkeypatch.chdir(fresh)
    cut_by_hand(one)
    sh("git", "init", "-q")
    run_in(fresh, "snakemake")
    assert fingerprints() == rebuilt

    monkeypatch.chdir(tmp_path / "clone")
    commit(sh)
    sh("dvc", "gc", "-q", "-w", "-f")
    assert of_config(CONFIG)["reason"] == WHY
    assert read_json(paths_manifest(kinds.REAL_TRAIN.path("text")))["slice"]["source"]["withdrawn"] == [of_config(CONFIG)]
    assert "all as recorded" in sh("heirloom", "verify")
