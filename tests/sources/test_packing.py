"""Documents joined and cut, and the tokens that stand before them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from heirloom import sources
from heirloom.data import tokenization
from heirloom.errors import HeirloomError
from heirloom.sources import packing
from heirloom.specs.source import FilesSource
from heirloom.specs.text import Packing, TextSettings
from heirloom.steps import real

START = 2


class Letters:
    """A tokenizer whose tokens are letters' numbers; with special tokens it would add 99."""

    def encode(self, text: str, *, add_special_tokens: bool = True) -> Any:
        return type("Encoding", (), {"ids": [ord(letter) for letter in text] + [99] * add_special_tokens})


def packed(texts: list[str], width: int, **settings: Any) -> list[tuple[list[list[int]], list[tuple[int, int, int]]]]:
    cut = packing.pack_rows(texts, len(texts), Letters(), START, width, Packing(**settings))  # type: ignore[arg-type]
    return [(rows.tolist(), [(span.document, span.first_row, span.num_rows) for span in spans]) for rows, spans in cut]


def test_every_document_begins_with_the_start_token_even_an_empty_one() -> None:
    a, b, c = (ord(letter) for letter in "abc")
    ((rows, spans),) = packed(["ab", "", "cab"], 2)
    assert rows == [[START, a], [b, START], [START, c], [a, b]]
    assert spans == [(0, 0, 2), (1, 1, 1), (2, 2, 2)]


def test_without_a_lead_an_empty_document_has_no_token() -> None:
    ((rows, spans),) = packed(["ab", "", "cab"], 2, lead="none")
    assert rows == [[97, 98], [99, 97]]  # the last letter is left over
    assert spans == [(0, 0, 1), (1, 1, 0), (2, 1, 1)]


def test_what_is_left_over_of_a_batch_is_dropped() -> None:
    both = packed(["abc", "d", "ef", "g"], 3, documents=2, lead="none")
    assert [rows for rows, _ in both] == [[[97, 98, 99]], [[101, 102, 103]]]
    assert [spans for _, spans in both] == [[(0, 0, 1), (1, 1, 0)], [(2, 0, 1), (3, 0, 1)]]
    assert packed(["a", "b"], 3, documents=1) == []


@pytest.mark.parametrize(
    ("num_texts", "shards", "documents", "sizes"),
    [
        (10, 1, 4, [4, 4, 2]),
        (10, 4, 2, [2, 1, 2, 1, 2, 2]),  # shards of 3, 3, 2 and 2 documents
        (36718, 4, 1000, [*[1000] * 9, 180, *[1000] * 9, 180, *[1000] * 9, 179, *[1000] * 9, 179]),
        (2, 4, 9, [1, 1]),
    ],
)
def test_shards_are_contiguous_and_the_first_are_longer(num_texts: int, shards: int, documents: int, sizes: list[int]) -> None:
    assert list(packing.batch_sizes(num_texts, Packing(documents=documents, shards=shards))) == sizes


def test_a_tokenizer_without_a_start_token_cannot_lead() -> None:
    with pytest.raises(HeirloomError, match=r"source.text.packing.lead: the tokenizer has no start token; set it to none"):
        list(packing.pack_rows(["a"], 1, Letters(), None, 1, Packing()))  # type: ignore[arg-type]


def test_lines_are_documents_with_their_end_and_blank_ones_are_empty(tmp_path: Path) -> None:
    for name in ("train", "valid", "test"):
        (tmp_path / f"{name}.raw").write_text(" = One = \n \nTwo words\n")
    paths = {name: [str(tmp_path / f"{name}.raw")] for name in ("train", "valid", "test")}
    settings = TextSettings(packing=Packing())
    spec = FilesSource.model_validate({"name": "files", "lines": True, "paths": paths, "text": settings})
    assert [document.text for document in sources.documents(spec) if document.split == "train"] == [" = One = \n", "", "Two words\n"]
    cut = spec.model_copy(update={"text": TextSettings()})
    assert [document.text for document in sources.documents(cut) if document.split == "train"] == [" = One = \n", "Two words\n"]


def test_the_index_says_which_documents_a_packed_row_was_cut_from(corpus: Path, tmp_path: Path) -> None:
    source = {
        "name": "files",
        "paths": [str(corpus / "*.txt")],
        "text": {"vocab_size": 300, "row_tokens": 50, "packing": {"documents": 5, "lead": "none"}},
    }
    outputs = {name: str(tmp_path / f"{name}.parquet") for name in ("train", "valid", "test")}
    real.run_text(
        real.Slice(step="real", code="", num_threads=1, source=source),
        {**outputs, "tokenizer": str(tmp_path / "tokenizer.json"), "documents": str(tmp_path / "documents.parquet")},
    )
    index = [line for line in pq.read_table(tmp_path / "documents.parquet").to_pylist() if line["split"] == "train"]
    rows = np.array(pq.read_table(outputs["train"])["tokens"].to_pylist())
    tokenizer = tokenization.from_json((tmp_path / "tokenizer.json").read_text())
    for line in index:
        text = tokenizer.decode(rows[line["first_row"] : line["first_row"] + line["num_rows"]].reshape(-1).tolist())
        article = (corpus / f"{line['title']}.txt").read_text()
        assert article[:60] in text
        assert line["num_rows"] >= len(tokenizer.encode(article).ids) // 50
    assert any(a["first_row"] + a["num_rows"] - 1 == b["first_row"] for a, b in pairwise(index))


@pytest.mark.parametrize(
    "settings",
    [{"vocab_size": 300, "tokenizer": {"path": "some/model"}}, {"vocab_size": None}, {"tokenizer": {"path": "a/b", "package": "c"}}],
)
def test_a_vocabulary_is_fitted_or_given_and_not_both(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="give either"):
        TextSettings.model_validate(settings)
