"""The embedded Wikipedia sample is decoded to prose, article by article."""

from __future__ import annotations

import importlib.util
import re
import time
from importlib.machinery import ModuleSpec

import pytest

from heirloom import sources
from heirloom.errors import HeirloomError
from heirloom.sources import wikipedia
from heirloom.specs.source import WikipediaSource


def source(**keys: object) -> WikipediaSource:
    return WikipediaSource.model_validate({"name": "wikipedia", **keys})


def test_markup_becomes_prose_without_templates_table_rows_and_captions() -> None:
    markup = (
        "'''Fish''' live in [[Sea|water]].<ref>A book</ref>\n"
        "{{Infobox|a=b}}\n| a row\n[[File:Fish.jpg|thumb|A fish]]\n[[Category:Fish]]\n"
        "thumb|left|A caption\n35px|A flag\n== Fins ==\nTwo of them.\n"
    )
    lines = [line for line in wikipedia.prose(markup).split("\n") if line]
    assert lines == ["Fish live in water.A book", "Fins", "Two of them."]


def test_the_first_articles_are_prose() -> None:
    documents = list(sources.documents(source(max_documents=3)))
    assert [document.title for document in documents] == ["Anarchism", "Autism", "Albedo"]
    assert all(document.split is None for document in documents)
    paragraphs = [line for document in documents for line in document.text.split("\n")]
    assert min(len(line.split()) for line in paragraphs) >= 21
    assert not [line for line in paragraphs if re.search(r"\dpx|thumb\||\[\[|<ref", line)]


def test_redirects_are_no_articles() -> None:
    pages = list(wikipedia._pages(wikipedia.path()))
    assert len(pages) == 106
    assert not [title for title, markup in pages if markup.lower().startswith("#redirect")]


@pytest.mark.slow
def test_the_whole_sample_has_the_articles_and_words_that_the_notes_state() -> None:
    documents = list(sources.documents(source()))
    assert len(documents) == 102
    assert sum(len(document.text.split()) for document in documents) == 460_604
    assert abs(sum(len(document.text.encode()) for document in documents) / wikipedia.text_bytes(source()) - 1) < 0.03


def test_preflight_is_free_for_a_vocabulary_that_is_surely_filled() -> None:
    sources.preflight(source())
    (sample,) = sources.source_files(source())
    assert re.fullmatch(r"gensim==4\.4\.\d+/test/test_data/enwiki-latest-.*\.bz2", sample.path)
    assert sample.place == wikipedia.path()


def test_a_vocabulary_larger_than_a_few_articles_fill_is_refused_before_any_job() -> None:
    with pytest.raises(HeirloomError, match=r"vocab_size: 20000 given, but the training text fills only \d+; lower it"):
        sources.preflight(source(max_documents=3, text={"vocab_size": 20_000}))


def test_a_vocabulary_that_a_long_text_might_not_fill_is_left_to_the_thorough_check() -> None:
    """Reading three megabytes and fitting a million entries takes many seconds, and every start of Snakemake would wait for them."""
    before = time.process_time()
    sources.preflight(source(text={"vocab_size": 1_000_000}))
    assert time.process_time() - before < 1
    with pytest.raises(HeirloomError, match=r"vocab_size: 20000 given, but the training text fills only \d+; lower it"):
        sources.check_vocabulary(source(max_documents=3, text={"vocab_size": 20_000}))


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_gensim(name: str) -> ModuleSpec | None:
        return None

    monkeypatch.setattr(importlib.util, "find_spec", without_gensim)
    with pytest.raises(HeirloomError, match="wikipedia needs the package gensim, which is not installed"):
        wikipedia.path()
