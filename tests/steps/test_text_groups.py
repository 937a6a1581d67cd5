"""Groups of text by a column of its source: a row has the group of its document, or of the original row that it continues."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import small_lineages
from by_hand import slice_of
from heirloom import config as configuration
from heirloom.artefacts import kinds
from heirloom.artefacts.files import read_json
from heirloom.artefacts.kinds import Key
from heirloom.config import Config
from heirloom.data.ancestry import Writer
from heirloom.data.dataset import Dataset
from heirloom.data.rows import text_table
from heirloom.errors import HeirloomError
from heirloom.families.base import Sets
from heirloom.report import group_table
from heirloom.specs.source import gives_same_rows
from heirloom.steps import document_index, evaluate, group_measures, mix, real, sample, select, train
from heirloom.workflow.steps import STEPS

NGRAM = {"name": "ngram", "training": {"order": 4}}
TOPIC = {"column": "topic"}
PAIRS = {"rows": "pairs", "vocab_size": 270, "split": {"train": 0.6, "valid": 0.1, "test": 0.3}}
BLOCKS = {"row_tokens": 4, "vocab_size": 257}
SHORT_ONES = {"select": {"by": {"measure": "tokens"}, "keep": "lowest", "share": 0.5}, "budget": "grows"}


def declared(text: dict[str, Any], groups: Any = TOPIC, **more: Any) -> Config:
    experiment = {
        "family": NGRAM,
        "source": {"name": "files", "paths": ["a.jsonl"], "text": text},
        "regimes": ["replace"],
        "generations": 2,
        "rows": 40,
        "groups": groups,
        **more,
    }
    return configuration.parse({"regimes": {"replace": {}, "short": SHORT_ONES}, "experiments": {"text": experiment}})


def write_pairs(path: str = "a.jsonl") -> None:
    """Write 240 pairs: one third is of the sea, whose answers are long, and two thirds of the air, whose answers are short."""
    lines = []
    for number in range(240):
        topic = "sea" if number % 3 == 0 else "air"
        answer = "water and water and water" if topic == "sea" else "up"
        lines.append(json.dumps({"prompt": f"{number} {topic}?", "completion": answer, "topic": topic}))
    Path(path).write_text("\n".join(lines), encoding="utf-8")


def write_documents() -> None:
    lines = []
    for number, topic in enumerate(["sea", "air", "sea", "fire"] * 6):
        lines.append(json.dumps({"text": "abcdefghijk"[: 5 + number % 4] + str(number), "topic": topic}))
    Path("a.jsonl").write_text("\n".join(lines), encoding="utf-8")


def make_real(config: Config, folder: str) -> Path:
    kinds_of = {"train": kinds.REAL_TRAIN, "valid": kinds.REAL_VALID, "test": kinds.REAL_TEST}
    outputs = {role: f"{folder}/{Path(kind.path('text')).name}" for role, kind in kinds_of.items()}
    outputs |= {"tokenizer": f"{folder}/tokenizer.json", "documents": f"{folder}/documents.parquet"}
    real.run_text(slice_of("real", config, "text"), outputs)
    return Path(folder)


@pytest.mark.parametrize(("write", "text"), [(write_pairs, PAIRS), (write_documents, BLOCKS)])
def test_groups_change_no_byte_of_the_rows_and_add_two_columns_to_the_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Any, text: dict[str, Any]
) -> None:
    monkeypatch.chdir(tmp_path)
    write()
    with_groups, without = make_real(declared(text), "with"), make_real(declared(text, None), "without")
    for name in ("train.parquet", "valid.parquet", "test.parquet", "tokenizer.json"):
        assert (with_groups / name).read_bytes() == (without / name).read_bytes()
    columns = ["document", "title", "split", "first_row", "num_rows"]
    index = pq.read_table(with_groups / "documents.parquet")
    assert index.column_names == [*columns, "group", "own_rows"]
    plain = pq.read_table(without / "documents.parquet")
    assert plain.column_names == columns
    assert index.select(columns) == plain
    topics = [json.loads(line)["topic"] for line in Path("a.jsonl").read_text().splitlines()]
    assert index["group"].to_pylist() == [topics[number] for number in index["document"].to_pylist()]


def test_only_slices_of_experiments_with_such_groups_name_the_column_and_only_they_take_the_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_pairs()
    config, without = declared(PAIRS), declared(PAIRS, None)
    assert slice_of("real", config, "text").source["group_column"] == "topic"
    assert "group_column" not in slice_of("real", without, "text").source
    key = Key("text", "replace", 0, 1)
    assert STEPS["evaluate"].takes["documents"].find(config, key) == [kinds.DOCUMENTS.path("text")]
    assert STEPS["evaluate"].takes["documents"].find(without, key) == []
    assert STEPS["evaluate"].takes["documents"].find(declared(BLOCKS, {"measure": "tokens", "quantiles": [0.5]}), key) == []


@pytest.mark.parametrize(
    ("packing", "groups"),
    [
        (None, ["sea", "fire"]),  # aaaa | dddd: what is left over of each document is dropped
        ({"lead": "none"}, ["sea", "air", "sea", "fire"]),  # aaaa | abbb | ccdd, two of each: the earlier | dddd
        ({"lead": "none", "documents": 3}, ["sea", "air", "fire", "fire"]),  # aaaa | abbb, and cc is left over; then dddd | ddff
    ],
)
def test_a_row_has_the_group_of_the_document_that_most_of_its_tokens_come_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packing: Any, groups: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    documents = [("aaaaa", "sea"), ("bbb", "air"), ("cc", "sea"), ("dddddd", "fire"), ("ff", "fire")]
    for name in ("train", "valid", "test"):
        lines = [json.dumps({"text": text if name == "train" else text + name, "topic": topic}) for text, topic in documents]
        Path(f"{name}.jsonl").write_text("\n".join(lines))
    paths = {name: [f"{name}.jsonl"] for name in ("train", "valid", "test")}
    text = {**BLOCKS, **({"packing": packing} if packing else {})}
    folder = make_real(declared(text, source={"name": "files", "paths": paths, "text": text}), "made")
    assert document_index.groups_of_rows(folder / "documents.parquet")["train"].tolist() == groups


def test_a_row_is_or_continues_a_real_one_or_is_in_no_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    index = {"split": ["train", "test", "train", "train"], "group": ["sea", "fire", "air", "fire"], "own_rows": [2, 2, 1, 1]}
    pd.DataFrame(index).to_parquet("documents.parquet")
    tokens, texts = np.zeros((3, 4), np.int32), ["a", "b", "c"]
    original = Dataset.of(text_table(tokens, texts, first_row=0))
    held_out = Dataset.of(text_table(tokens[:2], texts[:2], first_row=0))
    writer = Writer("m", np.ones(1), np.ones(1, np.int32))
    continued = Dataset.of(text_table(tokens, texts, first_row=0, born=1, parent=[2, 0, 3], writer=writer))
    free = Dataset.of(text_table(tokens, texts, first_row=0, born=1, writer=writer))
    parts = group_measures.of_documents("documents.parquet", Sets(continued, continued, held_out, original))
    assert parts.names == ["air", "sea"]  # no original row is of the fire
    assert parts.labels(original).tolist() == [[1, 1, 0]]
    assert parts.labels(continued).tolist() == [[0, 1, -1]]
    assert parts.labels(free).tolist() == [[-1, -1, -1]]
    assert parts.labels(held_out).tolist() == [[-1, -1]]


def generation(config: Config, regime: str, number: int) -> dict[str, float]:
    """Write one generation, and return its measures."""
    key, before = ("text", regime, 0, number), ("text", regime, 0, number - 1)
    original, origin = kinds.TRAIN.path("text", seed=0, generation=0), kinds.CHECKPOINT.path("text", seed=0, generation=0)
    tokenizer, synthetic, selected = kinds.TOKENIZER.path("text"), kinds.SYNTHETIC.path(*key), kinds.SELECTED.path(*key)
    rows, checkpoint = kinds.TRAIN.path(*key), kinds.CHECKPOINT.path(*key)
    if number:
        inputs = {"checkpoint": kinds.CHECKPOINT.path(*before), "train": kinds.TRAIN.path(*before), "prompts": original}
        sample.run(slice_of("sample", config, *key), {**inputs, "tokenizer": tokenizer, "judge": ""}, {"synthetic": synthetic})
        offered = synthetic
        if config.regimes[regime].select:
            select.run(slice_of("select", config, *key), {"synthetic": synthetic}, {"selected": selected})
            offered = selected
        pool = kinds.REAL_TRAIN.path("text")
        mix.run(slice_of("mix", config, *key), {"pool": pool, "original": original, "synthetic": offered}, {"train": rows})
        train.run(slice_of("train", config, *key), {"train": rows}, {"checkpoint": checkpoint})
    inputs = {"checkpoint": checkpoint, "train": rows, "synthetic": synthetic if number else "", "held_out": kinds.REAL_TEST.path("text")}
    more = {"original": original, "origin": origin, "tokenizer": tokenizer, "documents": kinds.DOCUMENTS.path("text")}
    evaluate.run(slice_of("evaluate", config, *key), {**inputs, **more}, {"metrics": "metrics.json"})
    measures: dict[str, float] = read_json("metrics.json")
    return measures


def test_the_group_of_long_answers_vanishes_where_the_short_half_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_pairs()
    config = declared(PAIRS, regimes=["replace", "short"])
    small_lineages.make_origin(config, "text")
    measured = {}
    for regime, number in (("origin", 0), ("replace", 1), ("replace", 2), ("short", 1), ("short", 2)):
        measured[regime, number] = generation(config, regime, number)
        assert measured[regime, number]["group.sea.share"] == 13 / 40  # the share of the prompts, whatever was learnt
    trained = {place: measures["group.sea.trained"] for place, measures in measured.items()}
    alive = {place: measures["group.sea.alive"] for place, measures in measured.items()}
    assert trained == {("origin", 0): 13 / 40, ("replace", 1): 13 / 40, ("replace", 2): 13 / 40, ("short", 1): 0.0, ("short", 2): 7 / 20}
    assert alive == {("origin", 0): 1.0, ("replace", 1): 1.0, ("replace", 2): 1.0, ("short", 1): 0.0, ("short", 2): 1.0}
    # the prompts come back, but with the answers of the other group
    tokens = [measured["short", number]["group.sea.completion_tokens.mean"] for number in (1, 2)]
    assert (round(tokens[0], 1), tokens[1]) == (5.8, 2.0)
    assert measured["short", 2]["group.sea.exact_match"] == 0.0
    assert measured["short", 2]["group.air.exact_match"] == 1.0
    lines = [
        {"regime": regime, "generation": number, "metric": name, "value": value}
        for (regime, number), measures in measured.items()
        for name, value in measures.items()
    ]
    table = group_table.table(pd.DataFrame(lines).assign(experiment="text", variant="", seed=0), config)
    shown = table.set_index(["regime", "group"])[["share", "trained", "neutral_alive", "half_gone", "rank"]].astype(object)
    assert shown.where(shown.notna(), None).T.to_dict("list") == {
        ("replace", "air"): [27 / 40, 27 / 40, 1.0, None, 1],
        ("replace", "sea"): [13 / 40, 13 / 40, 1.0, None, 2],
        ("short", "sea"): [13 / 40, 7 / 20, None, 1.0, 1],
        ("short", "air"): [27 / 40, 13 / 20, None, None, 2],
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"family": NGRAM | {"sampling": {"prompts": "none"}}}, "groups.column is 'topic'; .* it continues none: set prompts to original"),
        ({"source": {"name": "wikipedia"}}, "groups.column is 'topic'; source 'wikipedia' has no columns: table, files and hub have"),
        ({"source": {"name": "files", "paths": ["a.jsonl"], "document_separator": "^="}}, "document_separator joins rows"),
        ({"source": {"name": "files", "paths": ["a.jsonl"], "group_column": "theme"}}, "source.group_column is 'theme', which is set from"),
        ({"source": {"name": "files", "paths": ["a.jsonl"], "group_column": "topic"}, "groups": None}, "leave it out"),
    ],
)
def test_a_config_whose_rows_have_no_document_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(HeirloomError, match=message):
        declared(BLOCKS, **{"groups": TOPIC, **change})


def test_a_model_of_the_same_rows_without_groups_may_judge() -> None:
    own, other = (declared(BLOCKS, groups).experiments["text"].source for groups in (TOPIC, None))
    assert own != other
    assert gives_same_rows(own, other)
    assert not gives_same_rows(own, declared(PAIRS).experiments["text"].source)


def test_continued_prompts_leave_nothing_to_chance() -> None:
    config = declared(PAIRS)
    assert group_table.neutral_alive(0.01, config.experiments["text"]).tolist() == [1.0, 1.0]
