"""Sentences, escapes and licences: what exports say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import CardData, RepoCard

from heirloom import config as configuration
from heirloom.artefacts.kinds import Key
from heirloom.export import licences, markdown, regimes
from heirloom.steps import real


def parsed(source: dict[str, Any]) -> configuration.Config:
    ngram = {"family": {"name": "ngram", "training": {"order": 2}}, "source": source, "regimes": ["replace"], "generations": 1, "rows": 5}
    return configuration.parse({"regimes": {"replace": {}}, "experiments": {"e": ngram}})


def test_a_licence_is_in_no_slice_so_that_stating_one_reruns_nothing() -> None:
    source = {"name": "files", "paths": ["corpus/*.txt"]}
    stated, silent = parsed({**source, "license": "cc-by-4.0"}), parsed(source)
    assert real.settings_of(stated, Key("e")) == real.settings_of(silent, Key("e"))
    assert "license" not in real.settings_of(stated, Key("e")).source


def test_shipped_sources_have_their_licence_and_numbers_drawn_from_a_law_have_none() -> None:
    nowhere = Path("no such config.yaml")
    assert licences.of("e", {"name": "wikipedia", "text": {}}, nowhere).tag == "cc-by-sa-3.0"
    assert licences.of("e", {"name": "mnist"}, nowhere).tag == "cc-by-sa-3.0"
    assert "no human work" in licences.of("e", {"name": "normal"}, nowhere).sentence
    assert licences.of("e", {"name": "hub", "text": {}}, nowhere).tag == "unknown"


@pytest.mark.parametrize(
    ("mixing", "expected"),
    [
        ({}, "the newest synthetic set. The number of rows stays the same."),
        (
            {"original": {"share": 1.0, "draw": "fixed"}, "synthetic": "all", "budget": "grows"},
            (
                "original real rows, 1 of the row budget, the same ones in every generation; and on the synthetic sets of all "
                "generations so far. Everything is kept, so the training set grows."
            ),
        ),
        (
            {"pool": 1.0, "synthetic": "none"},
            "real rows redrawn from the whole training pool, 1 of the row budget. The number of rows stays the same.",
        ),
        (
            {"fresh": 0.1},
            (
                "real rows that no model of the lineage has seen, 0.1 of the row budget; and on the newest synthetic set. "
                "The number of rows stays the same."
            ),
        ),
    ],
)
def test_a_regime_is_one_sentence(mixing: dict[str, Any], expected: str) -> None:
    assert regimes.sentence("r", mixing) == f"Under the regime `r` a generation trains on {expected}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lm/keep/0/1", "`lm/keep/0/1`"),
        ("lm/keep/0/1@a`b", "``lm/keep/0/1@a`b``"),
        ("`a`", "`` `a` ``"),
        ("a|b\nc", "`a\\|b c`"),
    ],
)
def test_code_holds_whatever_a_revision_is_called(text: str, expected: str) -> None:
    assert markdown.code(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<script>x</script>", "\\<script\\>x\\</script\\>"),
        ("[a](b) *c* `d_e` # f", "\\[a\\](b) \\*c\\* `d_e` \\# f"),
        ("one ` two\nthree", "one \\` two three"),
    ],
)
def test_prose_holds_whatever_a_licence_is_called(text: str, expected: str) -> None:
    assert markdown.prose(text) == expected


def test_metadata_is_read_back_by_the_hub_whatever_is_in_it() -> None:
    metadata: dict[str, Any] = {"license": "a: b\n---\n# c", "tags": ["x", "no", "1.0"], "pretty_name": "é " * 100}
    card = RepoCard(markdown.page(CardData(**metadata), ["text", "more"]))
    assert {key: card.data.get(key) for key in metadata} == metadata
    assert len(card.data) == len(metadata)
    assert card.text == "\ntext\n\nmore\n"
