"""Questions and answers made from the sample of English Wikipedia: every word of either side was written by people.

A paragraph gives two kinds of pair. *What is this about?* follows its first sentence, and the answer is the article's title: a fact, which
an answer has or has not. *What comes next?* follows the title and every other sentence, and the answer is the sentence behind it: words, as
many as the author took. So answers are from one word to a hundred long, and how a model's answers differ from people's shows in their
length, their words and their facts apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import regex

from heirloom.sources import wikipedia
from heirloom.specs.source import WikipediaSource
from heirloom.words import spaced_length

_FEWEST_WORDS = 4
"""Words of a sentence that is asked about or answers: shorter ones are crumbs of footnotes."""

ABOUT, NEXT = "What is this about?", "What comes next?"

_ABBREVIATIONS = (
    *("Mr", "Mrs", "Ms", "Dr", "Prof", "St", "Jr", "Sr", "Gen", "Col", "Lt", "Capt", "Rev", "Hon", "Mt", "Ft"),
    *("vs", "No", "Vol", "ca", "approx", "etc", "i.e", "e.g", "cf", "al", "ed", "Inc", "Ltd", "Co"),
)
_NO_END = "|".join(map(regex.escape, _ABBREVIATIONS))
_END = regex.compile(rf"(?<!\b(?:{_NO_END}|\p{{L}})\.)(?<=[.!?])[\"'\u201d)\]]*+\s+(?=[\"'\u201c(\[]*+[\p{{Lu}}\d])")


def records(spec: WikipediaSource) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a name and the pairs of each paragraph that has at least two sentences, and is not shorter than the source allows."""
    for article in wikipedia.articles(spec):
        for number, paragraph in enumerate(article.text.split("\n"), 1):
            sentences = split(paragraph)
            if spaced_length(paragraph) >= spec.min_paragraph_words and len(sentences) > 1:
                yield f"{article.title}:{number}", {"pairs": _pairs(article.title, sentences)}


def split(paragraph: str) -> list[str]:
    """Return the sentences of a paragraph: cut behind a full stop, a question or an exclamation mark that a capital or a digit follows.

    A stop behind a single letter or a common abbreviation ends no sentence; others are cut where they are no end, as rules do.
    """
    return [sentence.strip() for sentence in _END.split(paragraph) if sentence.strip()]


def _pairs(title: str, sentences: list[str]) -> list[list[str]]:
    pairs = [[f"{sentences[0]}\n{ABOUT}\n", title]]
    for place in range(0, len(sentences) - 1, 2):
        sentence, following = sentences[place : place + 2]
        if min(spaced_length(sentence), spaced_length(following)) >= _FEWEST_WORDS:
            pairs.append([f"{title}: {sentence}\n{NEXT}\n", following])
    return pairs
