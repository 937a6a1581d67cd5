"""What is shown: nothing from the data steers a terminal, a Markdown table or a page; every format holds the same facts."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

import heirloom
from heirloom.diffs.render import html, markdown, terminal
from heirloom.diffs.render.blocks import number, safe
from heirloom.diffs.render.page import page
from heirloom.diffs.result import DatasetDiff

Write = Callable[..., Path]

EVIL = "\x1b[31mred\x07 \u202eturned <script>alert(1)</script> | **bold** `x` [link](http://x) &amp; \x9b2J\r\n# heading"


@pytest.fixture
def found(write: Write) -> DatasetDiff:
    rows = [f"row {n} of plain text" for n in range(30)]
    columns = {"parent": list(range(31))}
    return heirloom.diff(write("a", text=[*rows, "once upon a time"], **columns), write("b", text=[*rows, f"once upon {EVIL}"], **columns))


def test_control_characters_become_visible() -> None:
    assert safe("a\x1b[0m\n\t\x7f\x9b\u202e\ud800é🙂") == "a␛[0m⏎␉␡\\u009b\\u202e\\ud800é🙂"


def test_a_number_has_four_digits_and_a_missing_one_is_a_dash() -> None:
    assert [number(value) for value in (1234567, 0.123456, 2.0, None, float("nan"))] == ["1,234,567", "0.1235", "2", "–", "–"]


def test_nothing_from_the_data_reaches_the_terminal_raw(found: DatasetDiff) -> None:
    shown = terminal.text(page(found))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", shown)
    assert "␛[31mred␇" in shown
    assert "rewritten: same prompt" in shown
    assert found.verdict.answer in shown


def test_nothing_from_the_data_is_markup_in_markdown(found: DatasetDiff) -> None:
    shown = markdown.text(page(found))
    assert "\\<script\\>" in shown
    assert "\\| \\*\\*bold\\*\\* \\`x\\` \\[link\\](http://x)" in shown
    tables = [line for line in shown.splitlines() if line.startswith("|") and "bold\\*" in line]
    assert tables
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 3 for line in tables)
    assert not any(line.startswith("# ") for line in shown.splitlines())


def test_the_page_stands_alone_and_marks_what_changed(found: DatasetDiff, tmp_path: Path) -> None:
    html.write(found, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    tags: list[str] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.append(tag)
            assert not {"src", "href", "onload"} & {name for name, _ in attrs}

    Tags().feed(text)
    assert "script" not in tags
    assert "link" not in tags
    assert "<del> a time</del>" in text
    assert "<ins>" in text
    assert "&lt;script&gt;" in text
    assert "\x1b" not in text


def test_a_page_says_its_verdict_once_and_names_of_rows_are_not_broken_by_letters(write: Callable[..., Path]) -> None:
    found = heirloom.diff(write("a", text=["one two three four"]), write("b", text=["one two three five"]))
    text = html.fragment(found)
    assert text.count(found.verdict.line) == 1
    assert "<h2>Reason</h2>" in text
    assert "td:first-child {text-align: left; overflow-wrap: break-word}" in text
    same = html.fragment(heirloom.diff(write("a", text=["one"]), write("b", text=["one"])))
    assert "<h2>Reason</h2>" not in same
