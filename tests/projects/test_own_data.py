"""`heirloom init --data`: what is chosen for data of each kind, and what is refused before a file is written."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from heirloom import config as configuration
from heirloom import preflight
from heirloom.errors import HeirloomError
from heirloom.projects import own_data, places, row_form, sizes
from heirloom.projects.choice import Choice
from helpers import write_corpus


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Work in an empty folder, and return varied sentences."""
    write_corpus(tmp_path / "corpus")
    monkeypatch.chdir(tmp_path)
    return [line for path in sorted(Path("corpus").iterdir()) for line in path.read_text().splitlines()]


def write_rows(path: str, rows: list[dict[str, Any]]) -> None:
    Path(path).write_text("".join(f"{json.dumps(row)}\n" for row in rows))


def written(project: str) -> Any:
    """Return the one experiment of a project's config, as it stands there."""
    return yaml.safe_load(Path(project, "config.yaml").read_text())["experiments"]["mine"]


def values(choices: list[Choice]) -> dict[str, str]:
    return {choice.key: choice.value for choice in choices}


def test_the_longest_column_of_text_is_the_text_and_the_config_passes_every_check(corpus: list[str]) -> None:
    rows = [{"id": number, "label": "short", "body": " ".join(corpus[number : number + 4]), "stars": None} for number in range(400)]
    write_rows("reviews.jsonl", [*rows, {"id": 400, "label": "short", "body": None, "stars": None}])
    choices = values(own_data.project(Path("p"), "reviews.jsonl", None))
    assert choices["source.text_column"] == "body"
    assert choices["family"] == "transformer"
    keys = written("p")
    assert keys["source"]["paths"] == ["../reviews.jsonl"]
    assert keys["generations"] == 2
    assert keys["origin_rows"] >= 2 * keys["rows"]


