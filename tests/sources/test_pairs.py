"""Prompts and completions come in from every kind of file, and what is wrong with one is said with its line."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from heirloom import sources
from heirloom.errors import HeirloomError
from heirloom.sources import wikipedia_pairs
from heirloom.specs.source import AnyTextSource, FilesSource, HubSource, WikipediaSource

ROWS = [{"question": f"What is {n}?", "answer": f"It is {n}.", "id": n} for n in range(4)]
COLUMNS = {"prompt": "question", "completion": "answer"}


def source(paths: object, **settings: object) -> FilesSource:
    return FilesSource.model_validate({"name": "files", "paths": paths, "text": {"rows": "pairs", "pairs": settings}})


def lines(path: Path, rows: list[Any]) -> str:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return str(path)


def records(spec: AnyTextSource) -> list[Any]:
    return [json.loads(document.text) for document in sources.documents(spec)]


def test_columns_of_any_name_are_read_from_every_kind_of_file(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(ROWS))
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "a.parquet")
    wanted = [{"pairs": [[row["question"], row["answer"]]]} for row in ROWS]
    for path in (lines(tmp_path / "a.jsonl", ROWS), str(tmp_path / "a.json"), str(tmp_path / "a.parquet")):
        assert records(source([path], **COLUMNS)) == wanted


def test_a_folder_of_the_hubs_layout_is_read_split_by_split(tmp_path: Path) -> None:
    for split in ("train", "validation", "test"):
        lines(tmp_path / f"{split}.jsonl", [{"prompt": split, "completion": "yes"}])
    spec = HubSource.model_validate({"name": "hub", "dataset": str(tmp_path), "text": {"rows": "pairs"}})
    sources.preflight(spec)
    assert [(document.split, json.loads(document.text)) for document in sources.documents(spec)] == [
        ("train", {"pairs": [["train", "yes"]]}),
        ("valid", {"pairs": [["validation", "yes"]]}),
        ("test", {"pairs": [["test", "yes"]]}),
    ]


def test_dictionary_columns_and_lists_of_messages_are_read_from_parquet(tmp_path: Path) -> None:
    chat = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    pq.write_table(pa.table({"chat": pa.array([chat])}), tmp_path / "chat.parquet")
    text = {"rows": "pairs", "pairs": {"messages": "chat"}, "tokenizer": {"path": "org/model"}}
    spec = FilesSource.model_validate({"name": "files", "paths": [str(tmp_path / "chat.parquet")], "text": text})
    assert records(spec) == [{"messages": chat}]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({"prompt": "Why?", "completion": ""}, "bad.jsonl:2: a pair without completion"),
        ({"prompt": "Why?", "completion": " \n"}, "bad.jsonl:2: a pair without completion"),
        ({"prompt": "Why?", "completion": None}, "bad.jsonl:2: a pair without completion"),
        ({"prompt": "", "completion": "So."}, "bad.jsonl:2: a pair without prompt"),
        ({"prompt": "Why?", "completion": 3}, "bad.jsonl:2: expected text, got 3"),
        ({"prompt": "Why?", "answer": "So."}, "bad.jsonl:2 has no column 'completion'; it has prompt, answer"),
        (["Why?", "So."], "bad.jsonl:2: a list; each row must be an object"),
    ],
)
def test_a_bad_row_is_one_line_with_its_place(tmp_path: Path, row: Any, fault: str) -> None:
    path = lines(tmp_path / "bad.jsonl", [{"prompt": "Who?", "completion": "She."}, row])
    with pytest.raises(HeirloomError) as error:
        records(source([path]))
    assert fault in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_column_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "a.parquet")
    (tmp_path / "a.json").write_text(json.dumps(ROWS))
    for path in (lines(tmp_path / "a.jsonl", ROWS), str(tmp_path / "a.parquet"), str(tmp_path / "a.json")):
        with pytest.raises(HeirloomError, match="has no column 'prompt'; it has question, answer, id"):
            sources.preflight(source([path]))


def test_plain_text_has_no_pairs(tmp_path: Path) -> None:
    for name in ("train", "valid", "test"):
        (tmp_path / f"{name}.txt").write_text(f"Once upon a {name}.")
    spec = source({name: [str(tmp_path / f"{name}.txt")] for name in ("train", "valid", "test")})
    with pytest.raises(HeirloomError, match=r"train\.txt: pairs are read from \.jsonl, \.json, \.parquet"):
        sources.preflight(spec)


def test_documents_are_counted_and_limited(tmp_path: Path) -> None:
    spec = source([lines(tmp_path / "a.jsonl", ROWS)], **COLUMNS).model_copy(update={"max_documents": 3})
    counts = Counter[str]()
    assert len(list(sources.documents(spec, counts))) == counts["read"] == 3


def test_sentences_end_where_a_capital_follows_and_not_behind_abbreviations() -> None:
    text = 'He met Dr. Smith in St. Louis. "Why?" she asked. In 1843 J. S. Bach was dead, e.g. buried. Then 3 came.'
    assert wikipedia_pairs.split(text) == [
        "He met Dr. Smith in St. Louis.",
        '"Why?" she asked.',
        "In 1843 J. S. Bach was dead, e.g. buried.",
        "Then 3 came.",
    ]


def test_a_paragraph_gives_its_title_once_and_every_other_sentence_the_next() -> None:
    spec = WikipediaSource.model_validate({"name": "wikipedia", "text": {"rows": "pairs"}})
    place, record = next(wikipedia_pairs.records(spec))
    assert place.startswith("Anarchism:")
    first, second = record["pairs"][:2]
    assert first[0].endswith("\nWhat is this about?\n")
    assert first[1] == "Anarchism"
    assert second[0].startswith("Anarchism: Anarchism is a political philosophy")
    assert second[1].startswith("These are often described as stateless societies")
