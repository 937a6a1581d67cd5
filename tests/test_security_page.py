"""SECURITY.md: each promise names the tests that hold it, and they are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def promises() -> list[str]:
    """Return the promises of the page, each a paragraph."""
    section = (ROOT / "SECURITY.md").read_text(encoding="utf-8").split("## ")[1]
    return [" ".join(text.split()) for text in section.split("\n- ")[1:]]


def test_each_promise_of_the_security_page_names_tests_that_are_there() -> None:
    assert len(promises()) == 12
    for promise in promises():
        tests = re.findall(r"`(tests/[\w/]+\.py)`", promise.partition("*Test:*")[2])
        assert tests, promise
        assert [test for test in tests if "\ndef test_" not in (ROOT / test).read_text(encoding="utf-8")] == []
