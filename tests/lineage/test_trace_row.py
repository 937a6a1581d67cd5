"""One row to its article, and to every model before it: counts that can be worked out by hand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from heirloom.errors import HeirloomError
from heirloom.lineage import lookup, render_row
from heirloom.lineage import trace_row as trace_row_module
from heirloom.lineage.project import Project
from heirloom.lineage.trace_row import Text, split_reference, trace_row

pytestmark = pytest.mark.usefixtures("made_project")

ORIGINAL = "data/text/origin/seed=0/gen=0/train.parquet"
TRAIN = "data/text/accumulate/seed=0/gen=3/train.parquet"


def test_a_row_is_named_by_position_or_by_birth_and_id() -> None:
    assert split_reference("text/replace/0/2@HEAD~1#17") == ("text/replace/0/2@HEAD~1", "17")
    assert split_reference("data/x#1/2/3") == ("data/x", "1/2/3")
    assert split_reference("text/replace/0/2") == ("text/replace/0/2", "")
    by_birth, by_position = trace_row("text/accumulate/0/3:train#2/7"), trace_row("text/accumulate/0/3:train#47")
    assert by_birth.texts == by_position.texts
    assert by_birth.texts[0].position == 47  # 20 real rows, 20 born in generation 1, then rows 0 to 6
    with pytest.raises(HeirloomError, match=r"gen=3/train\.parquet: no row 20 born in generation 2$"):
        trace_row("text/accumulate/0/3:train#2/20")
    with pytest.raises(HeirloomError, match=r"gen=3/train\.parquet: no row at position 80; it has rows 0 to 79$"):
        trace_row("text/accumulate/0/3:train#80")
    with pytest.raises(HeirloomError, match=r"^text/replace/0/2:checkpoint: has no rows to trace"):
        trace_row("text/replace/0/2:checkpoint#1")


def test_a_synthetic_row_is_followed_by_text_to_its_article() -> None:
    written, prompt, pool = trace_row("text/replace/0/2#5").texts
    rows = pq.read_table("data/text/replace/seed=0/gen=2/synthetic.parquet").to_pylist()
    assert (written.row["text"], written.position) == (rows[5]["text"], 5)
    originals = pq.read_table(ORIGINAL).to_pylist()
    assert (prompt.path, pool.path) == (ORIGINAL, "data/text/real/train.parquet")
    assert originals[prompt.position]["row"] == prompt.row["row"] == written.row["parent"] == pool.row["row"] == pool.position
    assert originals[prompt.position]["text"] == prompt.row["text"] == pool.row["text"]
    article = trace_row("text/replace/0/2#5").article
    assert article is not None
    text = Path(f"corpus/{article['title']}.txt").read_text()
    assert article["split"] == "train"
    assert prompt.row["text"].strip() in text.replace("\n", " ")
    assert 0 <= pool.row["row"] - article["first_row"] < article["num_rows"]


def test_models_are_followed_to_the_first_with_what_each_had_read() -> None:
    writers = trace_row("text/accumulate/0/3:train#3/0").writers
    assert [(writer.checkpoint.split("/")[-2], writer.births) for writer in writers] == [
        ("gen=2", {0: 20, 1: 20, 2: 20}),
        ("gen=1", {0: 20, 1: 20}),
        ("gen=0", {0: 40}),
    ]
    assert [writer.births for writer in trace_row("text/replace/0/3#0").writers] == [{2: 20}, {1: 20}, {0: 40}]


def test_a_real_row_of_a_training_set_has_an_article_and_no_writer() -> None:
    ancestry = trace_row("text/accumulate/0/3:train#0")
    assert [text.path for text in ancestry.texts] == [TRAIN, "data/text/real/train.parquet"]
    assert ancestry.article is not None
    assert ancestry.writers == ()
    assert render_row.outline(ancestry).endswith("by model\n  no model: a human wrote it, or the source's law drew it")


def test_a_held_out_row_is_of_its_own_split() -> None:
    ancestry = trace_row("text/real:test#2")
    assert [text.path for text in ancestry.texts] == ["data/text/real/test.parquet"]
    assert ancestry.article is not None
    assert ancestry.article["split"] == "test"


def test_a_vector_has_no_text_and_a_chain_says_what_it_did_not_keep() -> None:
    ancestry = trace_row("normal/keep/0/3#3/4/2")
    assert [(text.position, text.row["replica"], text.row["row"]) for text in ancestry.texts] == [(24, 2, 4)]
    assert (ancestry.article, ancestry.source["name"]) == (None, "normal")
    assert [(writer.checkpoint, writer.train) for writer in ancestry.writers] == [
        ("data/normal/keep/seed=0/gen=2/checkpoint", None),
        ("data/normal/origin/seed=0/gen=0/checkpoint", "data/normal/origin/seed=0/gen=0/train.parquet"),
    ]
    assert "  normal/keep/0/2:checkpoint  " in render_row.outline(ancestry)
    assert "      not kept, nor what it read: inside a chain from normal/origin/0/0:checkpoint" in render_row.outline(ancestry)


def test_the_outline_reads_from_the_row_to_the_article_and_to_the_first_model() -> None:
    ancestry = trace_row("text/replace/0/2#5")
    written, prompt, _ = (text.row for text in ancestry.texts)
    article = ancestry.article or {}
    first, last = article["first_row"], article["first_row"] + article["num_rows"] - 1
    settings = 'lines false, min_paragraph_words 0, paths ["corpus/*.txt"], text.row_tokens 8, text.split.test'
    assert render_row.outline(ancestry).splitlines() == [
        "text/replace/0/2#5: synthetic row 5, born in generation 2, 2 models from a human on average",
        f"      “{written['text']}”",
        "by text",
        f"  continues text/origin/0/0, row {prompt['row']}",
        f"      “{prompt['text']}”",
        f"  which is text/real:train, row {prompt['row']}",
        f"  cut from “{article['title']}” (document {article['document']}, train split, rows {first} to {last})",
        f"  of the source files: {settings}",
        "    0.05, text.split.train 0.9, text.split.valid 0.05, text.vocab_size 300, text_column text",
        "by model",
        f"  text/replace/0/1:checkpoint  {ancestry.writers[0].sha256[:12]}",
        "      read text/replace/0/1:train: 20 rows, 20 born in generation 1",
        f"  text/origin/0/0:checkpoint  {ancestry.writers[1].sha256[:12]}",
        "      read text/origin/0/0: 40 rows, 40 real",
    ]
    answer = json.loads(render_row.as_json(ancestry))
    assert [writer["read"] for writer in answer["writers"]] == [{"1": 20}, {"0": 40}]
    assert [writer["dataset"] for writer in answer["texts"]] == ["text/replace/0/2", "text/origin/0/0", "text/real:train"]


def test_rows_that_are_not_here_say_which_command_fetches_them() -> None:
    shutil.move("data/text/origin/seed=0/gen=0/train.parquet", "elsewhere.parquet")
    with pytest.raises(HeirloomError, match=r"^text/origin/0/0: recorded, but not here; fetch it with dvc pull data/text/origin/seed=0$"):
        trace_row("text/replace/0/2#5")


def test_lookup_finds_rows_over_several_row_groups_and_counts_them() -> None:
    rows = {
        "row": np.tile(np.arange(10), 3),
        "born": np.repeat([0, 1, 2], 10).astype(np.int32),
        "text": [f"t{place}" for place in range(30)],
    }
    model = [None] * 10 + ["a"] * 10 + ["b"] * 10
    path = Path("rows.parquet")
    pq.write_table(pa.table({**rows, "model": pa.array(model, pa.string())}), path, row_group_size=7)
    assert lookup.position_of(path, 4, born=2) == 24
    assert lookup.position_of(path, 4) == 4
    assert lookup.row_at(path, 24) == {"row": 4, "born": 2, "text": "t24", "model": "b"}
    assert lookup.writers(path) == {(0, None): 10, (1, "a"): 10, (2, "b"): 10}
    pq.write_table(pa.table({"born": pa.array([1, 1, 1], pa.int32()), "model": pa.array(["a", None, "a"], pa.string())}), path)
    assert lookup.writers(path) == {(1, "a"): 2, (1, None): 1}


def test_a_synthetic_row_of_a_training_set_was_written_into_the_set_of_its_birth() -> None:
    home = trace_row_module._home(Project(), Text(TRAIN, 0, {"born": 2}))
    assert home == "data/text/accumulate/seed=0/gen=2/synthetic.parquet"