def test_the_written_config_passes_the_thorough_check_in_its_place(corpus: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    write_rows("qa.jsonl", [{"question": one, "answer": other} for one, other in itertools.pairwise(corpus)])
    own_data.project(Path("p"), "qa.jsonl", None)
    monkeypatch.chdir("p")
    preflight.thorough(configuration.load(Path("config.yaml")))


def test_questions_and_answers_are_pairs_whose_limits_nineteen_of_twenty_keep_to(corpus: list[str]) -> None:
    write_rows("qa.jsonl", [{"question": one, "answer": other} for one, other in itertools.pairwise(corpus)])
    choices = values(own_data.project(Path("p"), "qa.jsonl", None))
    assert choices["source.text.rows"] == "pairs"
    pairs = written("p")["source"]["text"]["pairs"]
    assert (pairs["prompt"], pairs["completion"], pairs["separator"]) == ("question", "answer", "\n")
    assert str(pairs["max_prompt_tokens"]) == choices["source.text.pairs.max_prompt_tokens"]


@pytest.mark.parametrize(("high", "size"), [(6, "8"), (7, "8"), (8, "16"), (63, "64"), (64, "128"), (5000, "512")])
def test_a_limit_is_the_next_power_of_two_with_room_for_the_end_token(high: int, size: str) -> None:
    assert sizes.limit("max_prompt_tokens", [1] * 18 + [high, high]).value == size
    assert sizes.limit("max_prompt_tokens", [high] * 19 + [10_000]).value in (size, "512")


@pytest.mark.parametrize(("middle", "size"), [(128, "64"), (127, "32"), (64, "32"), (63, "16"), (3, "16")])
def test_a_block_is_the_longest_of_which_half_the_documents_have_two(middle: int, size: str) -> None:
    assert sizes.row_tokens([1, middle, 10_000], is_packed=False).value == size


def test_conversations_need_a_model(corpus: list[str]) -> None:
    messages = [{"role": "user", "content": corpus[0]}, {"role": "assistant", "content": corpus[1]}]
    write_rows("chat.jsonl", [{"messages": messages}] * 100)
    with pytest.raises(HeirloomError, match="--data: conversations are written out by a chat template; name the model that has it"):
        own_data.project(Path("p"), "chat.jsonl", None)
    assert not Path("p").exists()


@pytest.mark.parametrize(
    ("message", "fault"),
    [({"role": "user", "content": "hello"}, "none of the first 9 conversations has an answer"), ("hello", "a message is no object")],
)
def test_conversations_without_an_answer_are_one_line(corpus: list[str], message: Any, fault: str) -> None:
    write_rows("chat.jsonl", [{"messages": [message]}] * 9)
    with pytest.raises(HeirloomError, match=f"--data: {fault}"):
        own_data.project(Path("p"), "chat.jsonl", "owner/name")
    assert not Path("p").exists()


def test_titles_of_wikitext_begin_documents_and_lines_do_where_there_are_none(corpus: list[str]) -> None:
    Path("titled.txt").write_text("".join(f" = Title {number} = \n{line}\n" for number, line in enumerate(corpus)))
    assert row_form.of_plain([Path("titled.txt")]).source == {"document_separator": "^ = [^=]+ = $"}
    Path("lines.txt").write_text("\n".join(corpus))
    form = row_form.of_plain([Path("lines.txt")])
    assert (form.source, form.text) == ({"lines": True}, {"packing": {"documents": 1000}})
    Path("long.txt").write_text("\n".join(line * 9 for line in corpus))
    assert row_form.of_plain([Path("long.txt")]).text == {}
    assert row_form.of_plain([Path("lines.txt")] * 20).source == {}


def test_splits_are_kept_where_each_has_files_that_are_named_after_it(corpus: list[str]) -> None:
    Path("splits").mkdir()
    for name in ("my-train-0", "my-train-1", "dev", "test", "notes"):
        Path(f"splits/{name}.txt").write_text("\n".join(corpus))
    place = places.look("splits")
    train = ["splits/my-train-0.txt", "splits/my-train-1.txt"]
    assert place.source["paths"] == {"train": train, "valid": ["splits/dev.txt"], "test": ["splits/test.txt"]}
    assert place.choices[1].reason == "the names of the files say so; 1 of another name left out"
    Path("splits/dev.txt").unlink()
    assert places.look("splits").source["paths"] == ["splits/**/*.txt"]


def test_a_folder_of_another_format_is_read_as_datasets_reads_it(corpus: list[str]) -> None:
    Path("tables").mkdir()
    Path("tables/train.csv").write_text("n,t\n" + "".join(f'{number},"{line}"\n' for number, line in enumerate(corpus)))
    place = places.look("tables")
    assert place.source == {"name": "hub", "dataset": "tables", "splits": "train"}
    assert place.rows[0] == {"n": 0, "t": corpus[0]}


FAULTS = {
    "nothing-here": r"--data: nothing-here: no such file or folder, and no hub id \(owner/name, or owner/name:configuration\)",
    "table.csv": r"--data: table\.csv: the suffix '\.csv' is none of \.txt, \.raw, \.jsonl, \.json, \.parquet; a folder",
    "numbers.jsonl": r"--data: numbers\.jsonl: no column holds text; it has a",
    "list.jsonl": r"--data: list\.jsonl.*: a list; each row must be an object",
    "empty.txt": r"--data: empty\.txt: has no text",
    "tiny.txt": r"--data: \d+ characters do not fill a vocabulary of 300 entries; give more text",
    "latin.txt": r"latin\.txt:1: not UTF-8 text",
}


@pytest.mark.parametrize("name", FAULTS)
def test_data_that_cannot_serve_is_one_line_and_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("table.csv").write_text("a,b\n")
    Path("numbers.jsonl").write_text('{"a": 1}\n' * 9)
    Path("list.jsonl").write_text("[[1], [2]]")
    Path("empty.txt").write_text("\n\n")
    Path("tiny.txt").write_text("hello\nworld\n")
    Path("latin.txt").write_bytes("café\n".encode("latin-1"))
    with pytest.raises(HeirloomError, match=FAULTS[name]):
        own_data.project(Path("p"), name, None)
    assert not Path("p").exists()
