"""Words of a text: the one splitter behind the measures, the diff and the page.

A word is a run of letters, each with its marks, in any script. Single apostrophes may stand between letters, and a typographic
apostrophe counts as a plain one. Words are compared casefolded and in the composed form (NFC), without invisible format characters
such as the soft hyphen; a zero-width joiner and non-joiner belong to the word in which they stand. A mark is what Unicode's rule WB4
(UAX #29) never parts from the letter before it.

Some scripts put no space between words. Of these each character, with its marks (a grapheme cluster of UAX #29), is a word.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

import regex

_SCRIPTS_FOR_PEOPLE = "Chinese, Japanese, Thai, Lao, Khmer, Burmese and other scripts that put no space between words"
DEFINITION = f"A word is a run of letters with their marks; of {_SCRIPTS_FOR_PEOPLE}, each character is one."
"""What a reader of counts is told."""
CHARACTERS = f"characters of {_SCRIPTS_FOR_PEOPLE}: each is counted by itself, with its marks"

_EXTENDED = ("Han", "Hiragana", "Katakana")  # with what they share, such as the long-vowel mark of kana
_SCRIPTS = ("Bopomofo", "Yi", "Thai", "Lao", "Khmer", "Myanmar", "Tai_Le", "New_Tai_Lue", "Tai_Tham", "Tai_Viet", "Balinese", "Javanese")
_SPACELESS = "".join([*(rf"\p{{Script_Extensions={name}}}" for name in _EXTENDED), *(rf"\p{{Script={name}}}" for name in _SCRIPTS)])
_ANY_LETTER = r"\p{L}\p{Nl}\p{No}"
_MARK = r"\p{Word_Break=Extend}\p{Word_Break=Format}\p{Word_Break=ZWJ}"
_UNDECODABLE = "\ufffd"
_APOSTROPHES = "'\u2019"
_NON_JOINER = "\u200c"

# ASCII stands first in each set, and a run of nothing else is taken whole: most text is that, and it takes half the time.
_BEYOND = r"\x80-\U0010FFFF"
_LETTER = f"[a-zA-Z[[{_ANY_LETTER}]--[{_SPACELESS}]]]"
_LETTERS = f"{_LETTER}[a-zA-Z{_MARK}[[{_ANY_LETTER}]--[{_SPACELESS}]]]*+"
_CHARACTER = rf"(?=[[{_ANY_LETTER}]&&[{_SPACELESS}]])\X[{_MARK}]*+"  # \X parts some marks of Burmese from their letter
_WORD = regex.compile(
    f"[a-zA-Z]++(?![a-zA-Z'{_BEYOND}])|(?=[a-zA-Z{_BEYOND}])(?:{_LETTERS}(?:[{_APOSTROPHES}]{_LETTERS})*+|{_CHARACTER})", regex.V1
)
_OPENING = regex.compile(f"[{_MARK}]*+[{_APOSTROPHES}]?[{_ANY_LETTER}]", regex.V1)
_FORMAT = regex.compile(r"\p{Word_Break=Format}+", regex.V1)
_SPACELESS_LETTER = regex.compile(f"[[{_ANY_LETTER}]&&[{_SPACELESS}]]", regex.V1)
_IN_SCRIPTS = "".join(rf"\p{{{name}}}" for name in (*_EXTENDED, *_SCRIPTS))
SPACED_PIECE = rf"[{_IN_SCRIPTS}]\p{{M}}*|[^\s{_IN_SCRIPTS}]+"
"""What stands between white space, each character of a script without spaces by itself: a rough length, in the syntax of RE2, too."""
_SPACED_PIECE = regex.compile(SPACED_PIECE)


class Span(NamedTuple):
    """A word where it stands in a text, spelled as it is compared; ``cut`` if it touches an end of the text or a broken character."""

    start: int
    stop: int
    word: str
    cut: bool


def words(text: str) -> list[str]:
    """Return the words of one row, in order, but those that may have been cut.

    A row may begin and end inside a word, so what touches either end is left out; so is what stands next to an undecodable character
    (U+FFFD), where bytes were cut.
    """
    return [_spelled(raw) for raw in _uncut(text)]


def count(texts: Iterable[str]) -> Counter[str]:
    """Return how often each word of some rows occurs (see `words`); counters of batches add up."""
    counts: Counter[str] = Counter()
    for raw, number in Counter(chain.from_iterable(map(_uncut, texts))).items():
        counts[_spelled(raw)] += number
    return counts


def pieces(text: str) -> list[str]:
    """Return the words of a text, in order, the first being what touches its beginning, the last what touches its end.

    Where nothing touches an end, or a word is broken off at an undecodable character, there is an empty string.
    """
    if text.isascii() and text.isalpha():
        return [text.casefold()]
    return [_spelled(raw) for raw in _broken(text)]


def spans(text: str) -> Iterator[Span]:
    """Yield all words of a text with their places."""
    offset = 0
    for part in text.split(_UNDECODABLE):
        matches = list(_WORD.finditer(part))
        opening, closing = _touching(part, [match.group() for match in matches])
        for place, match in enumerate(matches):
            cut = (place == 0 and opening) or (place == len(matches) - 1 and closing)
            yield Span(offset + match.start(), offset + match.end(), _spelled(match.group()), cut)
        offset += len(part) + 1


def is_character(word: str) -> bool:
    """Return whether a word is one character of a script without spaces."""
    return not word.isascii() and _SPACELESS_LETTER.match(word) is not None


def spaced_length(line: str) -> int:
    """Return how many pieces a line has between white space; each character of a script without spaces is one of its own."""
    plain = line.isascii() or not _SPACELESS_LETTER.search(line)
    return len(line.split() if plain else _SPACED_PIECE.findall(line))


def _uncut(text: str) -> list[str]:
    raw = _broken(text)[1:-1]
    return raw if _UNDECODABLE not in text else [word for word in raw if word]


def _broken(text: str) -> list[str]:
    """Return the words as they stand, as in `pieces`."""
    if _UNDECODABLE not in text:
        return _with_ends(text)
    first, *middle, last = map(_with_ends, text.split(_UNDECODABLE))
    middle_words = chain.from_iterable(part[1:-1] for part in middle)
    return [*first[:-1], "", *middle_words, "", *last[1:]]


def _with_ends(text: str) -> list[str]:
    """Return the words of a text without undecodable characters, an empty string at an end that no word touches."""
    raw: list[str] = _WORD.findall(text)
    opening, closing = _touching(text, raw)
    if not opening:
        raw.insert(0, "")
    if not closing:
        raw.append("")
    return raw


def _touching(text: str, raw: list[str]) -> tuple[bool, bool]:
    """Return whether the first word, and the last, may go on beyond the text: an apostrophe and marks may stand before that end."""
    if not raw:
        return False, False
    closing = text.endswith(raw[-1]) or (text[-1] in _APOSTROPHES and text.endswith(raw[-1], 0, -1))
    return _OPENING.match(text) is not None, closing


def _spelled(raw: str) -> str:
    """Return a word as it is compared."""
    if raw.isascii():
        return raw.casefold()
    visible = _FORMAT.sub("", unicodedata.normalize("NFC", raw)).rstrip(_NON_JOINER)
    return unicodedata.normalize("NFC", visible.replace("\u2019", "'").casefold())
