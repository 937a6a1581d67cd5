"""The default source of real text: the sample of English Wikipedia that lies inside the gensim package."""

from __future__ import annotations

import bz2
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from xml.etree import ElementTree as ET

from heirloom.errors import HeirloomError
from heirloom.sources.input_files import SOURCE, SourceFile, package_file, package_folder
from heirloom.sources.text import Counts, Document, with_text
from heirloom.specs.source import WikipediaSource

_DUMP = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
_ARTICLES = 106
_PROSE_BYTES = 2_900_000
_NAMESPACE = "{http://www.mediawiki.org/xml/export-0.10/}"
_NOT_PROSE = ("*", "|", "{", "!", "Category")  # what the parser leaves of lists, tables, templates and categories
_LEFT_MARKUP = re.compile(r"\b(?:thumb|frame|upright|left|right)\s*\||\d\s?px\b|\|\||\[\[|\]\]|\{\{|\}\}|</?ref\b")


def path() -> Path:
    """Return where gensim keeps the sample, without the seconds that importing gensim takes.

    Raises
    ------
    HeirloomError
        If gensim or the file is missing.
    """
    folder = package_folder("gensim")
    if folder is None:
        raise HeirloomError("source.name: wikipedia needs the package gensim, which is not installed")
    dump = folder / "test" / "test_data" / _DUMP
    if not dump.is_file():
        raise HeirloomError(f"source.name: wikipedia needs {_DUMP}, which this gensim lacks; install gensim 4.4")
    return dump


AMPLE_BYTES_A_TOKEN = 4
"""More bytes than a token of this text has: 2.94 measured at a vocabulary of 2,048."""


def preflight(spec: WikipediaSource) -> None:
    """Raise HeirloomError unless the sample is there."""
    path()


def text_bytes(spec: WikipediaSource) -> int:
    """Return about how many bytes of prose the source holds."""
    return _PROSE_BYTES * min(spec.max_documents or _ARTICLES, _ARTICLES) // _ARTICLES


def source_files(spec: WikipediaSource) -> list[SourceFile]:
    """Return the sample, a file of an installed package."""
    return [package_file(SOURCE, "gensim", path())]


def is_here(spec: WikipediaSource) -> bool:
    """Return whether the sample is on this machine."""
    folder = package_folder("gensim")
    return folder is not None and (folder / "test" / "test_data" / _DUMP).is_file()


def documents(spec: WikipediaSource, counts: Counts) -> Iterator[Document]:
    """Yield the articles in the dump's order, cleaned to prose; redirects and articles without prose are left out."""
    yield from islice(with_text(articles(spec), spec, counts), spec.max_documents)


def articles(spec: WikipediaSource) -> Iterator[Document]:
    """Yield the articles in the dump's order, cleaned to prose, with short paragraphs and redirects' empty ones.

    Raises
    ------
    HeirloomError
        If the sample is damaged.
    """
    dump = path()
    try:
        for title, markup in _pages(dump):
            yield Document(title, prose(markup))
    except (OSError, EOFError, ET.ParseError) as error:
        raise HeirloomError(f"{dump}: damaged ({error}); install gensim anew") from None


def prose(markup: str) -> str:
    """Return the paragraphs of an article's wiki markup, one a line, without templates, table rows and image captions.

    Items of lists and the text of footnotes stay, without their marks.
    """
    import mwparserfromhell

    stripped = mwparserfromhell.parse(markup).strip_code()
    lines = (line.strip() for line in stripped.split("\n"))
    return "\n".join(line for line in lines if not line.startswith(_NOT_PROSE) and not _LEFT_MARKUP.search(line))


def _pages(dump: Path) -> Iterator[tuple[str, str]]:
    """Yield title and markup of each article, holding one page in memory at a time."""
    with bz2.open(dump) as stream:
        events = ET.iterparse(stream, events=("start", "end"))  # noqa: S314  as above
        _, root = next(events)
        for event, page in events:
            if event == "end" and page.tag == f"{_NAMESPACE}page":
                is_article = page.findtext(f"{_NAMESPACE}ns") == "0" and page.find(f"{_NAMESPACE}redirect") is None
                if is_article:
                    title = page.findtext(f"{_NAMESPACE}title", "")
                    markup = page.findtext(f"{_NAMESPACE}revision/{_NAMESPACE}text", "")
                    yield title, markup
                root.clear()
