"""Source specifications refuse what no source could mean."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from heirloom import sources
from heirloom.specs.source import Source

ADAPTER: TypeAdapter[object] = TypeAdapter(Source)


@pytest.mark.parametrize(
    ("declaration", "message"),
    [
        ({"name": "books"}, "'wikipedia', 'files', 'hub', 'normal'"),
        ({"name": "wikipedia", "colour": 1}, "Extra inputs are not permitted"),
        ({"name": "wikipedia", "text": {"vocab_size": 256}}, "greater than or equal to 257"),
        ({"name": "wikipedia", "text": {"row_tokens": 0}}, "greater than or equal to 1"),
        ({"name": "wikipedia", "max_documents": 0}, "greater than or equal to 1"),
        ({"name": "files", "paths": []}, "at least 1 item"),
        ({"name": "files", "paths": ["a.txt"], "document_separator": "("}, "is no regular expression"),
        ({"name": "files", "paths": ["a.txt"], "document_separator": "(?<=a)b"}, r"has a look-around \(\(\?<=\), whose search may not end"),
        ({"name": "files", "paths": ["a.txt"], "document_separator": r"(a)\1"}, r"has a reference back \(\\1\), whose search may not end"),
        ({"name": "hub", "dataset": "a/b", "document_separator": "(a+)+b"}, r"has a repeat of a group that repeats \(\(a\+\)\+\)"),
        ({"name": "hub", "dataset": "a/b", "splits": {"train": "train", "valid": "train"}}, "must be different splits"),
    ],
)
def test_bad_values_are_refused(declaration: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ADAPTER.validate_python(declaration)


@pytest.mark.parametrize("pattern", ["^ = [^=]+ = $", "(a|b)+", r"\(\?=", "[(?=]+", r"(?:ab)*c+", r"a{3}(b+)?", "(?i)chapter (\\d+)"])
def test_an_expression_whose_search_ends_may_separate_documents(pattern: str) -> None:
    spec = ADAPTER.validate_python({"name": "files", "paths": ["a.txt"], "document_separator": pattern})
    assert spec.document_separator == pattern  # type: ignore[attr-defined]


def test_every_source_in_the_registry_can_be_named_in_the_configuration() -> None:
    schema = ADAPTER.json_schema()
    assert set(schema["discriminator"]["mapping"]) == set(sources.SOURCES)


def test_every_key_of_every_source_is_described() -> None:
    for name, model in ADAPTER.json_schema()["$defs"].items():
        assert all("description" in field for field in model["properties"].values()), name
